//! What clients do, one file each. A workload knows what it did and hands that to a checker in the end.

mod append;
mod bank;
mod counters;
mod registers;
mod set;
mod skew;

use async_trait::async_trait;
use rutile_kv_client::Error;

pub use append::ListAppend;
pub use bank::Bank;
pub use counters::Counters;
pub use registers::Registers;
pub use set::Inserts;
pub use skew::Skew;

use crate::session::Session;

#[async_trait]
pub trait Workload: Send + Sync {
    /// Prepares in fair weather; tried again until it works.
    async fn open(&self, _: &Session) -> Result<(), Error> {
        Ok(())
    }

    /// One of the things that clients do. An error is an answer too.
    async fn step(&self, session: &Session) -> Result<(), Error>;

    /// A last look, after all clients have ended and the weather is fair; tried again until it works.
    async fn close(&self, session: &Session) -> Result<(), Error>;

    /// Panics when what clients were told can not be true.
    fn judge(&self);

    /// How often something happened that this workload is about.
    fn count(&self) -> u64;
}
