//! The edge: what is refused before anything is read, where errors go, and deadlines.
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use rutile_kv_env::Simulation;
use rutile_kv_proto::{Code, TikvService, kvrpcpb, metapb};
use rutile_kv_types::Region;

use super::KvService;
use crate::config::Config;
use crate::coprocessor::{EndpointSlot, Host};
use crate::error::Result;
use crate::local_replica::{LocalReplica, REGION_ID};
use crate::metrics::Metrics;
use crate::replica::{RegionContext, Splitter};
use crate::space::{Space, SpaceMonitor};
use crate::txn::Scheduler;

struct NoSplits;

impl Splitter for NoSplits {
    fn split(&self, _: RegionContext, _: Vec<Vec<u8>>) -> BoxFuture<'_, Result<Vec<Arc<Region>>>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

pub(super) struct Fixture {
    pub(super) simulation: Simulation,
    pub(super) replica: Arc<LocalReplica>,
    pub(super) service: KvService<LocalReplica>,
    space: Arc<Space>,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let simulation = Simulation::new(1);
        let env = simulation.env();
        let replica = LocalReplica::new(Bytes::new(), Bytes::new());
        let scheduler =
            Arc::new(Scheduler::new(env.clone(), replica.clone(), Arc::default(), Arc::default()));
        let metrics = Arc::new(Metrics::default());
        let host = Host::new(env.clone(), scheduler.clone(), EndpointSlot::default(), 1, metrics.clone());
        let space = Space::unlimited();
        let service = KvService::new(env, scheduler, Arc::new(NoSplits), host, metrics, space.clone());
        Fixture { simulation, replica, service, space }
    }
}

fn poll<T>(future: &mut Pin<Box<impl Future<Output = T> + ?Sized>>) -> Option<T> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
    poll(&mut Box::pin(future)).expect("does not wait")
}

pub(super) fn context() -> kvrpcpb::Context {
    kvrpcpb::Context {
        region_id: REGION_ID,
        region_epoch: Some(metapb::RegionEpoch { conf_ver: 1, version: 1 }),
        peer: Some(metapb::Peer { id: 3, store_id: 1, ..Default::default() }),
        ..Default::default()
    }
}

fn prewrite(start_version: u64) -> kvrpcpb::PrewriteRequest {
    let mutation = kvrpcpb::Mutation {
        op: kvrpcpb::Op::Put as i32,
        key: Bytes::from("k"),
        value: Bytes::from("v"),
        assertion: 0,
    };
    kvrpcpb::PrewriteRequest {
        context: Some(context()),
        mutations: vec![mutation],
        primary_lock: Bytes::from("k"),
        start_version,
        lock_ttl: 100,
        ..Default::default()
    }
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let fixture = Fixture::new();
    let refused = |request: kvrpcpb::PrewriteRequest, word: &str| {
        let status = now(fixture.service.kv_prewrite(request)).expect_err(word);
        assert_eq!(status.code, Code::InvalidArgument);
        assert!(status.message.contains(word), "{}", status.message);
    };
    refused(kvrpcpb::PrewriteRequest { pessimistic_actions: vec![9], ..prewrite(10) }, "action 9");
    refused(
        kvrpcpb::PrewriteRequest { skip_constraint_check: true, ..prewrite(10) },
        "skip_constraint_check",
    );
    refused(kvrpcpb::PrewriteRequest { context: None, ..prewrite(10) }, "context");
    refused(prewrite(0), "start timestamp");
    let mut twice = prewrite(10);
    twice.mutations.push(twice.mutations[0].clone());
    refused(twice, "two mutations");
    let mut wrong_op = prewrite(10);
    wrong_op.mutations[0].op = 99;
    refused(wrong_op, "op 99");
    let committed_reads =
        kvrpcpb::Context { isolation_level: kvrpcpb::IsolationLevel::Rc as i32, ..context() };
    refused(kvrpcpb::PrewriteRequest { context: Some(committed_reads), ..prewrite(10) }, "isolation");
}

