//! What a node of several is told.

use std::time::Duration;

/// Settings of a SQL node that is one of several.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// Where clients find it, as lists show it.
    pub name: String,
    /// A node that was not heard of for this long is taken from the list; what it left undone is finished by others.
    pub lease: Duration,
    /// A renewed lease counts for this much less here than the others wait: timestamps of PD jump ahead of clocks when
    /// its leader changes.
    pub margin: Duration,
    /// How often a lease is renewed.
    pub renew: Duration,
    /// How often the node looks for what others changed.
    pub tick: Duration,
}

impl ClusterConfig {
    pub fn new(name: String) -> Self {
        Self {
            name,
            lease: Duration::from_secs(20),
            margin: Duration::from_secs(4),
            renew: Duration::from_secs(2),
            tick: Duration::from_millis(100),
        }
    }
}
