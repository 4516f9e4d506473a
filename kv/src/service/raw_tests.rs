//! Raw requests: values, ends of life, compare-and-swap, scans, and what is refused; and the removal of a range.
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_proto::{Code, RawService, TikvService, kvrpcpb};

use super::tests::{Fixture, context, now};
use crate::local_replica::LocalReplica;
use crate::raw::RawValue;

fn head() -> Option<kvrpcpb::Context> {
    Some(kvrpcpb::Context { api_version: kvrpcpb::ApiVersion::V2 as i32, ..context() })
}

fn key(name: &str) -> Bytes {
    Bytes::from([&b"r\0\0\0"[..], name.as_bytes()].concat())
}

fn put(service: &impl RawService, name: &str, value: &'static str, ttl: u64) {
    let request = kvrpcpb::RawPutRequest {
        context: head(),
        key: key(name),
        value: Bytes::from(value),
        ttl,
        ..Default::default()
    };
    assert_eq!(now(service.raw_put(request)).expect("answered"), kvrpcpb::RawPutResponse::default());
}

fn get(service: &impl RawService, name: &str) -> Option<Bytes> {
    let request = kvrpcpb::RawGetRequest { context: head(), key: key(name), cf: String::new() };
    let answer = now(service.raw_get(request)).expect("answered");
    assert!(answer.error.is_empty() && answer.region_error.is_none());
    (!answer.not_found).then_some(answer.value)
}

fn scan(service: &impl RawService, start: &str, end: &str, limit: u32, reverse: bool) -> Vec<String> {
    let (start_key, end_key) = if reverse { (key(end), key(start)) } else { (key(start), key(end)) };
    let request =
        kvrpcpb::RawScanRequest { context: head(), start_key, end_key, limit, reverse, ..Default::default() };
    let answer = now(service.raw_scan(request)).expect("answered");
    assert!(answer.region_error.is_none());
    let name = |pair: &kvrpcpb::KvPair| String::from_utf8_lossy(&pair.key[4..]).into_owned();
    answer.kvs.iter().map(name).collect()
}

#[test]
fn values_come_back_also_empty_ones_and_go_again() {
    let fixture = Fixture::new();
    let service = &fixture.service;
    put(service, "a", "1", 0);
    put(service, "empty", "", 0);
    assert_eq!(get(service, "a"), Some(Bytes::from("1")));
    assert_eq!(get(service, "empty"), Some(Bytes::new()));
    assert_eq!(get(service, "absent"), None);
    let request =
        kvrpcpb::RawBatchGetRequest { context: head(), keys: vec![key("x"), key("a")], cf: String::new() };
    let answer = now(service.raw_batch_get(request)).expect("answered");
    assert_eq!(answer.pairs, [kvrpcpb::KvPair { error: None, key: key("a"), value: Bytes::from("1") }]);
    let request = kvrpcpb::RawDeleteRequest { context: head(), key: key("a"), ..Default::default() };
    now(service.raw_delete(request)).expect("answered");
    assert_eq!(get(service, "a"), None);
}

#[test]
fn a_value_ends_when_its_time_is_up() {
    let fixture = Fixture::new();
    let service = &fixture.service;
    put(service, "mortal", "1", 10);
    put(service, "lasting", "1", 0);
    let ttl = |name| {
        let request = kvrpcpb::RawGetKeyTtlRequest { context: head(), key: key(name), cf: String::new() };
        let answer = now(service.raw_get_key_ttl(request)).expect("answered");
        (!answer.not_found).then_some(answer.ttl)
    };
    fixture.simulation.clock().advance(Duration::from_secs(4));
    assert_eq!((ttl("mortal"), ttl("lasting"), ttl("absent")), (Some(6), Some(0), None));
    fixture.simulation.clock().advance(Duration::from_secs(6));
    assert_eq!((get(service, "mortal"), ttl("mortal")), (None, None));
    assert_eq!(scan(service, "a", "z", 9, false), ["lasting"]);
    let pair = |name| kvrpcpb::KvPair { error: None, key: key(name), value: Bytes::from("v") };
    let request = kvrpcpb::RawBatchPutRequest {
        context: head(),
        pairs: vec![pair("b"), pair("c")],
        ttls: vec![5, 7],
        ..Default::default()
    };
    now(service.raw_batch_put(request.clone())).expect("answered");
    assert_eq!((ttl("b"), ttl("c")), (Some(5), Some(7)));
    let odd = kvrpcpb::RawBatchPutRequest { ttls: vec![1, 2, 3], ..request };
    assert!(now(service.raw_batch_put(odd)).expect("answered").error.contains("3 ttls"));
}

