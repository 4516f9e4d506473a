//! Commands against the pages of a small cluster.

use std::ffi::OsString;
use std::time::Duration;

use rutile_kv_env::BoxFuture;
use serde_json::Value;

use super::{Outcome, Pages, answer, parse};
use crate::api::tests::Fixture;

impl Pages for Fixture {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, String>> {
        let (code, page) = self.get(path);
        let page = if code.is_success() { Ok(page) } else { Err(format!("[{}] {page}", code.as_u16())) };
        Box::pin(std::future::ready(page))
    }
}

fn run(fixture: &Fixture, line: &str) -> Outcome {
    let words = std::iter::once("pd").chain(line.split_whitespace()).map(OsString::from);
    match parse(words) {
        Ok(cli) => futures_block_on(answer(&cli, fixture)),
        Err(outcome) => outcome,
    }
}

/// Nothing here waits.
fn futures_block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("a page that waits"),
    }
}

fn lines(outcome: &Outcome) -> Vec<Vec<&str>> {
    outcome.out.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn health_says_in_the_exit_code_whether_all_is_well() {
    let fixture = Fixture::new();
    let well = run(&fixture, "health");
    assert_eq!(well.code, 0, "{well:?}");
    let shown = [
        vec!["KIND", "NAME", "ADDRESS", "STATE"],
        vec!["pd", "pd", "http://127.0.0.1:2379", "healthy"],
        vec!["store", "1", "127.0.0.1:20160", "Up"],
    ];
    assert_eq!(lines(&well), shown);
    fixture.simulation.clock().advance(Duration::from_secs(21));
    let silent = run(&fixture, "health --json");
    let page: Value = serde_json::from_str(&silent.out).expect("JSON");
    assert_eq!((silent.code, &page["healthy"]), (1, &Value::Bool(false)));
    assert_eq!(run(&Fixture::empty(), "health").code, 0, "nothing is wrong with an empty cluster");
}

#[test]
fn stores_and_regions_are_tables() {
    let fixture = Fixture::new();
    let stores = run(&fixture, "store");
    assert_eq!(lines(&stores)[1][..6], ["1", "127.0.0.1:20160", "Up", "931.5GiB", "0B", "2"]);
    assert_eq!(run(&fixture, "store 1").out, stores.out);
    assert_eq!(lines(&run(&fixture, "store --state tombstone")).len(), 1);
    let regions = run(&fixture, "region");
    assert_eq!(lines(&regions)[1], ["3", "-", "6D", "1:2", "1", "1", "0", "0"]);
    assert_eq!(lines(&regions)[2], ["2", "6D", "-", "1:2", "1", "1", "3", "0"]);
    let ids = |line: &str| -> Vec<String> {
        lines(&run(&fixture, line)).iter().skip(1).map(|cells| cells[0].to_owned()).collect()
    };
    assert_eq!(ids("region 2"), ["2"]);
    assert_eq!(ids("region key a --format raw"), ["3"]);
    assert_eq!(ids("region key 6D"), ["2"]);
    assert_eq!(ids("region scan --start 6D"), ["2"]);
    assert_eq!(ids("region scan --limit 1"), ["3"]);
    assert_eq!(ids("region sibling 2"), ["3"]);
    assert_eq!(ids("region store 1"), ["3", "2"]);
    assert_eq!(ids("region check empty-region"), ["3"]);
    assert_eq!(ids("region top size --limit 1"), ["2"]);
}

#[test]
fn members_settings_and_timestamps_are_shown() {
    let fixture = Fixture::new();
    for line in ["member show", "member leader"] {
        let shown = run(&fixture, line);
        assert_eq!(lines(&shown)[1][..3], ["pd", "1", "http://127.0.0.1:2379"]);
        assert!(shown.out.ends_with("leader\n"), "{}", shown.out);
    }
    assert!(run(&fixture, "config show").out.contains("replication.max-replicas"));
    assert!(run(&fixture, "config show all").out.contains("tso-save-interval"));
    assert!(run(&fixture, "cluster").out.contains("max peer count"));
    assert!(run(&fixture, "service-gc-safepoint").out.contains("in force"));
    let ts = (951_782_400_123_u64 << 18) + 5;
    let shown = run(&fixture, &format!("tso {ts}"));
    assert_eq!(lines(&shown)[1], ["951782400123", "5", "2000-02-29T00:00:00.123Z"]);
}

#[test]
fn what_can_not_be_answered_exits_with_its_reason() {
    let fixture = Fixture::new();
    let unknown = run(&fixture, "region 9");
    assert_eq!((unknown.code, unknown.problem.as_deref()), (1, Some("no such region")));
    assert_eq!(run(&fixture, "store 9").code, 1);
    assert!(run(&Fixture::empty(), "store").problem.expect("a reason").contains("not bootstrapped"));
    for line in ["", "region odd", "store --state odd", "tso x", "nosuch", "health --nosuch"] {
        let outcome = run(&fixture, line);
        assert!(outcome.code == 2 && outcome.problem.is_some(), "{line}: {outcome:?}");
    }
    assert!(run(&fixture, "--help").out.contains("rutile pd health"));
}
