//! A cursor that looks up its next place in the shared map, so that it holds no lock between moves.

use std::ops::Bound;

use bytes::Bytes;
use rutile_kv_types::Cf;

use super::engine::View;
use crate::{EngineIterator, IterOptions, Result};

pub(super) struct MemoryIterator {
    view: View,
    cf: Cf,
    options: IterOptions,
    current: Option<(Bytes, Bytes)>,
}

impl MemoryIterator {
    pub(super) fn new(view: View, cf: Cf, options: IterOptions) -> MemoryIterator {
        MemoryIterator { view, cf, options, current: None }
    }

    fn lower(&self) -> Bound<&[u8]> {
        self.options.lower.as_deref().map_or(Bound::Unbounded, Bound::Included)
    }

    fn upper(&self) -> Bound<&[u8]> {
        self.options.upper.as_deref().map_or(Bound::Unbounded, Bound::Excluded)
    }

    fn forward(&mut self, from: Bound<&[u8]>) -> Result<bool> {
        self.current = self.view.store.read().next(self.cf, from, self.upper(), self.view.sequence);
        Ok(self.current.is_some())
    }

    fn backward(&mut self, to: Bound<&[u8]>) -> Result<bool> {
        self.current = self.view.store.read().prev(self.cf, self.lower(), to, self.view.sequence);
        Ok(self.current.is_some())
    }
}

impl EngineIterator for MemoryIterator {
    fn seek(&mut self, key: &[u8]) -> Result<bool> {
        let lower = self.options.lower.clone();
        let from = lower.as_deref().map_or(key, |lower| key.max(lower));
        self.forward(Bound::Included(from))
    }

    fn seek_for_prev(&mut self, key: &[u8]) -> Result<bool> {
        let upper = self.options.upper.clone();
        match upper.as_deref() {
            Some(upper) if upper <= key => self.backward(Bound::Excluded(upper)),
            _ => self.backward(Bound::Included(key)),
        }
    }

    fn seek_to_first(&mut self) -> Result<bool> {
        let lower = self.options.lower.clone();
        self.forward(lower.as_deref().map_or(Bound::Unbounded, Bound::Included))
    }

    fn seek_to_last(&mut self) -> Result<bool> {
        let upper = self.options.upper.clone();
        self.backward(upper.as_deref().map_or(Bound::Unbounded, Bound::Excluded))
    }

    fn next(&mut self) -> Result<bool> {
        match self.current.take() {
            Some((key, _)) => self.forward(Bound::Excluded(&key)),
            None => Ok(false),
        }
    }

    fn prev(&mut self) -> Result<bool> {
        match self.current.take() {
            Some((key, _)) => self.backward(Bound::Excluded(&key)),
            None => Ok(false),
        }
    }

    fn valid(&self) -> bool {
        self.current.is_some()
    }

    fn key(&self) -> &[u8] {
        self.current.as_ref().map_or(&[], |(key, _)| key)
    }

    fn value(&self) -> &[u8] {
        self.current.as_ref().map_or(&[], |(_, value)| value)
    }
}
