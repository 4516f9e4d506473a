//! Two and three stores, each with a lock manager of its own, and one detector.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rutile_kv_env::Env;
use rutile_kv_proto::deadlock::{DeadlockRequest, DeadlockRequestType};
use rutile_kv_proto::{Code, DeadlockService, DeadlockSession};
use rutile_kv_types::TimeStamp;

use super::detect::Detector;
use super::entry::{from_wire, to_wire};
use crate::lock_manager::{LockManager, Ticket, Wait, WaitFor};

fn edge(waiter: u64, holder: u64, key: &str) -> WaitFor {
    let key = rutile_kv_types::Key::from_raw(key.as_bytes()).as_encoded().to_vec();
    WaitFor { waiter: waiter.into(), holder: holder.into(), key }
}

fn detect(session: &mut Box<dyn DeadlockSession>, edge: &WaitFor) -> Option<Vec<(u64, u64)>> {
    let request =
        DeadlockRequest { tp: DeadlockRequestType::Detect as i32, entry: Some(to_wire(edge.clone())) };
    let answer = session.take(&request).expect("takes the edge")?;
    assert_eq!(answer.entry.as_ref().map(from_wire).as_ref(), Some(edge));
    Some(answer.wait_chain.iter().map(|entry| (entry.txn, entry.wait_for_txn)).collect())
}

fn clean_up(session: &mut Box<dyn DeadlockSession>, kind: DeadlockRequestType, edge: &WaitFor) {
    let request = DeadlockRequest { tp: kind as i32, entry: Some(to_wire(edge.clone())) };
    assert_eq!(session.take(&request).expect("takes the edge"), None);
}

#[test]
fn a_circle_through_three_stores_is_closed_by_its_last_edge() {
    let detector = Detector::new(Arc::new(|| true));
    let mut stores = [1, 2, 3].map(|_| detector.open().expect("leads"));
    let [one, two, three] = &mut stores;
    assert_eq!(detect(one, &edge(10, 20, "b")), None);
    assert_eq!(detect(two, &edge(20, 30, "c")), None);
    let circle = detect(three, &edge(30, 10, "a"));
    assert_eq!(circle, Some(vec![(10, 20), (20, 30), (30, 10)]));
    // The one who was told goes; the others wait on.
    assert_eq!(detector.wait_for_entries().expect("leads").entries.len(), 2);
}

#[test]
fn edges_that_are_gone_close_nothing() {
    let detector = Detector::new(Arc::new(|| true));
    let mut stores = [1, 2].map(|_| detector.open().expect("leads"));
    let [one, two] = &mut stores;
    let there = edge(10, 20, "b");
    assert_eq!(detect(one, &there), None);
    assert_eq!(detect(one, &there), None, "two requests of one transaction");
    clean_up(one, DeadlockRequestType::CleanUpWaitFor, &there);
    assert_eq!(detect(two, &edge(20, 10, "a")), Some(vec![(10, 20), (20, 10)]), "one of them still waits");
    // A store can not take back what another one said.
    clean_up(two, DeadlockRequestType::CleanUp, &there);
    assert!(detect(two, &edge(20, 10, "a")).is_some());
    clean_up(one, DeadlockRequestType::CleanUp, &there);
    assert_eq!(detect(two, &edge(20, 10, "a")), None);
}

#[test]
fn the_edges_of_a_stream_end_with_it() {
    let detector = Detector::new(Arc::new(|| true));
    let mut one = detector.open().expect("leads");
    assert_eq!(detect(&mut one, &edge(10, 20, "b")), None);
    drop(one);
    let mut two = detector.open().expect("leads");
    assert_eq!(detect(&mut two, &edge(20, 10, "a")), None);
}

#[test]
fn a_store_that_does_not_lead_the_first_region_refuses() {
    let leads = Arc::new(AtomicBool::new(true));
    let asked = leads.clone();
    let detector = Detector::new(Arc::new(move || asked.load(Ordering::SeqCst)));
    let mut session = detector.open().expect("leads");
    leads.store(false, Ordering::SeqCst);
    let question = DeadlockRequest {
        tp: DeadlockRequestType::CleanUp as i32,
        entry: Some(rutile_kv_proto::kvrpcpb::WaitForEntry::default()),
    };
    assert_eq!(session.take(&question).expect_err("refuses").code, Code::FailedPrecondition);
    assert!(detector.open().is_err());
    assert!(detector.wait_for_entries().is_err());
    leads.store(true, Ordering::SeqCst);
    let unknown = DeadlockRequest { tp: 9, ..question };
    assert_eq!(session.take(&unknown).expect_err("refuses").code, Code::InvalidArgument);
}

#[tokio::test]
async fn what_a_lock_manager_reports_is_what_waits() {
    let locks = LockManager::new(Env::real());
    let wait = |key: &str, waiter: u64, holder: u64| -> Ticket {
        let key = rutile_kv_types::Key::from_raw(key.as_bytes());
        let ticket = locks.enter(key.as_encoded(), waiter.into()).expect("has room");
        let look = ticket.before_look();
        assert_eq!(ticket.blocked(look, holder.into()), Ok(Wait::ForTurn));
        ticket
    };
    let early = wait("a", 5, 6);
    let mut changes = locks.report_edges().expect("the first");
    assert!(locks.report_edges().is_none(), "one reporter");
    let kept = wait("b", 10, 20);
    assert_eq!(locks.edges(&mut changes), [edge(5, 6, "a"), edge(10, 20, "b")]);
    drop(early);
    let change = changes.try_recv().expect("is reported");
    assert_eq!(change, crate::lock_manager::EdgeChange::Removed(edge(5, 6, "a")));
    // A circle that somebody else found reaches the one who waits, and nobody else.
    locks.close_circle(&[edge(20, 10, "x"), edge(10, 21, "b")]);
    locks.close_circle(&[edge(20, 10, "x"), edge(10, 20, "b")]);
    let circle = kept.turn().await.expect_err("is told");
    assert_eq!(circle.last().map(|edge| edge.holder), Some(TimeStamp::from(20)));
    drop(kept);
    assert!(!locks.has_edges());
}
