//! Circles of waiting transactions through several stores.
//!
//! ```text
//! lock_manager ──changes──→ report ──stream of edges──→ detect, at the store that leads the first region
//!      ↑                       │                           │
//!      └──────── circle ───────┴←──────── answer ──────────┘
//! ```
//! Every store looks for circles among its own waits at once and by itself, and tells the detector of all of them. Which
//! store that is PD knows. When it changes, or a stream breaks, a store tells all its edges again; the old detector
//! forgets what came over a stream when it ends. Nobody waits for the detector: while there is none, a circle through
//! several stores ends with the time that its waits have.
//!
//! An edge that is gone may reach the detector later than another store's new one, so that a circle is seen that has just
//! come apart. Its transaction is told of a deadlock and starts again, as it must be ready to at any time.
mod detect;
pub mod entry;
mod report;

pub use detect::Detector;
pub use report::{DetectorCarrier, DetectorStream, Reporter};

#[cfg(test)]
mod tests;
