//! States of an object between "absent" and "public", after Rae et al., "Online, Asynchronous Schema
//! Change in F1" (VLDB 2013): nodes at neighbouring states can work at the same time without harm.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SchemaState {
    /// Deletes (and updates, as deletes) reach the object, nothing else.
    DeleteOnly,
    /// All writes keep the object up to date; nobody reads it.
    WriteOnly,
    /// As write-only, while older rows are filled in.
    WriteReorganization,
    #[default]
    Public,
}

impl SchemaState {
    /// Queries may use the object.
    pub fn is_public(self) -> bool {
        self == Self::Public
    }

    /// Inserts and updates must write the object.
    pub fn is_writable(self) -> bool {
        self != Self::DeleteOnly
    }
}
