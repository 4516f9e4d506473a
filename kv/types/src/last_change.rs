//! A shortcut over records that change nothing.

use crate::codec;
use crate::{Result, TimeStamp};

/// Where the newest Put or Delete under a Lock or Rollback record is, so that readers need not step over a long run
/// of such records (TiKV `components/txn_types/src/types.rs`, `LastChange`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastChange {
    /// Nothing recorded; look for yourself.
    #[default]
    Unknown,
    /// There is no Put or Delete below.
    NotExist,
    /// It is at `commit_ts`, about `versions` records further.
    Exist { commit_ts: TimeStamp, versions: u64 },
}

impl LastChange {
    /// The stored pair; "not exist" is (0, 1) and "unknown" is not stored at all.
    pub fn from_parts(commit_ts: TimeStamp, versions: u64) -> LastChange {
        match (commit_ts.is_zero(), versions) {
            (true, 0) => LastChange::Unknown,
            (true, _) => LastChange::NotExist,
            (false, _) => LastChange::Exist { commit_ts, versions },
        }
    }

    pub(crate) fn encode(self, flag: u8, out: &mut Vec<u8>) {
        let (commit_ts, versions) = match self {
            LastChange::Unknown => return,
            LastChange::NotExist => (TimeStamp::ZERO, 1),
            LastChange::Exist { commit_ts, versions } => (commit_ts, versions),
        };
        out.push(flag);
        codec::encode_u64(out, commit_ts.into_inner());
        codec::encode_var_u64(out, versions);
    }

    pub(crate) fn decode(input: &mut &[u8]) -> Result<LastChange> {
        let commit_ts = codec::decode_u64(input)?;
        let versions = codec::decode_var_u64(input)?;
        Ok(LastChange::from_parts(commit_ts.into(), versions))
    }
}
