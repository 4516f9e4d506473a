//! The queues and the graph, without time.
use rutile_kv_env::Simulation;
use rutile_kv_types::TimeStamp;

use super::wait_queue::{Blocked, Delay, Place, WaitQueues, Woken};

fn ts(ts: u64) -> TimeStamp {
    TimeStamp::new(ts)
}

fn enter(queues: &mut WaitQueues, key: &str, start_ts: u64) -> Place {
    queues.enter(key.as_bytes(), ts(start_ts)).expect("there is room")
}

/// A waiter that looked and found its key locked.
fn wait(queues: &mut WaitQueues, key: &str, start_ts: u64, holder: u64) -> (Place, Blocked) {
    let place = enter(queues, key, start_ts);
    let look = queues.release_number(&place);
    let blocked = queues.blocked(&place, look, ts(holder));
    (place, blocked)
}

fn chain(blocked: Blocked) -> Vec<(u64, u64, String)> {
    let Blocked::Deadlock(circle) = blocked else {
        panic!("no deadlock: {blocked:?}");
    };
    let edge = |edge: super::WaitFor| {
        let key = String::from_utf8(edge.key).expect("text");
        (edge.waiter.into_inner(), edge.holder.into_inner(), key)
    };
    circle.into_iter().map(edge).collect()
}

#[test]
fn the_oldest_transaction_is_woken_first_and_the_others_after_the_delay() {
    let mut queues = WaitQueues::default();
    let (young, _) = wait(&mut queues, "k", 30, 5);
    let (old, _) = wait(&mut queues, "k", 10, 5);
    let (other_key, _) = wait(&mut queues, "l", 1, 5);
    let woken = queues.released(b"k");
    assert_eq!(woken.first, Some(old.id));
    let release = woken.delay.expect("somebody else waits");
    // The old one got the lock and gave it back: the delay starts over, and there is only one.
    assert_eq!(queues.locked(b"k", ts(10)), []);
    queues.leave(&old);
    let again = queues.released(b"k");
    assert_eq!(again, Woken { first: Some(young.id), delay: None });
    let Delay::Again(next) = queues.delay_over(b"k", release) else {
        panic!("the later release was overlooked");
    };
    assert_eq!(queues.delay_over(b"k", next), Delay::Wake(vec![young.id]));
    assert_eq!(queues.released(b"nobody waits"), Woken::default());
    assert_eq!(queues.released(b"l"), Woken { first: Some(other_key.id), delay: None });
}

#[test]
fn a_release_between_look_and_wait_is_noticed() {
    let mut queues = WaitQueues::default();
    let place = enter(&mut queues, "k", 10);
    let look = queues.release_number(&place);
    queues.released(b"k");
    assert_eq!(queues.blocked(&place, look, ts(5)), Blocked::LookAgain);
    let look = queues.release_number(&place);
    assert_eq!(queues.blocked(&place, look, ts(6)), Blocked::Wait);
    assert_eq!(queues.edges(), 1);
}

#[test]
fn circles_of_two_and_of_three_are_named_from_the_holder_to_the_waiter() {
    let mut queues = WaitQueues::default();
    wait(&mut queues, "a", 1, 2);
    let (_, blocked) = wait(&mut queues, "b", 2, 1);
    assert_eq!(chain(blocked), [(1, 2, "a".to_owned()), (2, 1, "b".to_owned())]);
    wait(&mut queues, "c", 2, 3);
    let (_, blocked) = wait(&mut queues, "d", 3, 1);
    assert_eq!(chain(blocked), [(1, 2, "a".to_owned()), (2, 3, "c".to_owned()), (3, 1, "d".to_owned())]);
    // A line is no circle.
    let (_, blocked) = wait(&mut queues, "e", 4, 1);
    assert_eq!(blocked, Blocked::Wait);
}

#[test]
fn whoever_leaves_or_is_released_waits_for_nobody() {
    let mut queues = WaitQueues::default();
    let (first, _) = wait(&mut queues, "a", 1, 2);
    queues.leave(&first);
    let (_, blocked) = wait(&mut queues, "b", 2, 1);
    assert_eq!(blocked, Blocked::Wait);
    queues.released(b"b");
    let (_, blocked) = wait(&mut queues, "c", 1, 2);
    assert_eq!(blocked, Blocked::Wait);
}

#[test]
fn a_new_holder_closes_the_circle_of_those_still_in_line() {
    let mut queues = WaitQueues::default();
    let (behind, _) = wait(&mut queues, "a", 1, 9);
    let (_, _) = wait(&mut queues, "b", 2, 1);
    queues.released(b"a");
    // 2 waits for 1 on "b" and now holds "a", for which 1 waits.
    let deadlocks = queues.locked(b"a", ts(2));
    assert_eq!(deadlocks.len(), 1);
    assert_eq!(deadlocks[0].0, behind.id);
    assert_eq!(
        chain(Blocked::Deadlock(deadlocks[0].1.clone())),
        [(2, 1, "b".to_owned()), (1, 2, "a".to_owned())]
    );
    // A transaction does not wait for itself.
    assert_eq!(queues.locked(b"a", ts(1)), []);
}

#[test]
fn the_number_of_waiters_is_bounded() {
    let mut queues = WaitQueues::default();
    let mut last = None;
    while let Some(place) = queues.enter(b"k", ts(1)) {
        last = Some(place);
    }
    assert_eq!(queues.len(), 1 << 14);
    queues.leave(&last.expect("one fits"));
    assert!(queues.enter(b"k", ts(1)).is_some());
}

/// Random calls keep the graph free of circles, and nothing is left behind when all have gone.
#[test]
fn the_graph_is_as_large_as_the_waits() {
    let random = Simulation::new(11).env().random;
    for _ in 0..200 {
        let mut queues = WaitQueues::default();
        let mut places: Vec<Place> = Vec::new();
        for _ in 0..60 {
            let key = format!("k{}", random.range(0..4));
            match random.range(0..5) {
                0 | 1 => {
                    let start_ts = 1 + random.range(0..6);
                    let holder = 1 + (start_ts + random.range(0..5)) % 6;
                    if holder != start_ts {
                        places.push(wait(&mut queues, &key, start_ts, holder).0);
                    }
                }
                2 => drop(queues.released(key.as_bytes())),
                3 => drop(queues.locked(key.as_bytes(), ts(1 + random.range(0..6)))),
                _ if places.is_empty() => {}
                _ => {
                    let place = places.swap_remove(random.range(0..places.len() as u64) as usize);
                    queues.leave(&place);
                }
            }
            assert!(queues.edges() <= places.len(), "{queues:?}");
        }
        places.iter().for_each(|place| queues.leave(place));
        assert_eq!((queues.len(), queues.edges()), (0, 0), "{queues:?}");
    }
}
