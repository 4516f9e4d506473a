//! Commands against the pages of a small cluster.

use std::ffi::OsString;
use std::path::Path;
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

    fn read_file(&self, path: &Path) -> Result<Vec<u8>, String> {
        self.simulation.env().disk.read(path).map_err(|error| error.to_string())
    }

    fn write_file(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        self.simulation.env().disk.write_atomic(path, content).map_err(|error| error.to_string())
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
    for line in ["member", "member show", "member leader", "member leader show"] {
        let shown = run(&fixture, line);
        assert_eq!(lines(&shown)[1][..3], ["pd", "1", "http://127.0.0.1:2379"]);
        assert!(shown.out.ends_with("leader\n"), "{}", shown.out);
    }
    assert!(run(&fixture, "config show").out.contains("replication.max-replicas"));
    assert!(run(&fixture, "config show all").out.contains("tso-save-interval"));
    assert!(run(&fixture, "cluster").out.contains("max peer count"));
    assert!(run(&fixture, "service-gc-safepoint").out.contains("in force"));
    let resolved = run(&fixture, "min-resolved-ts");
    assert_eq!(lines(&resolved)[1], ["cluster", "-", "not", "known", "yet"]);
    assert_eq!(lines(&resolved)[2][..2], ["store", "1"]);
    assert_eq!(run(&fixture, "min-resolved-ts --scope 9").code, 1);
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
    assert!(run(&fixture, "--help").out.contains("rutile pd status"));
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
    let off = run(&fixture, "operator add merge-region 2 3").problem.unwrap_or_default();
    assert!(off.contains("switched off"), "{off}");
    done("config set merge-schedule-limit 4");
    done("operator add merge-region 2 3");
    assert!(done("operator show admin").contains("merge into region 3"));
    done("operator remove 2");
    done("operator remove 3");
    assert!(done("operator history").contains("removed by hand"));
    assert!(done("store remove-tombstone").contains("0 tombstones"));
    done("store label 1 zone=a host=h1");
    assert!(done("store 1").contains("host=h1,zone=a"));
    assert_eq!(done("label").lines().count(), 3);
    assert!(done("label store zone a").contains("127.0.0.1:20160"));
    assert_eq!(done("label store zone b").lines().count(), 1);
    done("store label 1 host --delete");
    done("store label 1 zone=b --rewrite");
    assert!(done("store 1 --json").contains("\"value\": \"b\""));
    done("store weight 1 2 0.5");
    assert!(done("store 1 --json").contains("\"region_weight\": 0.5"));
    done("store limit 1 7 add-peer");
    assert!(done("store limit").contains("7"));
    done("store limit all 9");
    assert!(done("store limit --json").contains("\"remove-peer\": 9"));
    assert!(done("config show").contains("schedule.store-limit-add-peer"));
    done("config delete store-limit");
    assert!(done("store check up").contains("Up"));
}

#[test]
fn what_is_refused_says_why() {
    let fixture = Fixture::new();
    for (line, why) in [
        ("store delete 1", "0 stores would be left"),
        ("store delete 9", "store 9 is not known"),
        ("config set nosuch zone", "config item nosuch not found"),
        ("config set isolation-level rack", "one of the location-labels"),
        ("config delete nosuch", "config item nosuch not found"),
        ("store label 1 zone", "is no label"),
        ("store label 9 zone=a", "store 9 is not known"),
        ("store label 1 zone --delete", "has no label zone"),
        ("store weight 1 -- -1 1", "a weight is from 0"),
        ("store limit 1 0", "rate is a number"),
        ("store limit 1 5 add-leader", "no type of a limit"),
        ("config set max-replicas many", "a number from 1 to 7"),
        ("scheduler add nosuch-scheduler", "not found"),
        ("scheduler add hot-region", "runs already"),
        ("scheduler add grant-leader", "needs a store"),
        ("scheduler add evict-leader-scheduler 9", "store 9 is not known"),
        ("scheduler remove shuffle-leader", "not found"),
        ("operator add scatter-region 2", "not placed as its rules want it"),
        ("operator add transfer-region 2 1", "the region is as it shall be"),
        ("operator add transfer-region 2 9", "store 9 is not known"),
        ("service-gc-safepoint delete nosuch", "holds no safe point"),
        ("operator add transfer-leader 2 9", "no peer on store 9"),
        ("operator add add-peer 2 9", "store 9 is not known"),
        ("operator add add-peer 2 1", "a peer on store 1 already"),
        ("operator add remove-peer 2 1", "no other peer that could lead"),
        ("operator add add-peer 9 1", "region 9 is not known"),
        ("operator add split-region 2 --policy usekey", "needs keys"),
        ("operator add split-region 2 --policy usekey --keys 7A", "no encoded key"),
        ("operator add merge-region 2 2", "no neighbours"),
        ("operator add merge-region 9 2", "region 9 is not known"),
        ("config set enable-cross-table-merge maybe", "true or false"),
        ("operator remove 2", "region 2 has no operator"),
        ("member leader resign", "no other member could lead now"),
        ("member leader transfer pd2", "there is no PD member pd2"),
        ("member delete name pd2", "there is no PD member pd2"),
        ("member delete name pd", "pd leads; have another member lead first"),
    ] {
        let outcome = run(&fixture, line);
        let problem = outcome.problem.unwrap_or_default();
        assert!(outcome.code == 1 && problem.contains(why), "{line}: {problem}");
    }
    for line in ["operator add merge-region 1", "scheduler pause all", "store delete", "store limit 5 five"] {
        assert_eq!(run(&fixture, line).code, 2, "{line}");
    }
}

