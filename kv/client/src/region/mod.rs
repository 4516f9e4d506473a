//! Finding the region of a key, and sending a request to it until it is answered.
//!
//! [`cache`] maps user keys to regions with the service of their leader, so that a hit costs one look-up under a read
//! lock. [`repair`] changes the cache as region errors demand. [`call`] ties both together for requests of one key,
//! [`group`] cuts sorted keys by region for requests of many.

mod cache;
mod call;
mod group;
mod repair;

pub(crate) use cache::{CachedRegion, RegionCache};
pub(crate) use call::RegionAnswer;
pub(crate) use group::Group;
pub(crate) use repair::Repair;