#[test]
fn errors_go_where_clients_look_for_them() {
    let fixture = Fixture::new();
    let service = &fixture.service;
    let response = now(service.kv_prewrite(prewrite(10))).expect("answered");
    assert_eq!((response.errors, response.min_commit_ts, response.one_pc_commit_ts), (Vec::new(), 0, 0));
    let blocked = now(service.kv_prewrite(prewrite(11))).expect("answered");
    let lock = blocked.errors[0].locked.clone().expect("the lock");
    assert_eq!(
        (lock.lock_version, lock.lock_ttl, &*lock.key, &*lock.primary_lock),
        (10, 100, &b"k"[..], &b"k"[..])
    );
    let get = kvrpcpb::GetRequest { context: Some(context()), key: Bytes::from("k"), version: 20 };
    let response = now(service.kv_get(get)).expect("answered");
    assert_eq!(response.error.expect("locked").locked.expect("the lock"), lock);
    let scan = kvrpcpb::ScanRequest { context: Some(context()), limit: 9, version: 20, ..Default::default() };
    let response = now(service.kv_scan(scan)).expect("answered");
    assert_eq!(response.pairs[0].error.as_ref().and_then(|error| error.locked.as_ref()), Some(&lock));
    let commit = |start_version, commit_version| kvrpcpb::CommitRequest {
        context: Some(context()),
        start_version,
        keys: vec![Bytes::from("k")],
        commit_version,
    };
    let gone = now(service.kv_commit(commit(11, 12))).expect("answered").error.expect("no lock");
    assert!(gone.txn_lock_not_found.is_some() && !gone.retryable.is_empty());
    assert!(
        !now(service.kv_commit(commit(10, 10))).expect("answered").error.expect("refused").abort.is_empty()
    );
    assert_eq!(now(service.kv_commit(commit(10, 12))).expect("answered").commit_version, 12);
    let conflict = now(service.kv_prewrite(prewrite(11))).expect("answered").errors.remove(0);
    let found = conflict.conflict.expect("a conflict");
    assert_eq!((found.start_ts, found.conflict_ts, found.conflict_commit_ts), (11, 10, 12));
    assert!(!conflict.retryable.is_empty());
    let mut insert = prewrite(20);
    insert.mutations[0].op = kvrpcpb::Op::Insert as i32;
    let exists = now(service.kv_prewrite(insert)).expect("answered").errors.remove(0);
    assert_eq!(&*exists.already_exist.expect("exists").key, b"k");
}

#[test]
fn a_request_ends_at_its_deadline_and_its_write_stands() {
    let fixture = Fixture::new();
    fixture.replica.hold();
    let mut request = prewrite(10);
    request.context = Some(kvrpcpb::Context { max_execution_duration_ms: 50, ..context() });
    let mut late = Box::pin(fixture.service.kv_prewrite(request));
    assert!(poll(&mut late).is_none());
    fixture.simulation.clock().advance(Duration::from_millis(51));
    let status = poll(&mut late).expect("time is over").expect_err("too late");
    assert_eq!(status.code, Code::DeadlineExceeded);
    assert!(!status.is_not_executed(), "nobody may conclude that nothing was written");
    fixture.replica.release();
    let blocked = now(fixture.service.kv_prewrite(prewrite(11))).expect("answered");
    assert!(blocked.errors[0].locked.is_some(), "the lock is there");
}

fn lock(start_version: u64, for_update_ts: u64, keys: &[&'static str]) -> kvrpcpb::PessimisticLockRequest {
    let mutation = |key: &&'static str| kvrpcpb::Mutation {
        op: kvrpcpb::Op::PessimisticLock as i32,
        key: Bytes::from(*key),
        value: Bytes::new(),
        assertion: 0,
    };
    kvrpcpb::PessimisticLockRequest {
        context: Some(context()),
        mutations: keys.iter().map(mutation).collect(),
        primary_lock: Bytes::from(keys[0]),
        start_version,
        lock_ttl: 100,
        for_update_ts,
        wait_timeout: -1,
        return_values: true,
        ..Default::default()
    }
}

#[test]
fn lock_requests_that_make_no_sense_are_refused() {
    let fixture = Fixture::new();
    let refused = |request: kvrpcpb::PessimisticLockRequest, word: &str| {
        let status = now(fixture.service.kv_pessimistic_lock(request)).expect_err(word);
        assert_eq!(status.code, Code::InvalidArgument);
        assert!(status.message.contains(word), "{}", status.message);
    };
    refused(kvrpcpb::PessimisticLockRequest { force: true, ..lock(10, 11, &["k"]) }, "conflict");
    refused(kvrpcpb::PessimisticLockRequest { wake_up_mode: 1, ..lock(10, 11, &["k"]) }, "conflict");
    refused(lock(0, 11, &["k"]), "start timestamp");
    refused(lock(12, 11, &["k"]), "for_update_ts");
    refused(
        kvrpcpb::PessimisticLockRequest { primary_lock: Bytes::new(), ..lock(10, 11, &["k"]) },
        "primary",
    );
    refused(lock(10, 11, &["k", "k"]), "twice");
    let mut put = lock(10, 11, &["k"]);
    put.mutations[0].op = kvrpcpb::Op::Put as i32;
    refused(put, "op 0");
    let mut must_exist = lock(10, 11, &["k"]);
    must_exist.mutations[0].assertion = kvrpcpb::Assertion::Exist as i32;
    refused(must_exist, "existence");
}

