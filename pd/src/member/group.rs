//! One member with its disk and its way to the others; everything that happens to it happens under one lock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, MutexGuard};
use protobuf::Message as _;
use raft::eraftpb::{ConfChangeType, Message};
use rutile_kv_env::Env;
use rutile_kv_proto::memberpb::MemberMessage;
use rutile_kv_proto::pdpb;
use tokio::sync::Notify;

use super::carrier::Carrier;
use super::core::{Core, Role, Round, Unsettled};
use super::lease::nanos;
use super::roster::{Founding, Roster, alone, without_scheme};
use crate::error::{Error, Result};
use crate::storage::{Batch, Found, Journal, Opened, Record, encode_batch, keys};

/// Invariants, whenever the lock is free: `applied <= proposed` during a reign; what is in `unsettled` is behind `applied`.
pub(crate) struct Group {
    env: Env,
    dir: PathBuf,
    member_id: u64,
    state: Mutex<State>,
    /// The term that this member leads and serves in; 0 when it does not.
    reign: AtomicU64,
    /// Nanoseconds of the monotonic clock until which nobody else leads.
    lease_end: AtomicU64,
    /// Index of the last entry of this reign, and of the last one that is settled.
    proposed: AtomicU64,
    applied: AtomicU64,
    /// A reign began or ended, a lease was made longer, something was settled.
    changed: Notify,
    carrier: OnceLock<Arc<dyn Carrier>>,
    /// Where members are by their names, as this process was told at its start; newer than what the map says of them.
    told: Vec<(String, String)>,
    /// Where members are by their ids, for one that joins and has no map yet.
    learned: Mutex<BTreeMap<u64, String>>,
}

struct State {
    core: Core,
    journal: Journal,
    unsettled: Unsettled,
    /// What the disk did not take. Raft hears nothing more before it did.
    held: Option<Round>,
    role: Role,
}

impl Group {
    /// Opens the directory, or founds a group in an empty one. Blocks for a few syncs.
    #[cfg(test)]
    pub(crate) fn open(env: &Env, dir: &Path, founding: &Founding) -> Result<Arc<Group>> {
        Group::open_named(env, dir, founding, "pd", "http")
    }

    /// The same, for a member that has a name among the founders, who are dialled by this scheme.
    pub(super) fn open_named(
        env: &Env,
        dir: &Path,
        founding: &Founding,
        name: &str,
        scheme: &str,
    ) -> Result<Arc<Group>> {
        let mut opened = Opened::read(env, dir)?;
        let (image, is_new) = match opened.found.take() {
            Some(Found::Member(image)) => (*image, false),
            Some(Found::Alone(pairs)) => (alone(pairs), false),
            // Never 0, which raft reads as nobody; below 2^63, because some tools print it signed.
            None => (founding.image(name, scheme, env.random.range(2..1 << 63))?, true),
        };
        let journal = opened.start(&image)?;
        let member_id = image.member_id;
        let core = Core::new(image, is_new)?;
        let state =
            State { core, journal, unsettled: Unsettled::default(), held: None, role: Role::default() };
        let group = Group {
            env: env.clone(),
            dir: dir.to_owned(),
            member_id,
            state: Mutex::new(state),
            reign: AtomicU64::new(0),
            lease_end: AtomicU64::new(0),
            proposed: AtomicU64::new(0),
            applied: AtomicU64::new(0),
            changed: Notify::new(),
            carrier: OnceLock::new(),
            told: match founding {
                Founding::Together(members) => members.clone(),
                Founding::Alone | Founding::Joining => Vec::new(),
            },
            learned: Mutex::default(),
        };
        let mut state = group.state.lock();
        state.core.campaign_alone()?;
        group.pump(&mut state)?;
        drop(state);
        Ok(Arc::new(group))
    }

