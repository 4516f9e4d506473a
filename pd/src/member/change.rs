//! Members that come and go, and who leads.

use std::sync::Arc;
use std::time::Duration;

use rutile_kv_proto::memberpb::{JoinRequest, JoinResponse};
use rutile_kv_proto::{Code, Status};

use super::member::{Member, Reign, not_leader};
use super::roster::record;
use crate::error::{Error, Result};
use crate::storage::Batch;

/// Members of a group; more make it slower, not safer.
const MEMBERS_MAX: usize = 7;
/// Pause between two attempts to join, and how many there are.
const JOIN_PAUSE: Duration = Duration::from_millis(500);
const JOINS_MAX: usize = 60;

impl Member {
    /// Whether it waits to be taken into a group.
    pub fn is_joining(&self) -> bool {
        self.group().is_joining()
    }

    /// Where the members of its group are, for one that joins: it answers them before it has their map.
    pub fn learn(&self, members: &[rutile_kv_proto::pdpb::Member]) {
        self.group().learn(members);
    }

    /// Asks the members at `addresses` to be taken in, until one that leads has done it. It has no vote before it knows
    /// what the others know.
    pub async fn join(&self, addresses: &[String], carrier: &dyn super::Carrier) -> Result<()> {
        let own = self.config().own_record(self.member_id());
        let mut problem = "no address of a member is given".to_owned();
        let mut known: Vec<String> = addresses.to_vec();
        for _ in 0..JOINS_MAX {
            for address in std::mem::take(&mut known) {
                let request = JoinRequest {
                    member_id: own.member_id,
                    name: own.name.clone(),
                    urls: own.peer_urls.clone(),
                };
                match carrier.join(&address, request).await {
                    Ok(answer) => {
                        tracing::info!(cluster_id = answer.cluster_id, "taken into the PD group");
                        return Ok(());
                    }
                    Err(status) if matches!(status.code, Code::InvalidArgument | Code::AlreadyExists) => {
                        return Err(Error::Refused(format!("PD at {address}: {}", status.message)));
                    }
                    Err(status) => problem = format!("PD at {address}: {}", status.message),
                }
            }
            known = addresses.to_vec();
            self.env().clock.sleep(JOIN_PAUSE).await;
        }
        Err(Error::Refused(format!("not taken into the PD group: {problem}")))
    }

    /// Tells the leader where this member is now, when it was elsewhere before. Ends when the group knows.
    pub(super) async fn announce(self: Arc<Member>, carrier: Arc<dyn super::Carrier>) {
        let own = self.config().own_record(self.member_id());
        loop {
            let roster = self.roster();
            let listed = roster.members.iter().find(|member| member.member_id == own.member_id);
            if listed.is_none_or(|listed| listed.peer_urls == own.peer_urls && listed.name == own.name) {
                return;
            }
            for other in roster.members.iter().filter(|member| member.member_id != own.member_id) {
                let request = JoinRequest {
                    member_id: own.member_id,
                    name: own.name.clone(),
                    urls: own.peer_urls.clone(),
                };
                if let Some(address) = self.group().address(other)
                    && let Err(status) = carrier.join(address, request).await
                {
                    tracing::debug!(address, %status, "not told where this member is now");
                }
            }
            self.env().clock.sleep(JOIN_PAUSE).await;
        }
    }

