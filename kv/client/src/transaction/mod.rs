//! Transactions: writes are kept in a membuffer until commit.

mod life;
mod membuffer;
mod mutations;

pub use life::{Transaction, TransactionOptions};
pub use membuffer::{MemBuffer, Savepoint};
pub(crate) use mutations::Mutations;

#[cfg(test)]
mod tests;
