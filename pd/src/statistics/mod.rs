//! Statistics: how much is read and written where, and how far stores are that come or go ([`progress`]).
//!
//! Leaders tell with each heartbeat what was read and written since the last one. [`Flows`] makes rates of it, per region,
//! and notes which regions are hot: a region that has much traffic in several intervals in a row. [`hot`] sums them up by
//! store for schedulers and pages.
//!
//! Deliberately missing: queries and processor time, which stores do not tell, and hot parts of a region.

mod flow;
mod history;
pub(crate) mod hot;
mod progress;

pub(crate) use flow::{Access, Flows, Rate, RegionFlow};
pub(crate) use history::History;
pub(crate) use progress::{Move, Moves, Progress};

#[cfg(test)]
mod tests;
