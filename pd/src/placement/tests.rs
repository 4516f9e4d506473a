//! Rules and fits, from values.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::Simulation;
use rutile_kv_types::{Key, Peer, PeerRole};
use rutile_pd_client::{Store, StoreState};
use serde_json::{Value, json};

use super::rule::RuleId;
use super::{Change, Fit, Group, Placement, Rule, Rules, fit, rule_from_json, rule_to_json};
use crate::cluster::StoreView;
use crate::schedule_settings::ScheduleSettings;
use crate::storage::Storage;

fn encoded(raw: &str) -> String {
    Key::from_raw(raw.as_bytes()).into_encoded().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A rule with more fields.
fn rule(id: &str, role: &str, count: u64, more: Value) -> Rule {
    let mut sent = json!({ "group_id": "g", "id": id, "role": role, "count": count });
    let fields = sent.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    rule_from_json(&sent).expect("a rule")
}

fn in_zone(zone: &str) -> Value {
    json!({ "label_constraints": [{ "key": "zone", "op": "in", "values": [zone] }] })
}

fn store(id: u64, zone: &str) -> StoreView {
    let labels = vec![("zone".to_owned(), zone.to_owned())];
    StoreView::for_test(Store { id, labels, ..Store::default() }, id, Duration::ZERO)
}

fn voter(store_id: u64) -> Peer {
    Peer { id: store_id + 100, store_id, role: PeerRole::Voter }
}

fn learner(store_id: u64) -> Peer {
    Peer { role: PeerRole::Learner, ..voter(store_id) }
}

/// Stores of the peers of each rule, and of those that no rule asks for.
fn shown(fit: &Fit<'_>) -> (Vec<Vec<u64>>, Vec<u64>) {
    let stores = |peers: &[Peer]| {
        let mut stores: Vec<u64> = peers.iter().map(|peer| peer.store_id).collect();
        stores.sort_unstable();
        stores
    };
    (fit.rules.iter().map(|rule| stores(&rule.peers)).collect(), stores(&fit.orphans))
}

#[test]
fn an_early_rule_leaves_what_a_later_one_needs() {
    let rules = [rule("any", "voter", 2, json!({})), rule("in-a", "voter", 1, in_zone("a"))];
    let rules: Vec<&Rule> = rules.iter().collect();
    let stores = [store(1, "a"), store(2, "b"), store(3, "c")];
    let peers = [1, 2, 3].map(voter);
    let found = fit(&peers, Some(101), &rules, &stores);
    assert_eq!(shown(&found), (vec![vec![2, 3], vec![1]], vec![]));
    assert!(found.is_satisfied());
}

#[test]
fn peers_on_stores_that_are_left_and_wrong_roles_are_seen() {
    let rules = [rule("voters", "voter", 2, json!({})), rule("learner", "learner", 1, json!({}))];
    let rules: Vec<&Rule> = rules.iter().collect();
    let mut stores = [store(1, "a"), store(2, "b"), store(3, "c"), store(4, "d")];
    stores[0].store.state = StoreState::Offline;
    let found = fit(&[1, 2, 3].map(voter), Some(101), &rules, &stores);
    assert_eq!(shown(&found), (vec![vec![2, 3], vec![]], vec![1]), "a voter is no learner any more");
    let found = fit(&[voter(2), learner(3), learner(4)], Some(102), &rules, &stores);
    assert_eq!(shown(&found), (vec![vec![2, 3], vec![4]], vec![]));
    assert_eq!(found.rules[0].misplaced, [learner(3)]);
    assert!(!found.is_satisfied());
}

#[test]
fn two_two_one_over_zones_with_leaders_in_one() {
    let rules = [
        rule("leader", "leader", 1, in_zone("a")),
        rule("a", "follower", 1, in_zone("a")),
        rule("b", "follower", 2, in_zone("b")),
        rule("c", "follower", 1, in_zone("c")),
    ];
    let rules: Vec<&Rule> = rules.iter().collect();
    let stores = [store(1, "a"), store(2, "a"), store(3, "b"), store(4, "b"), store(5, "c"), store(6, "c")];
    let peers = [1, 2, 3, 4, 5].map(voter);
    let right = fit(&peers, Some(102), &rules, &stores);
    assert_eq!(shown(&right), (vec![vec![2], vec![1], vec![3, 4], vec![5]], vec![]));
    assert!(right.is_satisfied());
    let wrong = fit(&peers, Some(105), &rules, &stores);
    assert!(wrong.rank() < right.rank() && !wrong.is_satisfied(), "the leader is in zone c");
    let moved = fit(&[1, 2, 3, 4, 6].map(voter), Some(102), &rules, &stores);
    assert_eq!(moved.rank(), right.rank(), "another store of the zone is as good");
}

#[test]
fn rules_apply_by_key_group_and_index() {
    let bounded = json!({ "start_key": encoded("k"), "end_key": encoded("p"), "index": 5 });
    let hot = rule("hot", "voter", 5, bounded);
    let lone = Rule { group_id: "z".to_owned(), ..rule("lone", "voter", 1, json!({})) };
    let rules = [hot.clone(), rule("base", "voter", 3, json!({})), lone.clone()];
    let rules: BTreeMap<RuleId, Rule> = rules.into_iter().map(|rule| (rule.key(), rule)).collect();
    let none = BTreeMap::new();
    let ids = |rules: &Rules, key: &str| -> Vec<String> {
        let key = Key::from_raw(key.as_bytes()).into_encoded();
        rules.at(&key).into_iter().map(|rule| rule.id.clone()).collect()
    };
    let all = Rules::new(&rules, &none);
    assert_eq!(ids(&all, "a"), ["base", "lone"]);
    assert_eq!(ids(&all, "k"), ["base", "hot", "lone"]);
    assert_eq!(all.boundaries(&[], &[]), [hot.start_key.clone(), hot.end_key.clone()]);
    assert_eq!(all.boundaries(&hot.start_key, &hot.end_key), [] as [bytes::Bytes; 0]);
    let mut over = rules.clone();
    over.insert(hot.key(), Rule { overrides: true, ..hot });
    assert_eq!(ids(&Rules::new(&over, &none), "k"), ["hot", "lone"]);
    let group = Group { id: "z".to_owned(), index: 1, overrides: true };
    let all = Rules::new(&over, &BTreeMap::from([("z".to_owned(), group)]));
    assert_eq!(ids(&all, "k"), ["lone"]);
}

#[test]
fn rules_are_kept_and_nonsense_is_refused() {
    let env = Simulation::new(1).env();
    let settings = ScheduleSettings { max_replicas: 5, ..ScheduleSettings::default() };
    let open = || Placement::open(Arc::new(Storage::open(&env, "/pd").expect("opens"))).expect("reads");
    let kept = open();
    assert_eq!(kept.rules(&settings).all()[0].count, 5, "the settings are a rule");
    let put = |kept: &Placement, rule: Rule| kept.change(vec![Change::PutRule(rule)], &settings, 7);
    put(&kept, rule("more", "learner", 1, in_zone("a"))).expect("a rule");
    put(&kept, rule("more", "learner", 2, in_zone("a"))).expect("another version");
    let default = ("pd".to_owned(), "default".to_owned());
    let refused = kept.change(vec![Change::DeleteRule(default.clone())], &settings, 7);
    assert!(refused.expect_err("learners alone").to_string().contains("no rule asks for a voter"));
    let leader = || rule("leader", "leader", 1, json!({}));
    let second = Rule { id: "second".to_owned(), ..leader() };
    let refused = kept.change(vec![Change::PutRule(leader()), Change::PutRule(second)], &settings, 7);
    assert!(refused.expect_err("two").to_string().contains("several leaders"));
    let changes = vec![Change::PutRule(leader()), Change::DeleteRule(default)];
    kept.change(changes, &settings, 7).expect("somebody leads");
    drop(kept);
    let again = open().rules(&settings);
    let ids: Vec<&str> = again.all().iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["leader", "more"], "the default stays deleted");
    assert_eq!((again.all()[1].version, again.all()[1].create_timestamp), (1, 7));
    let off = ScheduleSettings { enable_placement_rules: false, ..settings };
    assert_eq!(open_default(&open, &off), ["default"]);
}

