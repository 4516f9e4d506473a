//! Golden scripts of the commands, and what needs two of them at once.
mod idempotence;
mod ordering;
mod script;
mod waiting;