    /// Takes a member in, as a learner that gets its vote when it has caught up. Asked again by the same member, it only
    /// notes where that is now.
    pub(super) async fn take_in(&self, request: JoinRequest) -> std::result::Result<JoinResponse, Status> {
        if request.member_id == 0 || request.name.is_empty() || request.urls.is_empty() {
            return Err(Status::invalid_argument("a member has an id, a name and an address"));
        }
        let reign = self.reign().await?;
        let roster = self.roster();
        let own = record(request.member_id, &request.name, &request.urls);
        let known = roster.members.iter().find(|member| member.member_id == own.member_id);
        let twin = |other: &&rutile_kv_proto::pdpb::Member| {
            other.member_id != own.member_id
                && (other.name == own.name || other.peer_urls.iter().any(|url| own.peer_urls.contains(url)))
        };
        if let Some(twin) = roster.members.iter().find(twin) {
            let text = format!("{} at {} is a member already", twin.name, twin.peer_urls.join(","));
            return Err(Status::new(Code::AlreadyExists, text));
        }
        let changed = match known {
            Some(known) if known.name == own.name && known.peer_urls == own.peer_urls => Ok(()),
            Some(known) => {
                let mut batch = Batch::default();
                batch.put_member(&rutile_kv_proto::pdpb::Member {
                    leader_priority: known.leader_priority,
                    ..own
                });
                reign.storage.write(batch)
            }
            None if roster.members.len() >= MEMBERS_MAX => {
                return Err(Status::invalid_argument(format!("the group has {MEMBERS_MAX} members already")));
            }
            None => self.group().change_members(Some(&own), 0),
        };
        changed.map_err(|error| Status::unavailable(error.to_string()))?;
        self.until_listed(&reign, request.member_id, true).await?;
        Ok(JoinResponse { cluster_id: self.cluster_id() })
    }

    /// Has a member go. The one that leads hands leadership on first.
    pub(crate) async fn remove(&self, member_id: u64) -> std::result::Result<(), Status> {
        let refused = |text: String| Status::new(Code::FailedPrecondition, text);
        let reign = self.reign().await?;
        let roster = self.roster();
        let Some(gone) = roster.members.iter().find(|member| member.member_id == member_id) else {
            return Err(Status::new(
                Code::NotFound,
                Error::MemberNotFound(member_id.to_string()).to_string(),
            ));
        };
        if member_id == self.member_id() {
            return Err(refused(format!("{} leads; have another member lead first", gone.name)));
        }
        let left = |id: &u64| *id != member_id && self.group().is_voter(*id);
        let healthy = roster.healthy.iter().filter(|id| left(id)).count();
        let voters = roster.members.iter().filter(|member| left(&member.member_id)).count();
        if healthy * 2 <= voters {
            return Err(refused(format!("of {voters} members that would be left only {healthy} are well")));
        }
        let removed = self.group().change_members(None, member_id);
        removed.map_err(|error| Status::unavailable(error.to_string()))?;
        self.until_listed(&reign, member_id, false).await
    }

    /// Has another member lead: the one of this name, or the best. Answers its name.
    pub(crate) async fn hand_on(&self, to: Option<&str>) -> Result<String> {
        let roster = self.roster();
        let to = match to {
            Some(name) => Some(roster.by_name(name)?.member_id),
            None => None,
        };
        let led = self.group().hand_on(to)?;
        let name = roster.members.iter().find(|member| member.member_id == led);
        Ok(name.map_or_else(|| led.to_string(), |member| member.name.clone()))
    }

    /// Members of higher priority lead when they can.
    pub(crate) async fn set_priority(&self, name: &str, priority: i32) -> std::result::Result<(), Status> {
        let reign = self.reign().await?;
        let roster = self.roster();
        let member = roster.by_name(name).map_err(|error| Status::new(Code::NotFound, error.to_string()))?;
        let mut batch = Batch::default();
        batch.put_member(&rutile_kv_proto::pdpb::Member { leader_priority: priority, ..member.clone() });
        let lost = |_| not_leader(self.name(), None);
        reign.storage.write(batch).map_err(lost)?;
        reign.storage.settled().await.map_err(lost)
    }

    /// Waits until a change of members is settled.
    async fn until_listed(
        &self,
        reign: &Arc<Reign>,
        member_id: u64,
        listed: bool,
    ) -> std::result::Result<(), Status> {
        loop {
            let changed = self.group().changed().notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            reign.check(self)?;
            if self.roster().members.iter().any(|member| member.member_id == member_id) == listed {
                return Ok(());
            }
            changed.await;
        }
    }
}
