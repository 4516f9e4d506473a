//! Who the members are, from the founding on.

use prost::Message as _;
use raft::eraftpb::{ConfState, HardState};
use rutile_kv_proto::{Status, pdpb};

use super::group::Group;
use crate::config::PdConfig;
use crate::error::{Error, Result};
use crate::storage::{Batch, Image, Pairs, apply, keys};

/// Id of a member that founded its group alone.
const ALONE: u64 = 1;
/// Index and term at which a group begins. Not zero, so that a member that has nothing needs a snapshot, which tells it
/// who the founders were.
const BEGINNING: (u64, u64) = (1, 1);
/// Members that found a group; more make it slower, not safer.
const FOUNDERS_MAX: usize = 7;

/// How a directory without a member comes to one; one that has a member goes on with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Founding {
    /// A group of one.
    #[default]
    Alone,
    /// A group of several, all started with the same list of names and addresses.
    Together(Vec<(String, String)>),
    /// Into a group that is there; see [`super::Member::join`].
    Joining,
}

/// `host:port` of a URL.
pub(super) fn without_scheme(url: &str) -> &str {
    url.strip_prefix("http://").or(url.strip_prefix("https://")).unwrap_or(url)
}

impl Founding {
    /// `name=host:port,name=host:port`, with `http://` or `https://` or without.
    pub fn parse(text: &str) -> Result<Founding> {
        let bad = |reason: &str| Error::Invalid(format!("initial cluster {text:?}: {reason}"));
        let mut members: Vec<(String, String)> = Vec::new();
        for part in text.split(',') {
            let (name, address) =
                part.trim().split_once('=').ok_or_else(|| bad("write it as name=host:port,…"))?;
            let address = without_scheme(address).trim_end_matches('/');
            if name.is_empty() || !address.contains(':') {
                return Err(bad("write it as name=host:port,…"));
            }
            if members.iter().any(|(other, at)| other == name || at == address) {
                return Err(bad("a name or an address is there twice"));
            }
            members.push((name.to_owned(), address.to_owned()));
        }
        if members.len() > FOUNDERS_MAX {
            return Err(bad("at most 7 members"));
        }
        members.sort();
        Ok(Founding::Together(members))
    }

    /// What a member without data begins with.
    pub(super) fn image(&self, name: &str, scheme: &str, random_id: u64) -> Result<Image> {
        match self {
            Founding::Alone => Ok(alone(Pairs::new())),
            Founding::Joining => Ok(Image { member_id: random_id, ..Image::default() }),
            Founding::Together(members) => {
                let own = members.iter().find(|(other, _)| other == name).ok_or_else(|| {
                    Error::Invalid(format!(
                        "the initial cluster names no member {name:?}, as this one is called"
                    ))
                })?;
                let mut batch = Batch::default();
                let mut voters = Vec::new();
                for (name, address) in members {
                    let member_id = founder_id(members, name);
                    let urls = vec![format!("{scheme}://{address}")];
                    batch.put_member(&record(member_id, name, &urls));
                    voters.push(member_id);
                }
                let mut pairs = Pairs::new();
                apply(&mut pairs, batch);
                Ok(founded(founder_id(members, &own.0), voters, pairs))
            }
        }
    }
}

/// A member that is alone, with what it knows.
pub(super) fn alone(pairs: Pairs) -> Image {
    founded(ALONE, vec![ALONE], pairs)
}

fn founded(member_id: u64, voters: Vec<u64>, pairs: Pairs) -> Image {
    let (index, term) = BEGINNING;
    Image {
        member_id,
        hard_state: HardState { term, commit: index, ..HardState::default() },
        applied: BEGINNING,
        conf: ConfState { voters, ..ConfState::default() },
        pairs,
        start: BEGINNING,
        entries: Default::default(),
    }
}

/// The founders agree on their ids without a word: each is made of the whole list, so that a member of another group is
/// a stranger. FNV-1a.
fn founder_id(members: &[(String, String)], name: &str) -> u64 {
    let all: Vec<String> = members.iter().map(|(name, address)| format!("{name}={address}")).collect();
    let text = format!("{}/{name}", all.join(","));
    let hash = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    // Never 0, which raft reads as nobody; below 2^63, because some tools print it signed.
    (text.bytes().fold(0xcbf2_9ce4_8422_2325, hash) >> 1).max(2)
}

/// What is known of a member.
pub(super) fn record(member_id: u64, name: &str, urls: &[String]) -> pdpb::Member {
    pdpb::Member {
        name: name.to_owned(),
        member_id,
        peer_urls: urls.to_vec(),
        client_urls: urls.to_vec(),
        binary_version: env!("CARGO_PKG_VERSION").to_owned(),
        ..pdpb::Member::default()
    }
}

impl Batch {
    pub(super) fn put_member(&mut self, member: &pdpb::Member) {
        self.put(keys::member(member.member_id), member.encode_to_vec());
    }
}

impl PdConfig {
    /// This member as it would have others know it.
    pub(super) fn own_record(&self, member_id: u64) -> pdpb::Member {
        record(member_id, &self.name, &self.client_urls)
    }
}

/// The answer to `GetMembers`, of any member.
pub(crate) fn members_answer(group: &Group) -> std::result::Result<pdpb::GetMembersResponse, Status> {
    let roster = group.roster();
    let cluster_id = group.cluster_id();
    let leader = roster.leader().cloned();
    let (Some(leader), true) = (leader, cluster_id != 0) else {
        return Err(Status::unavailable("no leader"));
    };
    Ok(pdpb::GetMembersResponse {
        header: Some(pdpb::ResponseHeader { cluster_id, error: None }),
        members: roster.members,
        leader: Some(leader.clone()),
        etcd_leader: Some(leader),
    })
}

/// The members as this one knows them, and who leads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    pub(crate) members: Vec<pdpb::Member>,
    /// 0 while nobody is known to lead.
    pub(crate) leader_id: u64,
    /// Members that the leader heard of lately; empty elsewhere.
    pub(crate) healthy: Vec<u64>,
}

impl Roster {
    pub(crate) fn leader(&self) -> Option<&pdpb::Member> {
        self.members.iter().find(|member| member.member_id == self.leader_id)
    }

    pub(crate) fn by_name(&self, name: &str) -> Result<&pdpb::Member> {
        let found = self.members.iter().find(|member| member.name == name);
        found.ok_or_else(|| Error::MemberNotFound(name.to_owned()))
    }
}
