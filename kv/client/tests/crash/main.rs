//! What was acknowledged survives: `kill -9` under load, a disk that fails, and, driven by
//! `tests/consistency/power_loss.py`, loss of power.
//!
//! The process that dies is this test binary, run once more as a small program on the client ([`program`]) over real
//! files, RocksDB and raft-engine. It prints what is acknowledged; the list is kept by whoever killed it, and given to
//! its next life, which checks it before it goes on.

mod fail_stop;
mod kill;
mod life;
mod program;
mod storage;
