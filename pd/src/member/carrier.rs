//! What messages between members travel by.

use async_trait::async_trait;
use rutile_kv_proto::Status;
use rutile_kv_proto::memberpb::{JoinRequest, JoinResponse, MemberMessage};

#[async_trait]
pub trait Carrier: Send + Sync {
    /// Sends a message to the member at an address, or loses it. Never waits.
    fn send(&self, address: &str, message: MemberMessage);

    /// Asks the member at an address to take another one into its group.
    async fn join(&self, address: &str, request: JoinRequest) -> Result<JoinResponse, Status>;
}
