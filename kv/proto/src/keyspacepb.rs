//! Key spaces: named, numbered parts of the key space (`keyspacepb.proto`).

use crate::pdpb;

/// Life of a key space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum KeyspaceState {
    Enabled = 0,
    Disabled = 1,
    Archived = 2,
    Tombstone = 3,
}

/// One key space.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct KeyspaceMeta {
    #[prost(uint32, tag = "1")]
    pub id: u32,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(enumeration = "KeyspaceState", tag = "3")]
    pub state: i32,
    #[prost(int64, tag = "4")]
    pub created_at: i64,
    #[prost(int64, tag = "5")]
    pub state_changed_at: i64,
}

/// Looks up a key space by name.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct LoadKeyspaceRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<pdpb::RequestHeader>,
    #[prost(string, tag = "2")]
    pub name: String,
}

/// Answer to [`LoadKeyspaceRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct LoadKeyspaceResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<pdpb::ResponseHeader>,
    #[prost(message, optional, tag = "2")]
    pub keyspace: Option<KeyspaceMeta>,
}
