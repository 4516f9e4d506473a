//! What clients read of a region and wrote to it, until PD is told; it spreads what is hot over the stores.
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one region on this store.
#[derive(Debug, Default)]
pub struct Traffic {
    read_keys: AtomicU64,
    read_bytes: AtomicU64,
    written_keys: AtomicU64,
    written_bytes: AtomicU64,
    /// Term in which it was told last: what was counted while another peer led is not told.
    told_term: AtomicU64,
}

/// What was counted since the last time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub read_keys: u64,
    pub read_bytes: u64,
    pub written_keys: u64,
    pub written_bytes: u64,
}

impl Traffic {
    /// Records that were given to a reader.
    pub fn read(&self, keys: u64, bytes: u64) {
        self.read_keys.fetch_add(keys, Ordering::Relaxed);
        self.read_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Changes that were applied.
    pub fn written(&self, keys: u64, bytes: u64) {
        self.written_keys.fetch_add(keys, Ordering::Relaxed);
        self.written_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What is to be told by the leader of `term`; nothing the first time in a term.
    pub fn take(&self, term: u64) -> Counted {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        let counted = Counted {
            read_keys: take(&self.read_keys),
            read_bytes: take(&self.read_bytes),
            written_keys: take(&self.written_keys),
            written_bytes: take(&self.written_bytes),
        };
        if self.told_term.swap(term, Ordering::Relaxed) == term { counted } else { Counted::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_counted_in_a_term_is_told() {
        let traffic = Traffic::default();
        traffic.written(5, 500);
        assert_eq!(traffic.take(6), Counted::default(), "another peer led");
        traffic.read(2, 20);
        traffic.written(1, 10);
        let counted = Counted { read_keys: 2, read_bytes: 20, written_keys: 1, written_bytes: 10 };
        assert_eq!(traffic.take(6), counted);
        assert_eq!(traffic.take(6), Counted::default(), "told once");
        traffic.read(1, 1);
        assert_eq!(traffic.take(7), Counted::default());
    }
}