#[test]
fn lock_answers_tell_an_empty_value_from_none() {
    let fixture = Fixture::new();
    let service = &fixture.service;
    let mut empty = prewrite(10);
    empty.mutations[0].value = Bytes::new();
    empty.try_one_pc = true;
    assert_ne!(now(service.kv_prewrite(empty)).expect("answered").one_pc_commit_ts, 0);
    let answer = now(service.kv_pessimistic_lock(lock(20, 21, &["a", "k"]))).expect("answered");
    assert_eq!((answer.values, answer.not_founds), (vec![Bytes::new(), Bytes::new()], vec![true, false]));
    let silent = kvrpcpb::PessimisticLockRequest { return_values: false, ..lock(20, 21, &["a"]) };
    let answer = now(service.kv_pessimistic_lock(silent)).expect("answered");
    assert_eq!((answer.values, answer.not_founds), (Vec::new(), Vec::new()));
    let blocked = now(service.kv_pessimistic_lock(lock(30, 31, &["a", "b", "k"]))).expect("answered");
    let keys: Vec<_> = blocked.errors.into_iter().map(|error| error.locked.expect("a lock").key).collect();
    assert_eq!(keys, [Bytes::from("a"), Bytes::from("k")]);
    // Whoever may wait, waits; and is told of a circle with its edges.
    let waiting =
        |start, key| kvrpcpb::PessimisticLockRequest { wait_timeout: 0, ..lock(start, start, &[key]) };
    now(service.kv_pessimistic_lock(lock(30, 31, &["b"]))).expect("answered");
    let mut first = Box::pin(service.kv_pessimistic_lock(waiting(30, "a")));
    assert!(poll(&mut first).is_none());
    let circle = now(service.kv_pessimistic_lock(waiting(20, "b"))).expect("answered").errors.remove(0);
    let deadlock = circle.deadlock.expect("a deadlock");
    let edges: Vec<_> =
        deadlock.wait_chain.iter().map(|edge| (edge.txn, edge.wait_for_txn, edge.key.clone())).collect();
    assert_eq!((deadlock.lock_ts, deadlock.lock_key), (30, Bytes::from("b")));
    assert_eq!(edges, [(30, 20, Bytes::from("a")), (20, 30, Bytes::from("b"))]);
    let unlock = kvrpcpb::PessimisticRollbackRequest {
        context: Some(context()),
        start_version: 20,
        for_update_ts: 21,
        keys: Vec::new(),
    };
    assert_eq!(now(service.kv_pessimistic_rollback(unlock)).expect("answered").errors, []);
    assert_eq!(poll(&mut first).expect("its turn").expect("answered").errors, []);
}

#[test]
fn a_full_disk_refuses_data_and_nothing_else_until_there_is_space_again() {
    const MIB: u64 = 1 << 20;
    let fixture = Fixture::new();
    let (simulation, service) = (&fixture.simulation, &fixture.service);
    let config = Config { data_dir: Some("/data".into()), ..Config::default() };
    let monitor =
        SpaceMonitor::start(&simulation.env(), &config, fixture.space.clone()).expect("a directory");
    simulation.env().spawn.spawn("space", Box::pin(monitor.run()));
    let set_space = |bytes: u64| {
        simulation.disk().set_capacity(bytes);
        simulation.run_until_stalled();
        simulation.clock().advance(Duration::from_secs(1));
        simulation.run_until_stalled();
    };
    let write = |start_version: u64, op: kvrpcpb::Op| {
        let mut request = kvrpcpb::PrewriteRequest { try_one_pc: true, ..prewrite(start_version) };
        request.mutations[0].op = op as i32;
        now(service.kv_prewrite(request)).expect("answered")
    };
    set_space(513 * MIB);
    assert_ne!(write(10, kvrpcpb::Op::Put).one_pc_commit_ts, 0);
    set_space(511 * MIB);
    for op in [kvrpcpb::Op::Put, kvrpcpb::Op::Insert] {
        let error = write(20, op).region_error.expect("refused");
        let full = error.disk_full.expect("the reason");
        let text =
            format!("disk is almost full, {} bytes are left: only reads and deletes are served", 511 * MIB);
        assert_eq!((full.reason.as_str(), error.message.as_str()), (text.as_str(), text.as_str()));
    }
    let get = kvrpcpb::GetRequest { context: Some(context()), key: Bytes::from("k"), version: 30 };
    assert_eq!(now(service.kv_get(get)).expect("answered").value, "v");
    assert_ne!(write(40, kvrpcpb::Op::Del).one_pc_commit_ts, 0);
    set_space(513 * MIB);
    assert_ne!(write(50, kvrpcpb::Op::Put).one_pc_commit_ts, 0);
}
