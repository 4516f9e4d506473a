//! Cores that talk to each other by hand: who leads, what is settled, who may vote, and how members come.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use raft::eraftpb::{ConfChangeType, Message};
use rutile_kv_env::{Monotonic, Random, Simulation};

use super::core::Core;
use super::lease::{ELECTION_TICKS, Lease, TICK};
use super::roster::{Founding, record};
use crate::error::Error;
use crate::storage::{Batch, Image, Record, encode_batch};

/// Two elections that come to nothing, because several ask at once, and one that does.
const PATIENCE_TICKS: usize = 6 * ELECTION_TICKS;

/// Members, the time, and what is on its way between them.
struct Group {
    cores: BTreeMap<u64, Core>,
    names: BTreeMap<&'static str, u64>,
    random: Arc<dyn Random>,
    now: Monotonic,
    under_way: Vec<Message>,
    /// Members that neither send nor receive.
    cut: Vec<u64>,
    /// What each would find after a crash.
    disks: BTreeMap<u64, Image>,
}

fn founding() -> Founding {
    Founding::parse("pd1=h1:1,pd2=h2:2,pd3=h3:3").expect("three members")
}

impl Group {
    fn new(seed: u64) -> Group {
        Group {
            cores: BTreeMap::new(),
            names: BTreeMap::new(),
            random: Simulation::new(seed).env().random,
            now: Monotonic::from_origin(Duration::from_secs(1)),
            under_way: Vec::new(),
            cut: Vec::new(),
            disks: BTreeMap::new(),
        }
    }

    fn of_three(seed: u64) -> Group {
        let mut group = Group::new(seed);
        for name in ["pd1", "pd2", "pd3"] {
            let image = founding().image(name, "http", 9).expect("a founder");
            group.names.insert(name, image.member_id);
            group.add(image, true);
        }
        group
    }

    fn add(&mut self, image: Image, is_new: bool) {
        self.disks.insert(image.member_id, image.clone());
        self.cores.insert(image.member_id, Core::new(image, is_new).expect("opens"));
    }

    /// One tick of everybody, and all that follows from it.
    fn tick(&mut self) {
        self.now = self.now + TICK;
        let (now, random) = (self.now, Arc::clone(&self.random));
        self.cores.values_mut().for_each(|core| core.tick(now, &*random));
        self.talk();
    }

    fn talk(&mut self) {
        loop {
            let random = Arc::clone(&self.random);
            for (id, core) in &mut self.cores {
                while let Some(mut round) = core.ready() {
                    let disk = self.disks.get_mut(id).expect("has one");
                    if let Some(image) = &round.restored {
                        *disk = image.clone();
                    }
                    for record in round.records() {
                        match record {
                            Record::HardState(state) => disk.hard_state = state,
                            Record::Entry(entry) => assert!(disk.append(entry), "no gap"),
                            Record::Point(_) | Record::Member(_) | Record::Start(..) => {
                                panic!("of a new journal")
                            }
                        }
                    }
                    self.under_way.append(&mut round.messages);
                    self.under_way.extend(core.persisted(round, &*random));
                }
            }
            if self.under_way.is_empty() {
                return;
            }
            for message in std::mem::take(&mut self.under_way) {
                let lost = self.cut.contains(&message.from) || self.cut.contains(&message.to);
                if let Some(core) = self.cores.get_mut(&message.to).filter(|_| !lost) {
                    core.step(message, &*random);
                }
            }
        }
    }

    fn until(&mut self, what: &str, ticks: usize, mut done: impl FnMut(&Group) -> bool) {
        for _ in 0..ticks {
            if done(self) {
                return;
            }
            self.tick();
        }
        panic!("{what} did not happen in {ticks} ticks");
    }

    /// The one that serves with a lease now.
    fn leader(&self) -> Option<u64> {
        let leads = |core: &&Core| match core.role().lease {
            Lease::None => false,
            Lease::Until(end) => self.now < end,
            Lease::Always => true,
        };
        let leaders: Vec<u64> = self.cores.values().filter(leads).map(Core::id).collect();
        assert!(leaders.len() <= 1, "two lead at once: {leaders:?}");
        leaders.first().copied()
    }

