//! Checkers: what one region lacks, as the next step for its leader.
//!
//! A checker looks at a region as its leader told it and at the stores, and answers at most one step; it changes nothing
//! itself. The answer to the heartbeat carries the step, and the same step comes again until a heartbeat shows its result.
//!
//! - [`replica`]: a region has a voter on as many stores as there are, up to the number of replicas.
//!
//! Deliberately missing: replacing peers of stores that are down or being emptied, removing peers too many, placement
//! rules, merging.

mod replica;

pub(crate) use replica::{ReplicaChecker, Step};
