//! Raft messages and snapshots between stores: the wire form, and the trait of what carries them.
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use prost::Message as _;
use protobuf::Message as _;
use raft::eraftpb;
use rutile_kv_proto::{Status, metapb, raft_serverpb};
use rutile_pd_client::{from_wire, to_wire};

use crate::error::{Error, RegionError, Result};
use crate::raftstore::{
    PeerMessage, RaftReplica, RestKind, RestMessage, SnapshotHead, SnapshotSink, SnapshotSource, Transport,
};

/// Version of the data of snapshots. The public one (2) is sorted table files; ours are chunks of pairs.
const SNAPSHOT_VERSION: u64 = 1_001;

/// Brings raft messages to other stores.
pub trait RaftCarrier: Send + Sync + 'static {
    /// Sends to the store of `message.to_peer`. Never blocks; may lose, delay, repeat and reorder.
    fn send(&self, store_id: u64, message: raft_serverpb::RaftMessage);

    /// Carries a stream to a [`SnapshotReceiver`] of a store: every chunk once and in order, or the stream breaks.
    /// Done when the receiver has finished.
    fn send_snapshot(&self, store_id: u64, stream: SnapshotStream) -> BoxFuture<'static, Result<(), Status>>;
}

/// A snapshot on its way out.
pub struct SnapshotStream {
    head: Option<raft_serverpb::SnapshotChunk>,
    source: SnapshotSource,
}

impl SnapshotStream {
    /// The next chunk; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<raft_serverpb::SnapshotChunk>, Status> {
        if let Some(head) = self.head.take() {
            return Ok(Some(head));
        }
        let data = self.source.next().await.map_err(|error| status(&error))?;
        Ok(data.map(|data| raft_serverpb::SnapshotChunk { message: None, data: data.into() }))
    }
}

/// Takes one stream; dropped before [`SnapshotReceiver::finish`] it leaves nothing.
pub struct SnapshotReceiver {
    pub(crate) replica: Arc<RaftReplica>,
    pub(crate) sink: Option<SnapshotSink>,
}

impl SnapshotReceiver {
    /// Takes the next chunk; returns when there is room for another.
    pub async fn push(&mut self, chunk: raft_serverpb::SnapshotChunk) -> Result<(), Status> {
        let out_of_order = || Status::invalid_argument("a snapshot begins with one message");
        if let Some(message) = &chunk.message {
            if self.sink.is_some() {
                return Err(out_of_order());
            }
            let sink = self.replica.receive_snapshot(head_from_wire(message)?);
            self.sink = Some(sink.map_err(|error| status(&error))?);
        }
        if chunk.data.is_empty() {
            return Ok(());
        }
        let sink = self.sink.as_mut().ok_or_else(out_of_order)?;
        sink.push(chunk.data.into()).await.map_err(|error| status(&error))
    }

    /// All chunks were taken.
    pub fn finish(self) -> Result<(), Status> {
        let sink = self.sink.ok_or_else(|| Status::invalid_argument("a snapshot without a beginning"))?;
        sink.finish().map_err(|error| status(&error))
    }
}

fn status(error: &Error) -> Status {
    match error {
        Error::Region(RegionError::Busy { .. }) | Error::Stopped => Status::unavailable(error.to_string()),
        Error::Corrupt { .. } | Error::Codec(_) => Status::invalid_argument(error.to_string()),
        _ => Status::internal(error.to_string()),
    }
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

    fn send_snapshot(&self, head: SnapshotHead, source: SnapshotSource) -> BoxFuture<'static, Result<()>> {
        let carrier = self.carrier.clone();
        let failed = |status: Status| Error::Invalid(format!("snapshot is not sent: {status}"));
        Box::pin(async move {
            let store_id = head.message.to.store_id;
            let message = Some(head_to_wire(&head).map_err(failed)?);
            let head = Some(raft_serverpb::SnapshotChunk { message, data: Bytes::new() });
            carrier.send_snapshot(store_id, SnapshotStream { head, source }).await.map_err(failed)
        })
    }
}

fn raft_to_wire(message: &PeerMessage) -> Result<raft_serverpb::RaftMessage, Status> {
    let bytes = message.message.write_to_bytes();
    let (start_key, end_key) = message.range.clone().unwrap_or_default();
    Ok(raft_serverpb::RaftMessage {
        region_id: message.region_id,
        from_peer: Some(to_wire::peer(&message.from)),
        to_peer: Some(to_wire::peer(&message.to)),
        message: Bytes::from(bytes.map_err(|error| Status::internal(error.to_string()))?),
        region_epoch: Some(to_wire::epoch(message.epoch)),
        is_tombstone: message.is_tombstone,
        start_key,
        end_key,
        merge_target: message.merged_into.map(|(id, epoch)| metapb::Region {
            id,
            region_epoch: Some(to_wire::epoch(epoch)),
            ..metapb::Region::default()
        }),
        rest: message.rest.map(rest_to_wire),
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
        // Without bounds it is the whole range, which is never free; what makes a peer has bounds, or all is free.
        range: Some((wire.start_key.clone(), wire.end_key.clone())),
        is_tombstone: wire.is_tombstone,
        merged_into: wire
            .merge_target
            .as_ref()
            .map(|target| (target.id, from_wire::epoch(target.region_epoch.as_ref()))),
        rest: wire.rest.as_ref().and_then(rest_from_wire),
        message,
    })
}

fn rest_to_wire(rest: RestMessage) -> raft_serverpb::Rest {
    let kind = match rest.kind {
        RestKind::Wake => raft_serverpb::RestKind::Wake,
        RestKind::Ask => raft_serverpb::RestKind::Ask,
        RestKind::Agree => raft_serverpb::RestKind::Agree,
        RestKind::Sleep => raft_serverpb::RestKind::Sleep,
        RestKind::Check => raft_serverpb::RestKind::Check,
    };
    raft_serverpb::Rest { kind: kind as i32, term: rest.term, index: rest.index }
}