    fn elect(&mut self) -> u64 {
        self.until("an election", PATIENCE_TICKS, |group| group.leader().is_some());
        self.leader().expect("just elected")
    }

    fn write(&mut self, member: u64, key: &str, value: &str) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.put(key, value);
        let core = self.cores.get_mut(&member).expect("a member");
        let entry = core.next_entry(encode_batch(&batch));
        assert!(self.disks.get_mut(&member).expect("has one").append(entry.clone()), "no gap");
        core.propose_written(entry)?;
        self.talk();
        Ok(())
    }

    fn read(&self, member: u64, key: &str) -> Option<String> {
        let value = self.cores[&member].replica().image().pairs.get(key.as_bytes())?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

#[test]
fn three_members_elect_one_and_all_of_them_take_what_it_writes() {
    for seed in 0..20 {
        let mut group = Group::of_three(seed);
        let leader = group.elect();
        group.write(leader, "k", "1").expect("leads");
        group.tick();
        group.tick();
        for member in group.cores.keys() {
            assert_eq!(group.read(*member, "k").as_deref(), Some("1"));
            assert_eq!(group.cores[member].role().leader_id, leader);
        }
        let follower = *group.cores.keys().find(|id| **id != leader).expect("three");
        assert!(matches!(group.write(follower, "k", "2"), Err(Error::NotLeader)));
    }
}

#[test]
fn a_leader_that_is_cut_off_stops_before_the_next_one_starts() {
    for seed in 0..20 {
        let mut group = Group::of_three(seed);
        let first = group.elect();
        group.write(first, "k", "1").expect("leads");
        group.cut = vec![first];
        // It is durable where it was written, and nowhere else.
        group.write(first, "k", "lost").expect("it does not know yet");
        assert_eq!(group.read(first, "k").as_deref(), Some("1"), "not settled");
        // `leader` asserts after every tick that no two lead.
        group.until("another leader", PATIENCE_TICKS, |group| {
            group.leader().is_some_and(|leader| leader != first)
        });
        let second = group.leader().expect("just seen");
        assert_eq!(group.read(second, "k").as_deref(), Some("1"));
        group.write(second, "k", "2").expect("leads");
        group.cut.clear();
        group.until("the return of the first", PATIENCE_TICKS, |group| {
            group.read(first, "k").as_deref() == Some("2")
        });
        assert_eq!(group.cores[&first].role().reign, 0);
    }
}

#[test]
fn a_member_that_was_restarted_gives_no_vote_for_an_election() {
    let mut group = Group::of_three(3);
    let leader = group.elect();
    let others: Vec<u64> = group.cores.keys().copied().filter(|id| *id != leader).collect();
    group.cut = vec![leader];
    // One forgets what it heard; the other one hears nothing any more.
    let image = group.cores[&others[0]].replica().image().clone();
    group.add(image, false);
    let ticks = ELECTION_TICKS - 2;
    for _ in 0..ticks {
        group.tick();
        assert!(group.cores[&others[1]].role().reign == 0, "elected while the first may still serve");
    }
    group
        .until("another leader", PATIENCE_TICKS, |group| group.leader().is_some_and(|other| other != leader));
}

#[test]
fn what_most_members_took_survives_any_one_of_them() {
    let mut group = Group::of_three(5);
    let leader = group.elect();
    group.write(leader, "k", "1").expect("leads");
    assert_eq!(group.read(leader, "k").as_deref(), Some("1"), "settled at once");
    let gone = group.cores.remove(&leader).expect("there");
    let next = group.elect();
    assert_eq!(group.read(next, "k").as_deref(), Some("1"));
    drop(gone);
}

#[test]
fn a_new_member_learns_first_and_votes_then() {
    let mut group = Group::of_three(7);
    let leader = group.elect();
    group.write(leader, "k", "1").expect("leads");
    let image = Founding::Joining.image("pd4", "http", 44).expect("any name");
    group.add(image, true);
    let own = record(44, "pd4", &["http://h4:4".to_owned()]);
    let core = group.cores.get_mut(&leader).expect("leads");
    core.propose_change(ConfChangeType::AddLearnerNode, 44, Some(&own)).expect("nothing else changes");
    group.until("a vote for the new one", 50, |group| group.cores[&leader].voters().contains(&44));
    group.until("the map at the new one", 50, |group| group.read(44, "k").is_some());
    group.tick();
    let names: Vec<String> = group.cores[&44].replica().roster().values().map(|m| m.name.clone()).collect();
    assert!(names.contains(&"pd4".to_owned()) && names.len() == 4, "{names:?}");
    let core = group.cores.get_mut(&leader).expect("leads");
    core.propose_change(ConfChangeType::RemoveNode, 44, None).expect("nothing else changes");
    group.until("the end of its membership", 50, |group| !group.cores[&leader].voters().contains(&44));
    assert_eq!(group.cores[&leader].replica().roster().len(), 3);
}

#[test]
fn one_that_took_others_in_is_not_alone_after_a_crash() {
    // With one more or two, with writes behind the change or none.
    for (others, writes) in [(1, 0), (1, 3), (2, 0), (2, 3)] {
        let mut group = Group::new(13);
        group.add(Founding::Alone.image("pd", "http", 9).expect("any name"), true);
        let founder = *group.cores.keys().next().expect("one");
        group.cores.get_mut(&founder).expect("one").campaign_alone().expect("alone");
        group.talk();
        for id in (40..).take(others) {
            let name = format!("pd{id}");
            group.add(Founding::Joining.image(&name, "http", id).expect("any name"), true);
            let own = record(id, &name, &[format!("http://h:{id}")]);
            let core = group.cores.get_mut(&founder).expect("leads");
            core.propose_change(ConfChangeType::AddLearnerNode, id, Some(&own))
                .expect("nothing else changes");
            group.until("a vote for the new one", 50, |group| group.cores[&founder].voters().contains(&id));
        }
        for n in 0..writes {
            group.write(founder, "k", &n.to_string()).expect("leads");
        }
        // Nobody else is there when it comes back.
        let others: Vec<u64> = group.cores.keys().copied().filter(|id| *id != founder).collect();
        group.cut = others;
        let disk = group.disks[&founder].clone();
        group.add(disk, false);
        group.cores.get_mut(&founder).expect("back").campaign_alone().expect("its log is whole");
        group.talk();
        for _ in 0..PATIENCE_TICKS {
            group.tick();
            assert_eq!(group.cores[&founder].role().reign, 0, "leads without those that came");
        }
        group.cut.clear();
        group.elect();
    }
}

#[test]
fn who_hands_leadership_on_serves_no_more() {
    let mut group = Group::of_three(11);
    let leader = group.elect();
    let to = group.cores[&leader].successor().expect("others are well");
    group.cores.get_mut(&leader).expect("leads").hand_on(to);
    assert_eq!(group.cores[&leader].role().reign, 0, "from that moment on");
    group.until("the other one", 5, |group| group.leader() == Some(to));
    // The other one is not there: nobody leads until the next election, this one least of all.
    let next = group.cores[&to].successor().expect("others are well");
    group.cut = vec![next];
    group.cores.get_mut(&to).expect("leads").hand_on(next);
    for _ in 0..ELECTION_TICKS - 1 {
        group.tick();
        assert!(group.cores[&to].role().reign == 0);
    }
    group.cut.clear();
    group.elect();
}

#[test]
fn the_founders_are_named_once_and_strangers_have_other_ids() {
    let ids = |text: &str| -> Vec<u64> {
        let founding = Founding::parse(text).expect("sensible");
        founding.image("a", "http", 9).expect("a founder").conf.voters
    };
    assert_eq!(ids("a=h:1,b=h:2"), ids("b=http://h:2/,a=h:1"), "order and form do not matter");
    assert!(ids("a=h:1,b=h:2").iter().all(|id| !ids("a=h:1,b=h:3").contains(id)));
    for bad in ["a", "a=h", "a=h:1,a=h:2", "a=h:1,b=h:1", "=h:1", ""] {
        assert!(Founding::parse(bad).is_err(), "{bad:?}");
    }
    let unknown = founding().image("pd9", "http", 9).expect_err("not in the list");
    assert!(unknown.to_string().contains("pd9"), "{unknown}");
}
