//! Checkers: what one region lacks.
//!
//! A checker looks at a region as its leader told it and at the stores, and answers at most one operator; it changes
//! nothing itself.
//!
//! - [`replica`]: every region has a voter on as many stores as there are, up to the number of replicas, and none on a
//!   store that is down or being emptied.
//!
//! Deliberately missing: placement rules and labels, merging.

mod replica;

pub(crate) use replica::{Surroundings, check_replicas};