/// A kind that a newer store says is nothing, as all of them are to an older one.
fn rest_from_wire(wire: &raft_serverpb::Rest) -> Option<RestMessage> {
    let kind = match wire.kind() {
        raft_serverpb::RestKind::Wake => RestKind::Wake,
        raft_serverpb::RestKind::Ask => RestKind::Ask,
        raft_serverpb::RestKind::Agree => RestKind::Agree,
        raft_serverpb::RestKind::Sleep => RestKind::Sleep,
        raft_serverpb::RestKind::Check => RestKind::Check,
        raft_serverpb::RestKind::Unknown => return None,
    };
    Some(RestMessage { kind, term: wire.term, index: wire.index })
}

/// The announcement of a snapshot: the region travels as the data of the raft message.
fn head_to_wire(head: &SnapshotHead) -> Result<raft_serverpb::RaftMessage, Status> {
    let region = Some(to_wire::region(&head.region));
    let data = raft_serverpb::RaftSnapshotData { region, file_size: 0, version: SNAPSHOT_VERSION };
    let mut message = head.message.clone();
    message.message.mut_snapshot().data = data.encode_to_vec().into();
    raft_to_wire(&message)
}

fn head_from_wire(wire: &raft_serverpb::RaftMessage) -> Result<SnapshotHead, Status> {
    let mut message = raft_from_wire(wire)?;
    let data = std::mem::take(&mut message.message.mut_snapshot().data);
    let data = raft_serverpb::RaftSnapshotData::decode(&data[..])
        .map_err(|error| Status::invalid_argument(format!("snapshot data: {error}")))?;
    if data.version != SNAPSHOT_VERSION {
        let text = format!("snapshot data of version {} is not known to this release", data.version);
        return Err(Status::invalid_argument(text));
    }
    let is_snapshot = message.message.get_msg_type() == eraftpb::MessageType::MsgSnapshot;
    match &data.region {
        Some(region) if is_snapshot && region.id == message.region_id => {
            Ok(SnapshotHead { message, region: Arc::new(from_wire::region(region)) })
        }
        _ => Err(Status::invalid_argument("the message announces no snapshot of its region")),
    }
}

#[cfg(test)]
mod tests {
    use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch};

    use super::*;

    fn message(kind: eraftpb::MessageType) -> PeerMessage {
        let peer = |id, store_id| Peer { id, store_id, role: PeerRole::Voter };
        let mut inner = eraftpb::Message { term: 7, ..Default::default() };
        inner.set_msg_type(kind);
        let epoch = RegionEpoch { conf_ver: 1, version: 3 };
        PeerMessage {
            region_id: 2,
            epoch,
            from: peer(3, 1),
            to: peer(4, 2),
            range: Some(("a".into(), "b".into())),
            is_tombstone: false,
            merged_into: Some((7, epoch)),
            rest: Some(RestMessage { kind: RestKind::Ask, term: 7, index: 12 }),
            message: inner,
        }
    }

    #[test]
    fn a_message_survives_the_wire_and_half_of_one_is_refused() {
        let mut message = message(eraftpb::MessageType::MsgAppend);
        message.message.entries =
            vec![eraftpb::Entry { index: 9, term: 7, data: vec![1, 2].into(), ..Default::default() }].into();
        let wire = raft_to_wire(&message).expect("encodes");
        assert_eq!(raft_from_wire(&wire).expect("round trip"), message);
        let cut = raft_serverpb::RaftMessage {
            message: wire.message.slice(..wire.message.len() - 1),
            ..wire.clone()
        };
        assert!(raft_from_wire(&cut).is_err());
        assert!(raft_from_wire(&raft_serverpb::RaftMessage { from_peer: None, ..wire }).is_err());
    }

    #[test]
    fn an_older_store_finds_nothing_for_raft_in_a_message_about_rest() {
        let mut about_rest = message(eraftpb::MessageType::MsgHup);
        about_rest.message = eraftpb::Message { from: 3, to: 4, ..Default::default() };
        let wire = raft_to_wire(&about_rest).expect("encodes");
        // What that store does not know, it skips.
        let read =
            raft_from_wire(&raft_serverpb::RaftMessage { rest: None, ..wire.clone() }).expect("decodes");
        assert_eq!(
            read.message.get_msg_type(),
            eraftpb::MessageType::MsgHup,
            "no store takes it from another"
        );
        let rest = raft_serverpb::Rest { kind: 77, term: 1, index: 1 };
        let newer = raft_serverpb::RaftMessage { rest: Some(rest), ..wire };
        assert_eq!(raft_from_wire(&newer).expect("a newer store may say more").rest, None);
    }

    #[test]
    fn an_announcement_survives_the_wire_and_other_messages_are_none() {
        let mut message = message(eraftpb::MessageType::MsgSnapshot);
        message.message.mut_snapshot().mut_metadata().index = 40;
        let region = Arc::new(Region { id: 2, start_key: "a".into(), ..Region::default() });
        let head = SnapshotHead { message, region };
        let wire = head_to_wire(&head).expect("encodes");
        assert_eq!(head_from_wire(&wire).expect("round trip"), head);
        let other = SnapshotHead { region: Arc::new(Region { id: 3, ..Region::default() }), ..head.clone() };
        assert!(head_from_wire(&head_to_wire(&other).expect("encodes")).is_err(), "another region");
        assert!(head_from_wire(&raft_to_wire(&head.message).expect("encodes")).is_err(), "no data");
    }
}
