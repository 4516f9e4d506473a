//! The peers of a store, those that sleep apart from the others, so that a tick costs nothing for them.
use std::collections::BTreeMap;

use crate::raftstore::peer::Peer;

/// All peers by region. Invariant: no region is in both maps.
#[derive(Default)]
pub struct Peers {
    awake: BTreeMap<u64, Peer>,
    asleep: BTreeMap<u64, Peer>,
}

impl Peers {
    /// The peer of a region.
    pub fn get(&self, region_id: &u64) -> Option<&Peer> {
        self.awake.get(region_id).or_else(|| self.asleep.get(region_id))
    }

    /// See [`Peers::get`].
    pub fn get_mut(&mut self, region_id: &u64) -> Option<&mut Peer> {
        match self.awake.get_mut(region_id) {
            Some(peer) => Some(peer),
            None => self.asleep.get_mut(region_id),
        }
    }

    /// Adds a peer, awake.
    pub fn insert(&mut self, region_id: u64, peer: Peer) {
        debug_assert!(self.get(&region_id).is_none(), "a region has one peer per store");
        self.awake.insert(region_id, peer);
    }

    /// Takes a peer out.
    pub fn remove(&mut self, region_id: &u64) -> Option<Peer> {
        self.awake.remove(region_id).or_else(|| self.asleep.remove(region_id))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.awake.len() + self.asleep.len()
    }

    /// Everyone, those that sleep last.
    pub fn values(&self) -> impl Iterator<Item = &Peer> {
        self.awake.values().chain(self.asleep.values())
    }

    /// See [`Peers::values`].
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.awake.values_mut().chain(self.asleep.values_mut())
    }

    /// Those that are awake, in order of region id.
    pub fn awake(&self) -> impl Iterator<Item = &Peer> {
        self.awake.values()
    }

    /// See [`Peers::awake`].
    pub fn awake_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.awake.values_mut()
    }

    /// Those that sleep, in order of region id.
    pub fn asleep(&self) -> impl Iterator<Item = &Peer> {
        self.asleep.values()
    }

    /// The peer of a region, if it is awake.
    pub fn awake_peer(&mut self, region_id: u64) -> Option<&mut Peer> {
        self.awake.get_mut(&region_id)
    }

    /// The peer of a region, if it sleeps.
    pub fn sleeper(&mut self, region_id: u64) -> Option<&mut Peer> {
        self.asleep.get_mut(&region_id)
    }

    /// Whether the peer of a region sleeps.
    pub fn is_asleep(&self, region_id: u64) -> bool {
        self.asleep.contains_key(&region_id)
    }

    /// How many sleep.
    pub fn asleep_count(&self) -> usize {
        self.asleep.len()
    }

    /// From now on the peer is among those that are awake; `None` when it was.
    pub fn wake(&mut self, region_id: u64) -> Option<&mut Peer> {
        let peer = self.asleep.remove(&region_id)?;
        debug_assert!(!self.awake.contains_key(&region_id), "a peer is awake or sleeps");
        Some(self.awake.entry(region_id).or_insert(peer))
    }

    /// From now on the peer sleeps.
    pub fn put_to_sleep(&mut self, region_id: u64) {
        if let Some(peer) = self.awake.remove(&region_id) {
            self.asleep.insert(region_id, peer);
        }
    }
}