fn open_default(open: &dyn Fn() -> Placement, settings: &ScheduleSettings) -> Vec<String> {
    open().rules(settings).all().iter().map(|rule| rule.id.clone()).collect()
}

#[test]
fn a_rule_reads_as_it_is_shown() {
    let more = json!({
        "start_key": encoded("a"),
        "index": -2,
        "override": true,
        "label_constraints": [
            { "key": "zone", "op": "notIn", "values": ["a", "b"] },
            { "key": "$disk", "op": "exists" },
        ],
        "location_labels": ["zone", "host"],
        "isolation_level": "zone",
    });
    let rule = rule("all", "follower", 3, more);
    assert_eq!(rule_from_json(&rule_to_json(&rule)), Ok(rule));
    for (field, value) in [
        ("role", json!("witness")),
        ("count", json!(0)),
        ("is_witness", json!(true)),
        ("start_key", json!("zz")),
        ("start_key", json!("41")),
        ("isolation_level", json!("rack")),
        ("nosuch", json!(1)),
        ("id", json!("")),
        ("label_constraints", json!([{ "key": "zone", "op": "in" }])),
    ] {
        let mut sent = json!({ "group_id": "g", "id": "x", "role": "voter", "count": 1 });
        sent[field] = value;
        assert!(rule_from_json(&sent).is_err(), "{sent}");
    }
}

#[test]
fn a_store_with_an_exclusive_label_is_for_rules_that_name_it() {
    let labels = [("$disk".to_owned(), "slow".to_owned())];
    assert!(!rule("any", "voter", 1, json!({})).admits(&labels));
    let named = json!({ "label_constraints": [{ "key": "$disk", "op": "in", "values": ["slow"] }] });
    assert!(rule("slow", "voter", 1, named).admits(&labels));
}
