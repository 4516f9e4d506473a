//! Raft messages between stores: the wire form, and the trait of what carries it.
use std::sync::Arc;

use bytes::Bytes;
use protobuf::Message as _;
use raft::eraftpb;
use rutile_kv_proto::{Status, raft_serverpb};
use rutile_pd_client::{from_wire, to_wire};

use crate::raftstore::{PeerMessage, Transport};

/// Brings raft messages to other stores. Never blocks; may lose, delay, repeat and reorder.
pub trait RaftCarrier: Send + Sync + 'static {
    /// Sends to the store of `message.to_peer`.
    fn send(&self, store_id: u64, message: raft_serverpb::RaftMessage);
}

/// Puts what a store sends into wire form.
pub struct WireTransport {
    pub carrier: Arc<dyn RaftCarrier>,
}

impl Transport for WireTransport {
    fn send(&self, message: PeerMessage) {
        let store_id = message.to.store_id;
        match raft_to_wire(&message) {
            Ok(wire) => self.carrier.send(store_id, wire),
            Err(status) => {
                tracing::error!(region_id = message.region_id, %status, "raft message is not sent")
            }
        }
    }
}

fn raft_to_wire(message: &PeerMessage) -> Result<raft_serverpb::RaftMessage, Status> {
    let bytes = message.message.write_to_bytes();
    Ok(raft_serverpb::RaftMessage {
        region_id: message.region_id,
        from_peer: Some(to_wire::peer(&message.from)),
        to_peer: Some(to_wire::peer(&message.to)),
        message: Bytes::from(bytes.map_err(|error| Status::internal(error.to_string()))?),
        region_epoch: Some(to_wire::epoch(message.epoch)),
    })
}

/// A raft message of another store.
pub fn raft_from_wire(wire: &raft_serverpb::RaftMessage) -> Result<PeerMessage, Status> {
    let (Some(from), Some(to)) = (&wire.from_peer, &wire.to_peer) else {
        return Err(Status::invalid_argument("raft message without peers"));
    };
    let message = eraftpb::Message::parse_from_bytes(&wire.message)
        .map_err(|error| Status::invalid_argument(format!("raft message: {error}")))?;
    Ok(PeerMessage {
        region_id: wire.region_id,
        epoch: from_wire::epoch(wire.region_epoch.as_ref()),
        from: from_wire::peer(from),
        to: from_wire::peer(to),
        message,
    })
}

#[cfg(test)]
mod tests {
    use rutile_kv_types::{Peer, PeerRole, RegionEpoch};

    use super::*;

    #[test]
    fn a_message_survives_the_wire_and_half_of_one_is_refused() {
        let peer = |id, store_id| Peer { id, store_id, role: PeerRole::Voter };
        let mut inner = eraftpb::Message::default();
        inner.set_msg_type(eraftpb::MessageType::MsgAppend);
        inner.term = 7;
        inner.entries =
            vec![eraftpb::Entry { index: 9, term: 7, data: vec![1, 2].into(), ..Default::default() }].into();
        let epoch = RegionEpoch { conf_ver: 1, version: 3 };
        let message = PeerMessage { region_id: 2, epoch, from: peer(3, 1), to: peer(4, 2), message: inner };
        let wire = raft_to_wire(&message).expect("encodes");
        assert_eq!(raft_from_wire(&wire).expect("round trip"), message);
        let cut = raft_serverpb::RaftMessage {
            message: wire.message.slice(..wire.message.len() - 1),
            ..wire.clone()
        };
        assert!(raft_from_wire(&cut).is_err());
        assert!(raft_from_wire(&raft_serverpb::RaftMessage { from_peer: None, ..wire }).is_err());
    }
}
