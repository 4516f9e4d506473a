//! The configuration: every setting once, whether it comes from the file, from a flag or from nobody.
//!
//! ```text
//! declare   settings!: name, type, default, bounds, live or restart, doc, flag; written beside the owner
//! setting   the types of values: how they are written, checked and shown
//! file      TOML, with the line of every mistake
//! role_file the flags of `start pd` and `start kv` as TOML
//! settings  all sections together; the effective values; what a reload may change
//! sample    deploy/config/rutile.toml, made from the declarations
//! ```
//! A flag wins over the file, the file over the default. An unknown key stops the start.
//!
//! Deliberately missing: what `SET GLOBAL` and `SET PERSIST` change, which the catalog keeps for all servers alike.

mod declare;
mod file;
pub(crate) mod role_file;
mod sample;
mod setting;
mod settings;
#[cfg(test)]
mod tests;

pub(crate) use declare::{Entry, Section, When, settings};
pub(crate) use sample::facts;
pub(crate) use setting::{Bytes, Choice, Setting, Written};
pub(crate) use settings::{Reloaded, Settings, Sources};
