//! A failed write or sync of the raft log ends the process, and nothing is acknowledged afterwards. The process that
//! ends is this test binary, run once more.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output};

use rutile_kv_engine::{EngineRaftLog, Entry, RaftLog, RaftLogBatch, RaftLogConfig};
use rutile_kv_env::failpoint;

/// Directory of the log; set for the process that ends.
const DIRECTORY: &str = "RUTILE_TEST_FAIL_STOP";
/// Appends before the disk fails.
const GOOD: u64 = 5;
const SIGABRT: i32 = 6;

fn append(log: &dyn RaftLog, index: u64) -> bool {
    let mut batch = RaftLogBatch::new();
    batch.append(1, vec![Entry { index, term: 1, data: vec![index as u8; 100].into(), ..Entry::default() }]);
    log.append(batch, true).is_ok()
}

fn acknowledge(index: u64) {
    println!("acknowledged {index}");
}

/// Runs one test of this binary in a process of its own, because failpoints are the process's.
fn rerun(test: &str, directory: &Path) -> Output {
    Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", &format!("fail_stop::{test}"), "--nocapture"])
        .env(DIRECTORY, directory)
        .output()
        .expect("runs")
}

/// Some good appends, then the disk fails.
fn append_until_the_disk_fails(directory: &Path) {
    let log = EngineRaftLog::open(directory, &RaftLogConfig::small()).expect("open");
    for index in 1..=GOOD {
        assert!(append(&log, index));
        acknowledge(index);
    }
    let _failing = failpoint::arm_return("raft_log::files::sync", "Input/output error");
    for index in GOOD + 1..100 {
        if append(&log, index) {
            acknowledge(index);
        }
    }
}

#[test]
fn a_failed_sync_ends_the_process_before_anything_is_acknowledged() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return append_until_the_disk_fails(Path::new(&directory));
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = rerun("a_failed_sync_ends_the_process_before_anything_is_acknowledged", directory.path());
    assert_eq!(output.status.signal(), Some(SIGABRT), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let acknowledged = text.lines().filter(|line| line.contains("acknowledged ")).count() as u64;
    assert_eq!(acknowledged, GOOD, "{text}");
    let reason = String::from_utf8_lossy(&output.stderr);
    assert!(reason.contains("stopping to protect data"), "{reason}");
    let log = EngineRaftLog::open(directory.path(), &RaftLogConfig::small()).expect("starts again");
    assert!(log.last_index(1) >= Some(GOOD));
}

/// A record that could not be written is not in the log, and the log goes on.
fn fail_one_write(directory: &Path) {
    let log = EngineRaftLog::open(directory, &RaftLogConfig::small()).expect("open");
    assert!(append(&log, 1));
    let failing = failpoint::arm_return("raft_log::files::write", "No space left on device");
    assert!(!append(&log, 2));
    drop(failing);
    assert_eq!(log.last_index(1), Some(1));
    assert!(append(&log, 2));
    acknowledge(2);
}

#[test]
fn a_failed_write_is_an_error_and_leaves_no_trace() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return fail_one_write(Path::new(&directory));
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = rerun("a_failed_write_is_an_error_and_leaves_no_trace", directory.path());
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("acknowledged 2"), "{output:?}");
    let log = EngineRaftLog::open(directory.path(), &RaftLogConfig::small()).expect("reopen");
    assert_eq!(log.last_index(1), Some(2));
}