    pub(crate) fn member_id(&self) -> u64 {
        self.member_id
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn changed(&self) -> &Notify {
        &self.changed
    }

    /// From now on messages have a way to the others.
    pub(super) fn set_carrier(&self, carrier: Arc<dyn Carrier>) {
        // A second one would be the same.
        drop(self.carrier.set(carrier));
    }

    /// The term that this member leads and serves in, lease or not; 0 when it does not.
    pub(crate) fn term(&self) -> u64 {
        self.reign.load(Ordering::Acquire)
    }

    /// Whether this member leads in `term`, and nobody else does yet, now.
    #[inline]
    pub(super) fn leads(&self, term: u64) -> bool {
        if self.term() != term {
            return false;
        }
        match self.lease_end.load(Ordering::Acquire) {
            u64::MAX => true,
            end => {
                nanos(self.env.clock.now()) < end || self.env.hooks.is_planted("pd::member::lease_ignored")
            }
        }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let state = self.state.lock();
        match state.unsettled.changes().rev().find(|(changed, _)| changed == key) {
            Some((_, value)) => value.clone(),
            None => state.core.replica().image().pairs.get(key).cloned(),
        }
    }

    pub(crate) fn values_with_prefix(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        let state = self.state.lock();
        let from = state.core.replica().image().pairs.range(prefix.to_vec()..);
        let settled = from.take_while(|(key, _)| key.starts_with(prefix));
        let mut changes = state.unsettled.changes().filter(|(key, _)| key.starts_with(prefix)).peekable();
        if changes.peek().is_none() {
            return settled.map(|(_, value)| value.clone()).collect();
        }
        let mut found: BTreeMap<_, _> = settled.collect();
        for (key, value) in changes {
            match value {
                Some(value) => found.insert(key, value),
                None => found.remove(key),
            };
        }
        found.into_values().cloned().collect()
    }

    /// 0 before the first leader gave the cluster one.
    pub(crate) fn cluster_id(&self) -> u64 {
        let state = self.state.lock();
        cluster_id(&state)
    }

    pub(crate) fn roster(&self) -> Roster {
        let state = self.state.lock();
        let core = &state.core;
        let members = core.replica().roster().values().cloned().collect();
        // A leader without a lease does not know whether it is one.
        let leader_id = match state.role {
            Role { reign: 0, leader_id, .. } if leader_id != self.member_id => leader_id,
            Role { reign, .. } if reign != 0 && self.leads(reign) => self.member_id,
            _ => 0,
        };
        Roster { members, leader_id, healthy: core.healthy() }
    }

    pub(super) fn is_joining(&self) -> bool {
        self.state.lock().core.is_joining()
    }

    /// Whether no other member has a vote.
    pub(super) fn is_alone(&self) -> bool {
        self.state.lock().core.is_alone()
    }

    /// See [`crate::storage::Storage::write`].
    pub(crate) fn write(&self, term: u64, batch: Batch) -> Result<()> {
        let mut state = self.state.lock();
        self.pump(&mut state)?;
        if state.role.reign != term || term == 0 {
            return Err(Error::NotLeader);
        }
        let entry = state.core.next_entry(encode_batch(&batch));
        let State { core, journal, .. } = &mut *state;
        journal.append(&[Record::Entry(entry.clone())], core.replica().image())?;
        let index = entry.index;
        core.propose_written(entry)?;
        state.unsettled.push(index, batch);
        self.proposed.store(index, Ordering::Release);
        if let Err(error) = self.pump(&mut state) {
            // The entry itself is durable.
            tracing::warn!(%error, "the journal of PD takes nothing more");
        }
        Ok(())
    }

    /// Whether everything written in the reign is settled.
    pub(crate) fn is_settled(&self, term: u64) -> bool {
        let proposed = self.proposed.load(Ordering::Acquire);
        self.term() == term && self.applied.load(Ordering::Acquire) >= proposed
    }

    /// See [`crate::storage::Storage::settled`].
    pub(crate) async fn settled(&self, term: u64) -> Result<()> {
        if self.is_settled(term) {
            return Ok(());
        }
        let proposed = self.proposed.load(Ordering::Acquire);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that what happens in between is not missed.
            changed.as_mut().enable();
            if self.term() != term {
                return Err(Error::NotLeader);
            }
            if self.applied.load(Ordering::Acquire) >= proposed {
                return Ok(());
            }
            changed.await;
        }
    }

    /// Takes messages, and a tick if one is due.
    pub(super) fn step(&self, messages: Vec<Message>, is_tick: bool) {
        let now = self.env.clock.now();
        let random = Arc::clone(&self.env.random);
        self.with(|core| {
            messages.into_iter().for_each(|message| core.step(message, &*random));
            if is_tick {
                core.tick(now, &*random);
            }
        });
    }

    /// Tells the core something, unless the disk is in its way, and does what follows from it.
    fn with(&self, tell: impl FnOnce(&mut Core)) {
        let mut state = self.state.lock();
        let mut outcome = self.pump(&mut state);
        if outcome.is_ok() {
            tell(&mut state.core);
            outcome = self.pump(&mut state);
        }
        if let Err(error) = outcome {
            tracing::warn!(%error, "the journal of PD takes nothing more");
        }
    }

    /// Leads no more, because it can not.
    pub(super) fn step_down(&self) {
        self.with(Core::step_down);
    }

    /// Has another member lead: the one asked for, or the best there is. Answers its id.
    pub(super) fn hand_on(&self, to: Option<u64>) -> Result<u64> {
        let mut state = self.leading()?;
        let to = match to {
            Some(to) if state.core.voters().contains(&to) => to,
            Some(_) => return Err(Error::Refused("this member has no vote yet".to_owned())),
            None => {
                let successor = state.core.successor();
                successor.ok_or_else(|| Error::Refused("no other member could lead now".to_owned()))?
            }
        };
        if to == self.member_id {
            return Ok(to);
        }
        state.core.hand_on(to);
        self.pump(&mut state)?;
        Ok(to)
    }