#[test]
fn compare_and_swap_tells_what_was_there() {
    let fixture = Fixture::new();
    let service = &fixture.service;
    let swap = |previous: Option<&'static str>, value: &'static str| {
        let request = kvrpcpb::RawCasRequest {
            context: head(),
            key: key("k"),
            value: Bytes::from(value),
            previous_not_exist: previous.is_none(),
            previous_value: Bytes::from(previous.unwrap_or_default()),
            ..Default::default()
        };
        let answer = now(service.raw_compare_and_swap(request)).expect("answered");
        (answer.succeed, (!answer.previous_not_exist).then_some(answer.previous_value))
    };
    assert_eq!(swap(Some("0"), "1"), (false, None));
    assert_eq!(swap(None, "1"), (true, None));
    assert_eq!(swap(None, "2"), (false, Some(Bytes::from("1"))));
    assert_eq!(swap(Some("1"), "2"), (true, Some(Bytes::from("1"))));
    assert_eq!(get(service, "k"), Some(Bytes::from("2")));
}

#[test]
fn scans_respect_bounds_limits_and_directions() {
    let fixture = Fixture::new();
    let service = &fixture.service;
    ["a", "b", "c", "d"].into_iter().for_each(|name| put(service, name, "v", 0));
    assert_eq!(scan(service, "b", "d", 9, false), ["b", "c"]);
    assert_eq!(scan(service, "a", "z", 2, false), ["a", "b"]);
    assert_eq!(scan(service, "a", "z", 2, true), ["d", "c"]);
    assert!(scan(service, "a", "z", 0, false).is_empty());
    let range = |start, end| kvrpcpb::KeyRange { start_key: key(start), end_key: key(end) };
    let request = kvrpcpb::RawBatchScanRequest {
        context: head(),
        ranges: vec![range("a", "c"), range("b", "z")],
        each_limit: 2,
        key_only: true,
        ..Default::default()
    };
    let found = now(service.raw_batch_scan(request)).expect("answered").kvs;
    let keys: Vec<_> = found.iter().map(|pair| (pair.key.clone(), pair.value.len())).collect();
    assert_eq!(keys, [(key("a"), 0), (key("b"), 0), (key("b"), 0), (key("c"), 0)]);
    let request = kvrpcpb::RawDeleteRangeRequest {
        context: head(),
        start_key: key("b"),
        end_key: key("d"),
        cf: String::new(),
    };
    now(service.raw_delete_range(request)).expect("answered");
    assert_eq!(scan(service, "a", "z", 9, false), ["a", "d"]);
}

#[test]
fn what_raw_requests_may_not_ask_for_is_refused() {
    let fixture = Fixture::new();
    let service = &fixture.service;
    let request = kvrpcpb::RawGetRequest { context: head(), key: key("k"), cf: String::new() };
    let first_version = kvrpcpb::RawGetRequest { context: Some(context()), ..request.clone() };
    let status = now(service.raw_get(first_version)).expect_err("refused");
    assert!(status.code == Code::InvalidArgument && status.message.contains("API version 2"), "{status}");
    let family = kvrpcpb::RawGetRequest { cf: "write".to_owned(), ..request.clone() };
    assert!(now(service.raw_get(family)).expect_err("refused").message.contains("write"));
    let foreign = kvrpcpb::RawGetRequest { key: Bytes::from("x\0\0\0k"), ..request };
    assert!(now(service.raw_get(foreign)).expect("answered").error.contains("starts with `r`"));
    let request = kvrpcpb::RawCoprocessorRequest { context: head(), ..Default::default() };
    assert!(now(service.raw_coprocessor(request)).expect("answered").error.contains("not supported"));
    assert!(RawValue::decode(Bytes::new()).is_err());
    assert!(RawValue::decode(Bytes::from_static(&[9])).is_err());
    assert!(RawValue::decode(Bytes::from_static(&[0, 1])).is_err(), "an end without room");
}

#[test]
fn a_destroyed_range_is_gone_with_its_locks() {
    let fixture = Fixture::new();
    let service = &fixture.service;
    ["a", "b"].into_iter().for_each(|name| put(service, name, "v", 0));
    let dump = |replica: &Arc<LocalReplica>| replica.dump().len();
    assert_eq!(dump(&fixture.replica), 2);
    let request =
        |start_key, end_key| kvrpcpb::UnsafeDestroyRangeRequest { context: None, start_key, end_key };
    let answer = now(service.unsafe_destroy_range(request(key("a"), key("b")))).expect("answered");
    assert!(answer.error.is_empty());
    assert_eq!(scan(service, "a", "z", 9, false), ["b"]);
    let answer = now(service.unsafe_destroy_range(request(key("a"), Bytes::new()))).expect("answered");
    assert!(!answer.error.is_empty(), "a range needs an end");
}
