//! Where a simulation reaches into the code: rare turns, planted bugs, events. Nothing of it exists outside of one.
//!
//! [`Hooks::buggify`] asks whether to take a rare but legal turn (a tiny batch, a pause). [`Hooks::is_planted`] asks
//! whether a test wants a known bug, to prove that it would be found. [`Hooks::record`] tells what happened, for
//! checkers and for the hash that makes two runs of one seed comparable. Outside of a simulation all three are one
//! branch on a null pointer, and only a simulation can make them anything else.

use std::sync::Arc;

use crate::simulated::World;

/// Handed out with [`crate::Env`]. Cheap to clone.
#[derive(Clone, Default)]
pub struct Hooks {
    world: Option<Arc<World>>,
    /// The machine that speaks.
    machine: u64,
}

impl Hooks {
    pub(crate) fn simulated(world: Arc<World>, machine: u64) -> Hooks {
        Hooks { world: Some(world), machine }
    }

    /// True now and then, in about one of `one_in` visits, in a simulation that chose this place.
    #[inline]
    pub fn buggify(&self, place: &'static str, one_in: u64) -> bool {
        self.world.as_ref().is_some_and(|world| world.buggify(place, one_in))
    }

    /// Whether the bug of this name was planted.
    #[inline]
    pub fn is_planted(&self, bug: &'static str) -> bool {
        self.world.as_ref().is_some_and(|world| world.is_planted(bug))
    }

    /// Tells an event. `values` is called only when somebody listens.
    #[inline]
    pub fn record<const N: usize>(&self, name: &'static str, values: impl FnOnce() -> [u64; N]) {
        if let Some(world) = &self.world {
            world.record(self.machine, name, &values());
        }
    }
}
