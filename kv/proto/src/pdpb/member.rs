//! Members of the PD group.

use super::{RequestHeader, ResponseHeader};

/// One PD process.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Member {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(uint64, tag = "2")]
    pub member_id: u64,
    #[prost(string, repeated, tag = "3")]
    pub peer_urls: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    pub client_urls: Vec<String>,
    #[prost(int32, tag = "5")]
    pub leader_priority: i32,
    #[prost(string, tag = "6")]
    pub deploy_path: String,
    #[prost(string, tag = "7")]
    pub binary_version: String,
    #[prost(string, tag = "8")]
    pub git_hash: String,
}

/// The first call of a client, which does not know the cluster id yet.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct GetMembersRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
}

/// All members and the leader among them.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct GetMembersResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(message, repeated, tag = "2")]
    pub members: Vec<Member>,
    #[prost(message, optional, tag = "3")]
    pub leader: Option<Member>,
    #[prost(message, optional, tag = "4")]
    pub etcd_leader: Option<Member>,
}
