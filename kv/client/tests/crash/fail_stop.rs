//! A disk that fails under the raft log or the state engine: the process ends, and its next life finds everything that
//! was acknowledged.

use std::os::unix::process::ExitStatusExt as _;

use crate::life::World;
use crate::program;

const SIGABRT: i32 = 6;

fn ends_and_keeps_everything(test: &str, site: &str) {
    if program::runs_here() {
        return;
    }
    let mut world = World::new();
    let mut life = world.start(test, Some(site));
    assert!(life.read_until("failing"), "the disk is good at first");
    let status = life.end();
    assert_eq!(status.signal(), Some(SIGABRT), "{status}");
    assert!(world.acknowledged.len() >= 60, "{} rows", world.acknowledged.len());
    world.check(test);
}

#[test]
fn a_failed_sync_of_the_log() {
    ends_and_keeps_everything("fail_stop::a_failed_sync_of_the_log", "raft_log::files::sync");
}

#[test]
fn a_failed_write_of_the_log() {
    ends_and_keeps_everything("fail_stop::a_failed_write_of_the_log", "raft_log::files::write");
}

#[test]
fn a_failed_write_of_the_state_engine() {
    ends_and_keeps_everything("fail_stop::a_failed_write_of_the_state_engine", "rocks::engine::write");
}

#[test]
fn a_failed_flush_of_the_state_engine() {
    ends_and_keeps_everything("fail_stop::a_failed_flush_of_the_state_engine", "rocks::engine::flush");
}
