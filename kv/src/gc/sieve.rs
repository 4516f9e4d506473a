//! The rules: which records of one key no read at or above the safe point needs.
//!
//! Records are judged newest first. Above the safe point all stay. At or below it Lock and Rollback records go; the
//! first Put stays and everything older goes; a Delete hides everything older, which goes, and then the Delete itself,
//! last: without it the older ones would come back. A Put that no reader at the safe point may use because of its
//! `gc_fence` hides what is older just the same (see `Record::gc_fence` in `kv/types`).
use rutile_kv_types::{TimeStamp, WriteRef, WriteType};

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Stays,
    Goes,
    /// Goes when nothing older is left.
    GoesLast,
}

/// Judges the records of one key.
#[derive(Clone, Copy, Debug)]
pub struct Sieve {
    safe_point: TimeStamp,
    /// The record that readers at the safe point see was met.
    found: bool,
}

impl Sieve {
    /// A sieve for the next key.
    pub fn new(safe_point: TimeStamp) -> Self {
        Sieve { safe_point, found: false }
    }

    /// The fate of the next older record.
    pub fn judge(&mut self, commit_ts: TimeStamp, write: &WriteRef<'_>) -> Fate {
        if commit_ts > self.safe_point {
            debug_assert!(!self.found, "records come newest first");
            return Fate::Stays;
        }
        if self.found || matches!(write.write_type, WriteType::Lock | WriteType::Rollback) {
            return Fate::Goes;
        }
        self.found = true;
        let visible = write.write_type == WriteType::Put && write.is_visible_under_gc_fence(self.safe_point);
        if visible { Fate::Stays } else { Fate::GoesLast }
    }
}
