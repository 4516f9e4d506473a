//! PD's public service: wire in, wire out.
//!
//! Refusals that a client must understand go into the header of the answer; failures of PD itself, a foreign cluster
//! id and malformed requests are the call's status, as PD does it. Every answer has a header, which clients require.

mod answer;
mod pd_service;
mod steps;

pub(crate) use steps::Listeners;

#[cfg(test)]
mod tests;