    /// Proposes that a member comes, as a learner first, or goes.
    pub(super) fn change_members(&self, joins: Option<&pdpb::Member>, leaves: u64) -> Result<()> {
        let mut state = self.leading()?;
        match joins {
            Some(record) => {
                state.core.propose_change(ConfChangeType::AddLearnerNode, record.member_id, Some(record))?;
            }
            None => state.core.propose_change(ConfChangeType::RemoveNode, leaves, None)?,
        }
        self.pump(&mut state)
    }

    /// Whether the member votes.
    pub(super) fn is_voter(&self, member_id: u64) -> bool {
        self.state.lock().core.voters().contains(&member_id)
    }

    fn leading(&self) -> Result<MutexGuard<'_, State>> {
        let mut state = self.state.lock();
        self.pump(&mut state)?;
        if state.role.reign == 0 { Err(Error::NotLeader) } else { Ok(state) }
    }

    /// Writes, sends and applies until nothing is left to do, or the disk takes nothing more.
    fn pump(&self, state: &mut State) -> Result<()> {
        let outcome = loop {
            let round = match state.held.take() {
                Some(round) => Some(round),
                None => state.core.ready(),
            };
            let Some(mut round) = round else {
                break Ok(());
            };
            let early = std::mem::take(&mut round.messages);
            self.send(state, early);
            if let Err(error) = persist(state, &round) {
                state.held = Some(round);
                break Err(error);
            }
            let messages = state.core.persisted(round, &*self.env.random);
            self.send(state, messages);
        };
        if state.journal.is_long() && outcome.is_ok() {
            state.core.forget_old_entries();
            // Everything is durable already; a failure here must not tell anybody otherwise.
            if let Err(error) = state.journal.start_generation(state.core.replica().image()) {
                tracing::warn!(%error, "the PD journal could not be folded, it goes on growing");
            }
        }
        self.publish(state);
        outcome
    }

    fn send(&self, state: &State, messages: Vec<Message>) {
        let Some(carrier) = self.carrier.get() else {
            return;
        };
        let roster = state.core.replica().roster();
        let cluster_id = cluster_id(state);
        for message in messages {
            let listed = roster.get(&message.to).and_then(|member| self.address(member)).map(str::to_owned);
            let address = listed.or_else(|| self.learned.lock().get(&message.to).cloned());
            let (Some(address), Ok(bytes)) = (address, message.write_to_bytes()) else {
                continue;
            };
            let (from, to) = (message.from, message.to);
            let sent = MemberMessage { cluster_id, from, to, message: bytes.into(), is_last: true };
            carrier.send(&address, sent);
        }
    }

    /// Where members are, before the map says it.
    pub(super) fn learn(&self, members: &[pdpb::Member]) {
        let places = members.iter().filter_map(|member| {
            let url = member.peer_urls.first().or(member.client_urls.first())?;
            Some((member.member_id, without_scheme(url).to_owned()))
        });
        self.learned.lock().extend(places);
    }

    /// Where a member takes messages.
    pub(super) fn address<'a>(&'a self, member: &'a pdpb::Member) -> Option<&'a str> {
        let told = self.told.iter().find(|(name, _)| *name == member.name);
        let known = || member.peer_urls.first().map(|url| without_scheme(url));
        told.map(|(_, address)| address.as_str()).or_else(known)
    }

    /// Shows those who do not take the lock what changed.
    fn publish(&self, state: &mut State) {
        let (applied, _) = state.core.replica().applied();
        let role = state.core.role();
        let settled = self.applied.swap(applied, Ordering::AcqRel) != applied;
        state.unsettled.settle(applied);
        if role == state.role && !settled {
            return;
        }
        if role.reign != state.role.reign {
            state.unsettled.clear();
            self.reign.store(role.reign, Ordering::Release);
            self.proposed.store(applied, Ordering::Release);
            self.env.hooks.record("pd::member::reigns", || [role.reign, self.member_id]);
            match role.reign {
                0 => tracing::info!("this PD member leads no more"),
                term => tracing::info!(term, "this PD member leads"),
            }
        }
        self.lease_end.store(role.lease.end(), Ordering::Release);
        state.role = role;
        self.changed.notify_waiters();
    }
}

fn cluster_id(state: &State) -> u64 {
    let stored = state.core.replica().image().pairs.get(keys::CLUSTER_ID);
    stored.and_then(|value| value.as_slice().try_into().ok()).map_or(0, u64::from_be_bytes)
}

fn persist(state: &mut State, round: &Round) -> Result<()> {
    let image = state.core.replica().image();
    if let Some(restored) = &round.restored {
        state.journal.start_generation(restored)?;
        // Votes and entries that came with the snapshot.
        let records = round.records();
        return if records.is_empty() { Ok(()) } else { state.journal.append(&records, restored) };
    }
    let records = round.records();
    if records.is_empty() { Ok(()) } else { state.journal.append(&records, image) }
}
