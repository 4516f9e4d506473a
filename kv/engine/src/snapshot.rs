//! Consistent reads: snapshots and their iterators.

use bytes::Bytes;
use rutile_kv_types::Cf;

use crate::Result;

/// A state of the engine that does not change. Old versions stay on disk while it lives, so drop it soon.
pub trait Snapshot: Send + Sync {
    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Bytes>>;

    /// Shows the value to `visit` without copying it; false when there is none.
    fn get_with(&self, cf: Cf, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool>;

    /// A cursor that is not on any key yet. It keeps the snapshot alive by itself.
    fn iter(&self, cf: Cf, options: IterOptions) -> Box<dyn EngineIterator>;
}

/// What an iterator will be asked for; what is out of bounds does not exist for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IterOptions {
    /// Inclusive.
    pub lower: Option<Vec<u8>>,
    /// Exclusive.
    pub upper: Option<Vec<u8>>,
    /// The caller looks only at versions of the key it seeks: files without that key are skipped by their bloom
    /// filters, and what lies beyond the key's versions may or may not be seen. Write CF only; elsewhere no effect.
    pub prefix_same_as_start: bool,
    /// Keep the blocks read in the cache; off for scans of everything.
    pub fill_cache: bool,
}

impl Default for IterOptions {
    fn default() -> IterOptions {
        IterOptions { lower: None, upper: None, prefix_same_as_start: false, fill_cache: true }
    }
}

impl IterOptions {
    /// `[lower, upper)`; an empty upper bound is infinity.
    pub fn range(lower: impl Into<Vec<u8>>, upper: impl Into<Vec<u8>>) -> IterOptions {
        let upper = upper.into();
        IterOptions {
            lower: Some(lower.into()),
            upper: (!upper.is_empty()).then_some(upper),
            ..IterOptions::default()
        }
    }

    #[must_use]
    pub fn without_cache(mut self) -> IterOptions {
        self.fill_cache = false;
        self
    }
}

/// A cursor over one column family. Every move tells whether the cursor is on a pair afterwards; an error leaves it
/// on none.
pub trait EngineIterator: Send {
    /// To the first key at or after `key`.
    fn seek(&mut self, key: &[u8]) -> Result<bool>;

    /// To the last key at or before `key`.
    fn seek_for_prev(&mut self, key: &[u8]) -> Result<bool>;

    fn seek_to_first(&mut self) -> Result<bool>;

    fn seek_to_last(&mut self) -> Result<bool>;

    /// One forward; stays off when off.
    fn next(&mut self) -> Result<bool>;

    /// One back; stays off when off.
    fn prev(&mut self) -> Result<bool>;

    fn valid(&self) -> bool;

    /// The key under the cursor; empty when it is on none.
    fn key(&self) -> &[u8];

    /// The value under the cursor; empty when it is on none.
    fn value(&self) -> &[u8];
}
