//! The service of a PD member to the others of its group.

use async_trait::async_trait;

use crate::memberpb::{JoinRequest, JoinResponse, MemberMessage};
use crate::status::Status;

#[async_trait]
pub trait MemberService: Send + Sync {
    /// Takes a whole message, or drops it: raft repeats what matters. An error ends the stream it came on.
    fn receive(&self, message: MemberMessage) -> Result<(), Status>;

    /// Takes a member into the group.
    async fn join(&self, request: JoinRequest) -> Result<JoinResponse, Status>;
}
