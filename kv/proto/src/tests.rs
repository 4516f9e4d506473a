//! Encodings written down from the protobuf specification: a wrong field number or type breaks them.

use bytes::Bytes;
use prost::Message;

use crate::{kvrpcpb, metapb, pdpb, raft_serverpb};

#[test]
fn region_encodes_with_kvproto_numbers() {
    let region = metapb::Region {
        id: 2,
        start_key: Bytes::from_static(b"a"),
        end_key: Bytes::from_static(b"b"),
        region_epoch: Some(metapb::RegionEpoch { conf_ver: 1, version: 3 }),
        peers: vec![metapb::Peer {
            id: 4,
            store_id: 1,
            role: metapb::PeerRole::Learner as i32,
            is_witness: false,
        }],
    };
    let expected = [
        0x08, 2, 0x12, 1, b'a', 0x1a, 1, b'b', 0x22, 4, 0x08, 1, 0x10, 3, 0x2a, 6, 0x08, 4, 0x10, 1, 0x18, 1,
    ];
    assert_eq!(region.encode_to_vec(), expected);
    assert_eq!(metapb::Region::decode(expected.as_slice()).expect("decodes"), region);
}

#[test]
fn raft_message_encodes_with_kvproto_numbers() {
    let peer = |id| metapb::Peer { id, store_id: 1, ..metapb::Peer::default() };
    let message = raft_serverpb::RaftMessage {
        region_id: 2,
        from_peer: Some(peer(3)),
        to_peer: Some(peer(4)),
        message: Bytes::from_static(&[0x08, 3]),
        region_epoch: Some(metapb::RegionEpoch { conf_ver: 1, version: 3 }),
        ..Default::default()
    };
    let expected = [
        0x08, 2, 0x12, 4, 0x08, 3, 0x10, 1, 0x1a, 4, 0x08, 4, 0x10, 1, 0x22, 2, 0x08, 3, 0x2a, 4, 0x08, 1,
        0x10, 3,
    ];
    assert_eq!(message.encode_to_vec(), expected);
    assert_eq!(raft_serverpb::RaftMessage::decode(expected.as_slice()).expect("decodes"), message);
}

#[test]
fn prewrite_encodes_with_kvproto_numbers() {
    let request = kvrpcpb::PrewriteRequest {
        mutations: vec![kvrpcpb::Mutation {
            op: kvrpcpb::Op::Insert as i32,
            key: Bytes::from_static(b"k"),
            value: Bytes::from_static(b"v"),
            assertion: 0,
        }],
        primary_lock: Bytes::from_static(b"k"),
        start_version: 7,
        lock_ttl: 3,
        try_one_pc: true,
        ..Default::default()
    };
    let expected = [0x12, 8, 0x08, 4, 0x12, 1, b'k', 0x1a, 1, b'v', 0x1a, 1, b'k', 0x20, 7, 0x28, 3, 0x68, 1];
    assert_eq!(request.encode_to_vec(), expected);
}

#[test]
fn unknown_fields_are_skipped() {
    // Field 11 of RegionHeartbeatRequest is reserved, field 900 does not exist.
    let bytes = [0x58, 1, 0xa0, 0x38, 1, 0x70, 6];
    let heartbeat = pdpb::RegionHeartbeatRequest::decode(bytes.as_slice()).expect("decodes");
    assert_eq!(heartbeat.term, 6);
}
