//! `kill -9` at any moment, recovery included, again and again.

use crate::life::World;
use crate::program;

/// Lives of an ordinary run; `RUTILE_CRASH_ROUNDS` asks for more.
const ROUNDS: u64 = 6;
/// Rows of the longest life.
const ROWS_MAX: u64 = 250;
const TEST: &str = "kill::acknowledged_work_survives_kill_9";

#[test]
fn acknowledged_work_survives_kill_9() {
    if program::runs_here() {
        return;
    }
    let rounds = std::env::var("RUTILE_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let rounds: u64 = rounds.unwrap_or(ROUNDS);
    let mut world = World::new();
    for round in 0..rounds {
        let mut life = world.start(TEST, None);
        if round % 5 == 3 {
            // In the middle of recovery.
            assert!(life.read_until("opening"), "round {round}");
        } else {
            assert!(life.read_until("ready"), "round {round}: the check failed, see above");
            let rows = 20 + (round * 97) % ROWS_MAX;
            assert!(life.read_rows(rows as usize), "round {round}: it ended by itself");
        }
        life.kill();
    }
    world.check(TEST);
    let (rows, slowest) = (world.acknowledged.len(), world.slowest_start_ms);
    println!("{rounds} kills, {rows} rows acknowledged, slowest start {slowest} ms");
    assert!(rows as u64 > rounds * 10, "{rows} rows");
}
