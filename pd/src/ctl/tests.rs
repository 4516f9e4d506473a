//! Commands against the pages of a small cluster.

use std::ffi::OsString;
use std::time::Duration;

use rutile_kv_env::BoxFuture;
use serde_json::Value;

use super::{Change, Outcome, Pages, answer, parse};
use crate::api::tests::Fixture;

impl Pages for Fixture {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, String>> {
        let (code, page) = self.get(path);
        let page = if code.is_success() { Ok(page) } else { Err(format!("[{}] {page}", code.as_u16())) };
        Box::pin(std::future::ready(page))
    }

    fn change<'a>(&'a self, change: Change<'a>) -> BoxFuture<'a, Result<Value, String>> {
        let (code, page) = self.ask(change.method, change.path, &change.text());
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

#[test]
fn what_is_changed_is_said_and_shown() {
    let fixture = Fixture::new();
    let done = |line: &str| {
        let outcome = run(&fixture, line);
        assert_eq!(outcome.code, 0, "{line}: {outcome:?}");
        outcome.out
    };
    done("config set max-replicas 5");
    assert!(done("config show").contains("replication.max-replicas"));
    assert!(done("config show replication --json").contains("\"max-replicas\": 5"));
    assert!(done("scheduler show").contains("balance-leader-scheduler"));
    done("scheduler add evict-leader-scheduler 1");
    done("scheduler pause balance-leader-scheduler 60");
    assert!(done("scheduler describe balance-leader-scheduler").contains("paused"));
    done("scheduler resume all");
    done("scheduler remove evict-leader-scheduler");
    done("operator add split-region 2");
    assert!(done("operator show").contains("split in the middle"));
    assert!(done("operator check 2").contains("RUNNING"));
    done("operator remove 2");
    assert!(done("operator history").contains("removed by hand"));
    assert!(done("store remove-tombstone").contains("0 tombstones"));
}

#[test]
fn what_is_refused_says_why() {
    let fixture = Fixture::new();
    for (line, why) in [
        ("store delete 1", "0 stores would be left"),
        ("store delete 9", "store 9 is not known"),
        ("config set location-labels zone", "config item location-labels not found"),
        ("config set max-replicas many", "a number from 1 to 7"),
        ("scheduler add hot-region-scheduler", "not found"),
        ("scheduler add evict-leader-scheduler 9", "store 9 is not known"),
        ("scheduler remove hot-region-scheduler", "not found"),
        ("operator add transfer-leader 2 9", "no peer on store 9"),
        ("operator add add-peer 2 9", "store 9 is not known"),
        ("operator add add-peer 2 1", "a peer on store 1 already"),
        ("operator add remove-peer 2 1", "no other peer that could lead"),
        ("operator add add-peer 9 1", "region 9 is not known"),
        ("operator add split-region 2 --policy usekey", "needs keys"),
        ("operator add split-region 2 --policy usekey --keys 7A", "no encoded key"),
        ("operator remove 2", "region 2 has no operator"),
    ] {
        let outcome = run(&fixture, line);
        let problem = outcome.problem.unwrap_or_default();
        assert!(outcome.code == 1 && problem.contains(why), "{line}: {problem}");
    }
    for line in ["operator add merge-region 1 2", "scheduler pause all", "store delete", "store limit 5"] {
        assert_eq!(run(&fixture, line).code, 2, "{line}");
    }
}
