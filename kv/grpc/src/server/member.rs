//! `rutile.pd.Member`: what members of a PD group tell each other.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::post;
use rutile_kv_proto::memberpb::{Done, JoinRequest, MemberMessage};
use rutile_kv_proto::{MemberService, Status};
use tonic::Streaming;

use super::call::{Context, unary};
use super::raft::take;
use crate::status::to_grpc;

/// A message of more than this is no map of a cluster.
const MESSAGE_BYTES_MAX: usize = 2 << 30;

/// The RPCs of a member to the others of its group.
pub fn member_routes(context: &Context, member: Arc<dyn MemberService>) -> Router {
    let (receiver, taker) = (Arc::clone(&member), member);
    let (for_messages, for_join) = (context.clone(), context.clone());
    let messages = move |request: Request| {
        let member = Arc::clone(&receiver);
        take::<MemberMessage, Done, _, _>(&for_messages, request, move |messages| receive(messages, member))
    };
    let join = move |request: Request| {
        let member = Arc::clone(&taker);
        let call = move |message: JoinRequest| async move { member.join(message).await };
        unary(&for_join, request, call)
    };
    Router::new()
        .route("/rutile.pd.Member/Messages", post(messages))
        .route("/rutile.pd.Member/Join", post(join))
}

/// Takes pieces until a message is whole, and the next one.
async fn receive(
    mut pieces: Streaming<MemberMessage>,
    member: Arc<dyn MemberService>,
) -> Result<(), tonic::Status> {
    let mut gathered = Vec::new();
    while let Some(piece) = pieces.message().await? {
        if gathered.is_empty() && piece.is_last {
            member.receive(piece).map_err(to_grpc)?;
            continue;
        }
        if gathered.len() + piece.message.len() > MESSAGE_BYTES_MAX {
            return Err(to_grpc(Status::invalid_argument("a member message without end")));
        }
        gathered.extend_from_slice(&piece.message);
        if piece.is_last {
            let whole = MemberMessage { message: std::mem::take(&mut gathered).into(), ..piece };
            member.receive(whole).map_err(to_grpc)?;
        }
    }
    Ok(())
}
