//! Messages to the other members of a PD group.
//!
//! As between stores: messages to one member share a stream ([`one_way`](super::one_way)). A large one goes in pieces.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_env::{BoxFuture, Env};
use rutile_kv_proto::Status;
use rutile_kv_proto::memberpb::{JoinRequest, JoinResponse, MemberMessage};
use tonic::transport::Channel;

use super::channel::{channel, unary};
use super::one_way::{Lane, OneWay};
use crate::config::Limits;

/// A piece of a large message.
const PIECE_BYTES: usize = 1 << 20;
/// A connection that comes later than this comes too late for an election.
const CONNECT_TIME_MAX: Duration = Duration::from_millis(500);
/// A member that gives no sign of life for so long gets a new connection.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// How long to wait until a member was taken in.
const JOIN_TIME_MAX: Duration = Duration::from_secs(10);

/// Sends to every member of the group.
pub struct MemberSender {
    env: Env,
    limits: Arc<Limits>,
    by_address: Mutex<BTreeMap<String, Lane<ToMember>>>,
}

impl MemberSender {
    pub fn new(env: Env, limits: Limits) -> MemberSender {
        let limits = Limits {
            connect_time_max: CONNECT_TIME_MAX,
            keepalive_interval: KEEPALIVE,
            keepalive_time_max: KEEPALIVE,
            ..limits
        };
        MemberSender { env, limits: Arc::new(limits), by_address: Mutex::default() }
    }

    /// Queues a message, or drops it.
    pub fn send(&self, address: &str, message: MemberMessage) {
        let mut by_address = self.by_address.lock();
        if !by_address.contains_key(address) {
            if let Err(status) = channel(address, &self.limits) {
                tracing::warn!(address, %status, "no way to a PD member");
                return;
            }
            let way = ToMember { address: address.to_owned(), limits: self.limits.clone() };
            let lane = Lane::new(&self.env, &self.limits, way);
            by_address.insert(address.to_owned(), lane);
        }
        if let Some(lane) = by_address.get(address) {
            // Full: the member is behind, and will be told again.
            lane.send(message);
        }
    }

    /// Asks the member at an address to take another one into its group.
    pub async fn join(&self, address: &str, request: JoinRequest) -> Result<JoinResponse, Status> {
        let (env, limits) = (&self.env, &self.limits);
        unary(env, limits, channel(address, limits)?, "/rutile.pd.Member/Join", request, JOIN_TIME_MAX).await
    }
}

struct ToMember {
    address: String,
    limits: Arc<Limits>,
}

impl OneWay for ToMember {
    type Message = MemberMessage;
    type Frame = MemberMessage;

    const TASK: &'static str = "pd-member-sender";
    const PATH: &'static str = "/rutile.pd.Member/Messages";
    const QUEUE_MAX: usize = 4_096;
    const PAUSE: Duration = Duration::from_millis(100);

    fn channel(&self) -> BoxFuture<'_, Result<Channel, Status>> {
        Box::pin(std::future::ready(channel(&self.address, &self.limits)))
    }

    fn frames(first: MemberMessage, _: impl FnMut() -> Option<MemberMessage>) -> Vec<MemberMessage> {
        let mut pieces = Vec::new();
        let mut rest = first.message.clone();
        while rest.len() > PIECE_BYTES {
            let piece = rest.split_to(PIECE_BYTES);
            pieces.push(MemberMessage { message: piece, is_last: false, ..first.clone() });
        }
        pieces.push(MemberMessage { message: rest, ..first });
        pieces
    }
}
