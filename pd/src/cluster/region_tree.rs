//! Regions by key and by id.
//!
//! The tree holds pieces that never overlap and, once the first region is in, leave no gap. A piece is the part of a
//! region that no newer region covers: after a split report of only one half, the other half is still answered with
//! the old region, whose leader then tells the client better.
//!
//! ```text
//!   known        [a ─────────── region 2 v1 ─────────── c)
//!   told                        [b ─── region 2 v2 ──── c)
//!   pieces       [a ─ 2 v1 ─ b) [b ─── region 2 v2 ──── c)      key a → old region, never "none"
//! ```

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_types::Region;
use rutile_pd_client::RegionHeartbeat;

use crate::error::{Error, Result};

/// A region as last told; the heartbeat of a split report has no load.
pub(crate) type Told = Arc<RegionHeartbeat>;

#[derive(Default)]
pub(crate) struct RegionTree {
    /// By start key.
    pieces: BTreeMap<Bytes, Piece>,
    /// The newest of each id that still has a piece.
    by_id: HashMap<u64, Known>,
}

#[derive(Clone)]
struct Piece {
    /// Exclusive; empty means the end of the key space.
    end: Bytes,
    told: Told,
}

struct Known {
    newest: Told,
    pieces: usize,
}

impl RegionTree {
    /// The region that answers for an encoded key.
    pub(crate) fn find(&self, key: &[u8]) -> Option<&Told> {
        let (_, piece) =
            self.pieces.range::<[u8], _>((Bound::Unbounded, Bound::Included(key))).next_back()?;
        piece.holds(key).then_some(&piece.told)
    }

    pub(crate) fn by_id(&self, region_id: u64) -> Option<&Told> {
        self.by_id.get(&region_id).map(|known| &known.newest)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Regions that touch `[start, end)` in key order, at most `limit`.
    pub(crate) fn scan(&self, start: &[u8], end: &[u8], limit: usize) -> Vec<Told> {
        let first = self.pieces.range::<[u8], _>((Bound::Unbounded, Bound::Included(start))).next_back();
        let first = first.filter(|(_, piece)| piece.holds(start)).map(|(_, piece)| piece);
        let rest = self.pieces.range::<[u8], _>((Bound::Excluded(start), Bound::Unbounded));
        let rest = rest.take_while(|(from, _)| end.is_empty() || from.as_ref() < end).map(|(_, piece)| piece);
        let mut found: Vec<Told> = Vec::new();
        for piece in first.into_iter().chain(rest) {
            if found.len() == limit {
                break;
            }
            if !found.last().is_some_and(|last| Arc::ptr_eq(last, &piece.told)) {
                found.push(Arc::clone(&piece.told));
            }
        }
        found
    }

    /// Whether `beat` is not older than anything it would replace.
    pub(crate) fn check(&self, beat: &RegionHeartbeat) -> Result<()> {
        let told = &beat.region;
        let stale =
            |known: &Region| Error::StaleRegion { region_id: told.id, told: told.epoch, known: known.epoch };
        if let Some(known) = self.by_id(told.id) {
            let same_epoch = known.region.epoch == told.epoch;
            if !told.epoch.covers(known.region.epoch)
                || same_epoch && beat.term != 0 && beat.term < known.term
            {
                return Err(stale(&known.region));
            }
        }
        match self.overlapping(told).find(|(_, piece)| piece.told.region.epoch.version > told.epoch.version) {
            Some((_, newer)) => Err(stale(&newer.told.region)),
            None => Ok(()),
        }
    }

    /// Puts a region that passed [`RegionTree::check`]; answers the ids that are gone.
    pub(crate) fn put(&mut self, beat: RegionHeartbeat) -> Vec<u64> {
        let told: Told = Arc::new(beat);
        let region = &told.region;
        let covered: Vec<(Bytes, Piece)> =
            self.overlapping(region).map(|(start, piece)| (start.clone(), piece.clone())).collect();
        for (start, piece) in &covered {
            self.remove_piece(start, piece.told.region.id);
        }
        for (start, piece) in &covered {
            if *start < region.start_key {
                self.insert_piece(start.clone(), region.start_key.clone(), &piece.told);
            }
            let sticks_out = piece.end.is_empty() || piece.end > region.end_key;
            if !region.end_key.is_empty() && sticks_out {
                self.insert_piece(region.end_key.clone(), piece.end.clone(), &piece.told);
            }
        }
        self.insert_piece(region.start_key.clone(), region.end_key.clone(), &told);
        if let Some(known) = self.by_id.get_mut(&region.id) {
            known.newest = Arc::clone(&told);
        }
        let mut gone: Vec<u64> = covered.iter().map(|(_, piece)| piece.told.region.id).collect();
        gone.sort_unstable();
        gone.dedup();
        gone.retain(|id| self.by_id.get(id).is_none_or(|known| known.pieces == 0));
        for id in &gone {
            self.by_id.remove(id);
        }
        gone
    }

    fn overlapping<'a>(&'a self, region: &'a Region) -> impl Iterator<Item = (&'a Bytes, &'a Piece)> {
        let start = region.start_key.as_ref();
        let before = self.pieces.range::<[u8], _>((Bound::Unbounded, Bound::Excluded(start))).next_back();
        let before = before.filter(|(_, piece)| piece.end.is_empty() || piece.end.as_ref() > start);
        let from = self.pieces.range::<[u8], _>((Bound::Included(start), Bound::Unbounded));
        let from = from.take_while(|(start, _)| region.end_key.is_empty() || **start < region.end_key);
        before.into_iter().chain(from)
    }

    fn insert_piece(&mut self, start: Bytes, end: Bytes, told: &Told) {
        let known =
            self.by_id.entry(told.region.id).or_insert_with(|| Known { newest: Arc::clone(told), pieces: 0 });
        known.pieces += 1;
        self.pieces.insert(start, Piece { end, told: Arc::clone(told) });
    }

    fn remove_piece(&mut self, start: &Bytes, region_id: u64) {
        self.pieces.remove(start);
        if let Some(known) = self.by_id.get_mut(&region_id) {
            known.pieces -= 1;
        }
    }

    /// No gap, no overlap, counts right.
    #[cfg(test)]
    pub(crate) fn check_invariants(&self) {
        let mut expected = Some(Bytes::new());
        let mut counts: HashMap<u64, usize> = HashMap::new();
        for (start, piece) in &self.pieces {
            assert_eq!(Some(start), expected.as_ref(), "pieces follow one another");
            assert!(piece.told.region.contains(start));
            expected = (!piece.end.is_empty()).then(|| piece.end.clone());
            *counts.entry(piece.told.region.id).or_default() += 1;
        }
        assert!(self.pieces.is_empty() || expected.is_none(), "the last piece has no end");
        let kept: HashMap<u64, usize> = self.by_id.iter().map(|(id, known)| (*id, known.pieces)).collect();
        assert_eq!(kept, counts);
    }
}

impl Piece {
    fn holds(&self, key: &[u8]) -> bool {
        self.end.is_empty() || key < self.end.as_ref()
    }
}
