//! Column families of the state engine.

use std::fmt;

/// A column family: a key space of its own inside one engine, with atomic writes across all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cf {
    /// Values too long to sit in their write record, at (key, `start_ts`).
    Default,
    /// The one lock of a key, at the key without timestamp.
    Lock,
    /// Commit and rollback records, at (key, `commit_ts`).
    Write,
    /// Region and apply state of the store itself; not user data.
    Raft,
}

impl Cf {
    pub const ALL: [Cf; 4] = [Cf::Default, Cf::Lock, Cf::Write, Cf::Raft];
    /// The families that hold user data and travel in region snapshots.
    pub const DATA: [Cf; 3] = [Cf::Default, Cf::Lock, Cf::Write];

    /// The name on disk and on the wire; the same as TiKV's.
    pub const fn name(self) -> &'static str {
        match self {
            Cf::Default => "default",
            Cf::Lock => "lock",
            Cf::Write => "write",
            Cf::Raft => "raft",
        }
    }

    /// Position in [`Cf::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Cf::Default => 0,
            Cf::Lock => 1,
            Cf::Write => 2,
            Cf::Raft => 3,
        }
    }

    /// The family of a wire name; the empty name means the default family, as in kvproto.
    pub fn from_name(name: &str) -> Option<Cf> {
        match name {
            "" | "default" => Some(Cf::Default),
            "lock" => Some(Cf::Lock),
            "write" => Some(Cf::Write),
            "raft" => Some(Cf::Raft),
            _ => None,
        }
    }
}

impl fmt::Display for Cf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_indexes_are_a_bijection() {
        for (index, cf) in Cf::ALL.into_iter().enumerate() {
            assert_eq!(cf.index(), index);
            assert_eq!(Cf::from_name(cf.name()), Some(cf));
        }
        assert_eq!(Cf::from_name("rubbish"), None);
    }
}