#[test]
fn placement_rules_are_shown_saved_and_refused() {
    let fixture = Fixture::new();
    let done = |line: &str| {
        let outcome = run(&fixture, line);
        assert_eq!(outcome.code, 0, "{line}: {outcome:?}");
        outcome.out
    };
    assert_eq!(lines(&run(&fixture, "placement-rules show"))[1][..4], ["pd", "default", "voter", "3"]);
    let disk = fixture.simulation.env().disk;
    let rules = r#"[{"group_id": "pd", "id": "leader", "role": "leader", "count": 1,
        "label_constraints": [{"key": "zone", "op": "in", "values": ["a"]}]}]"#;
    disk.write_atomic("/rules.json".as_ref(), rules.as_bytes()).expect("writes");
    done("placement-rules save --in /rules.json");
    assert!(done("placement-rules show").contains("zone in a"));
    assert_eq!(lines(&run(&fixture, "placement-rules show --region 2")).len(), 3);
    done("placement-rules load --out /all.json");
    let loaded = disk.read("/all.json".as_ref()).expect("written");
    assert_eq!(serde_json::from_slice::<Value>(&loaded).expect("JSON").as_array().map(Vec::len), Some(2));
    assert!(done("placement-rules fit 2").contains("leader"));
    done("placement-rules delete pd default");
    let refused = run(&fixture, "placement-rules delete pd leader").problem.expect("nobody would lead");
    assert!(refused.contains("no rule asks for a voter"), "{refused}");
    done("placement-rules rule-group set g 3 --override");
    assert!(done("placement-rules rule-group show").contains("true"));
    done("placement-rules rule-group delete g");
    done("placement-rules rule-bundle load --out /bundles.json");
    done("placement-rules rule-bundle save --in /bundles.json");
    assert!(done("placement-rules rule-bundle show pd").contains("leader"));
    assert!(run(&fixture, "placement-rules rule-bundle delete pd").problem.is_some());
    done("placement-rules disable");
    let off = run(&fixture, "placement-rules show").problem.expect("a reason");
    assert!(off.contains("[412]") && off.contains("disabled"), "{off}");
    done("placement-rules enable");
}

#[test]
fn the_cluster_in_one_look() {
    let fixture = Fixture::new();
    let status = run(&fixture, "status");
    assert_eq!(status.code, 0, "one store can not hold three replicas, which is no fault: {status:?}");
    assert_eq!(lines(&status)[1], ["verdict", "healthy"]);
    fixture.simulation.clock().advance(Duration::from_secs(21));
    let silent = run(&fixture, "status");
    assert!(
        silent.code == 1 && silent.out.contains("store 1 at 127.0.0.1:20160 is Disconnected"),
        "{silent:?}"
    );
    run(&fixture, "config set location-labels zone");
    run(&fixture, "store label 1 zone=a");
    assert!(run(&fixture, "topology").out.contains("zone=a"));
    let events = run(&fixture, "events").out;
    assert!(events.contains("POST /store/1/label"), "{events}");
    for line in
        ["hot read", "hot write 1", "hot store", "hot history", "region topread", "region topwrite key"]
    {
        assert_eq!(run(&fixture, line).code, 0, "{line}");
    }
    assert!(run(&fixture, "region topread").out.contains("READ B/S"));
    assert_eq!(lines(&run(&fixture, "region topsize 1"))[1][0], "2");
    assert_eq!(lines(&run(&fixture, "region histogram size 2")).len(), 3);
    assert_eq!(run(&fixture, "region range-holes").code, 0);
    assert_eq!(run(&Fixture::empty(), "status").code, 0);
}
