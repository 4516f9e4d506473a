//! One placement rule, and the group it belongs to.

use bytes::Bytes;
use rutile_kv_types::{Peer, PeerRole};

use super::constraint::{Constraint, Labels, admits};

/// Group and name.
pub(crate) type RuleId = (String, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Votes, and may lead.
    Voter,
    Leader,
    /// Votes and does not lead.
    Follower,
    Learner,
}

impl Role {
    /// Whether the peer is what the rule wants.
    pub(super) fn is(self, peer: &Peer, leader: Option<u64>) -> bool {
        let (learns, leads) = (peer.role == PeerRole::Learner, leader == Some(peer.id));
        match self {
            Role::Voter => !learns,
            Role::Leader => leads,
            Role::Follower => !learns && !leads,
            Role::Learner => learns,
        }
    }

    /// Whether the peer is, or can be made, what the rule wants: a voter never becomes a learner.
    pub(super) fn could_be(self, peer: &Peer) -> bool {
        self != Role::Learner || peer.role == PeerRole::Learner
    }

    pub(crate) fn votes(self) -> bool {
        self != Role::Learner
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) group_id: String,
    pub(crate) id: String,
    /// Rules of a group apply in this order, then in that of their names.
    pub(crate) index: i64,
    /// Rules of the group before it do not apply where it does.
    pub(crate) overrides: bool,
    /// Encoded keys; an empty end has no bound.
    pub(crate) start_key: Bytes,
    pub(crate) end_key: Bytes,
    pub(crate) role: Role,
    pub(crate) count: usize,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) location_labels: Vec<String>,
    /// One of the location labels, or empty.
    pub(crate) isolation_level: String,
    /// Grows with each change of the rule.
    pub(crate) version: u64,
    /// Unix seconds.
    pub(crate) create_timestamp: u64,
}

impl Rule {
    pub(crate) fn key(&self) -> RuleId {
        (self.group_id.clone(), self.id.clone())
    }

    pub(crate) fn admits(&self, labels: &Labels) -> bool {
        admits(&self.constraints, labels)
    }

    pub(super) fn covers(&self, key: &[u8]) -> bool {
        self.start_key.as_ref() <= key && (self.end_key.is_empty() || key < self.end_key.as_ref())
    }
}

/// A group of rules; one that was never made has index 0 and overrides nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) id: String,
    /// Groups apply in this order, then in that of their names.
    pub(crate) index: i64,
    /// Rules of the groups before it do not apply where it has one.
    pub(crate) overrides: bool,
}

impl Group {
    pub(super) fn is_default(&self) -> bool {
        self.index == 0 && !self.overrides
    }
}
