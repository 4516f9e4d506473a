//! Committing: prewrite everywhere, commit the primary, and say exactly what is known.
//!
//! ```text
//!   Begin ─→ group ─→ prewrite … (region error: pause, group again; lock: resolve, again)
//!                        │ one request holds all: 1PC ───────────────→ Committed
//!                        ▼ all answered
//!                  commit timestamp ─→ commit primary ────────────────→ Committed, secondaries later
//!                        │ async commit: all answered with a timestamp ─→ Committed, records later
//!                        │ any refusal: NotCommitted, locks removed     │ answer lost for good: Undetermined
//! ```
//! [`machine`] decides: a pure state machine from events to actions, tested by scripts. [`shell`] does: it sends,
//! waits, resolves locks and feeds the outcome back. [`cleanup`] is what happens after the verdict.
//!
//! The commit point is the commit record of the primary, with 1PC the prewrite request, and with async commit the last
//! of the prewrites. A lost answer is asked for
//! again, because prewrite and commit of the same transaction may arrive any number of times; only when nobody
//! answers inside the budget is the outcome unknown.

mod cleanup;
mod machine;
mod shell;

pub(crate) use shell::{Terms, commit};

#[cfg(test)]
mod tests;
