//! The host with a plan that concatenates what it reads.
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rutile_kv_engine::WriteBatch;
use rutile_kv_env::Env;
use rutile_kv_proto::coprocessor::KeyRange;
use rutile_kv_proto::endpoint::{Endpoint, EndpointError, EndpointRequest, EndpointResponse};
use rutile_kv_proto::{CoprocessorRequest, Payload, kvrpcpb, metapb};
use rutile_kv_types::{Cf, Key, Lock, LockType, TimeStamp, Write, WriteType};

use super::{EndpointSlot, Host};
use crate::local_replica::{LocalReplica, REGION_ID};
use crate::metrics::Metrics;
use crate::txn::Scheduler;

/// Answers the keys it read, as text.
struct Concatenate;

impl Endpoint for Concatenate {
    fn handle(&self, request: EndpointRequest<'_>) -> Result<EndpointResponse, EndpointError> {
        let mut text = String::new();
        let mut rows = 0;
        while let Some((key, value)) = request.rows.next()? {
            if (request.cancelled)() {
                return Err(EndpointError::Cancelled);
            }
            text.push_str(&format!("{}={} ", key.escape_ascii(), value.escape_ascii()));
            rows += 1;
            if rows == request.paging_rows {
                break;
            }
        }
        if request.tp == 9 {
            let payload = Some(Payload::shared(42_u32));
            return Err(EndpointError::Failed { message: "no such plan".to_owned(), payload });
        }
        let next = if rows == request.paging_rows { request.rows.resume_point() } else { None };
        Ok(EndpointResponse { data: Payload::Encoded(text.into()), next })
    }
}

fn host(keys: &[&str]) -> (Arc<LocalReplica>, Host<LocalReplica>) {
    let bound = |raw: &[u8]| Bytes::from(Key::from_raw(raw).into_encoded());
    let replica = LocalReplica::new(bound(b"b"), bound(b"y"));
    let mut batch = WriteBatch::new();
    for key in keys {
        let write = Write::new(WriteType::Put, TimeStamp::new(1), Some(Bytes::from_static(b"v")));
        batch.put(Cf::Write, Key::from_raw(key.as_bytes()).append_ts(TimeStamp::new(2)), write.to_bytes());
    }
    replica.engine.write(batch, false).expect("memory engine");
    let env = Env::real();
    let scheduler = Arc::new(Scheduler::new(env.clone(), replica.clone(), Arc::default(), Arc::default()));
    let endpoint = EndpointSlot::default();
    OnceLock::set(&endpoint, Arc::new(Concatenate) as Arc<dyn Endpoint>)
        .unwrap_or_else(|_| panic!("set once"));
    (replica, Host::new(env, scheduler, endpoint, 1, Arc::new(Metrics::default())))
}

fn request(ranges: &[(&str, &str)], paging_rows: u64) -> CoprocessorRequest {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let context = kvrpcpb::Context {
        region_id: REGION_ID,
        region_epoch: Some(metapb::RegionEpoch { conf_ver: 1, version: 1 }),
        peer: Some(metapb::Peer { id: 3, store_id: 1, ..Default::default() }),
        ..Default::default()
    };
    CoprocessorRequest {
        context: Some(context),
        tp: 1,
        start_ts: 10,
        ranges: ranges.iter().map(|(start, end)| KeyRange { start: bytes(start), end: bytes(end) }).collect(),
        plan: Payload::Encoded(Bytes::new()),
        paging_rows,
    }
}

fn text(data: Option<Payload>) -> String {
    match data {
        Some(Payload::Encoded(bytes)) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        other => panic!("no answer: {other:?}"),
    }
}

#[tokio::test]
async fn ranges_are_walked_in_order_and_clipped_to_the_region() {
    let (_, host) = host(&["a", "b", "c", "f", "g", "x", "y"]);
    let response = host.handle(request(&[("", "")], 0)).await.expect("answered");
    assert_eq!(text(response.data), "b=v c=v f=v g=v x=v");
    assert_eq!(response.next, None);
    let response = host.handle(request(&[("b", "c"), ("c", "c\0"), ("g", "z")], 0)).await.expect("answered");
    assert_eq!(text(response.data), "b=v c=v g=v x=v");
    let response = host.handle(request(&[("y", "z")], 0)).await.expect("answered");
    assert_eq!(text(response.data), "", "outside the region there is nothing");
    assert!(host.handle(request(&[("g", "z"), ("b", "c")], 0)).await.is_err(), "not ascending");
    assert!(host.handle(request(&[], 0)).await.is_err());
}

#[tokio::test]
async fn pages_join_without_gap_or_overlap() {
    let (_, host) = host(&["b", "c", "f", "g", "x"]);
    let mut ranges = vec![("b".to_owned(), "d".to_owned()), ("f".to_owned(), "z".to_owned())];
    let mut pages = Vec::new();
    loop {
        let borrowed: Vec<_> = ranges.iter().map(|(start, end)| (start.as_str(), end.as_str())).collect();
        let response = host.handle(request(&borrowed, 2)).await.expect("answered");
        pages.push(text(response.data));
        let Some(next) = response.next else { break };
        let start = String::from_utf8(next.start.to_vec()).expect("text");
        ranges.retain(|(_, end)| *end > start);
        let first = &mut ranges.first_mut().expect("something is left").0;
        if *first < start {
            *first = start;
        }
    }
    assert_eq!(pages.join(" ").split_whitespace().collect::<Vec<_>>(), ["b=v", "c=v", "f=v", "g=v", "x=v"]);
    assert!(pages.len() >= 3, "{pages:?}");
}

#[tokio::test]
async fn locks_and_endpoint_errors_have_their_own_places() {
    let (replica, host) = host(&["b", "c"]);
    let failed =
        host.handle(CoprocessorRequest { tp: 9, ..request(&[("", "")], 0) }).await.expect("answered");
    assert_eq!(failed.other_error, "no such plan");
    assert_eq!(failed.error_payload.and_then(|payload| payload.downcast::<u32>()).as_deref(), Some(&42));
    let lock = Lock::new(LockType::Put, Bytes::from_static(b"c"), TimeStamp::new(5), 100);
    let mut batch = WriteBatch::new();
    batch.put(Cf::Lock, Key::from_raw(b"c"), lock.to_bytes());
    replica.engine.write(batch, false).expect("memory engine");
    let response = host.handle(request(&[("", "")], 0)).await.expect("answered");
    assert_eq!(response.locked.expect("the lock").lock_version, 5);
    let mut stale = request(&[("", "")], 0);
    let context = stale.context.as_mut().expect("a context");
    context.region_epoch = Some(metapb::RegionEpoch { conf_ver: 1, version: 2 });
    let response = host.handle(stale).await.expect("answered");
    assert!(response.region_error.expect("refused").epoch_not_match.is_some());
}
