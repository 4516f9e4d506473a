//! Placement: which stores the peers of a region belong on.
//!
//! A [`Rule`] asks for so many peers of a role on stores with certain labels, for a range of keys. Where no rule was made
//! the settings are one: `max-replicas` voters, kept apart by `location-labels`. [`Rules`] are those in force, [`Fit`]
//! tells how well the peers of a region satisfy them; checkers repair what is missing, and schedulers move only where the
//! fit does not get worse.
//!
//! ```text
//!  settings ─ default rule ┐                          ┌─ checker: what is missing
//!                          ├─> Rules ── region ─> Fit ┤
//!  kept rules and groups ──┘      (by key range)      └─ scheduler: is the move allowed
//! ```
//!
//! Deliberately missing: witnesses, which stores do not know, and labels of regions.

mod constraint;
mod fit;
mod form;
mod kept;
mod rule;
mod rules;

pub(crate) use constraint::{isolation, shares_place};
pub(crate) use fit::{Fit, RuleFit, fit};
pub(crate) use form::{group_from_json, group_to_json, rule_from_json, rule_to_json};
pub(crate) use kept::{Change, Placement};
pub(crate) use rule::{Group, Role, Rule};
pub(crate) use rules::Rules;

#[cfg(test)]
mod tests;
