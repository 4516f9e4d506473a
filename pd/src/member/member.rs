//! A member of the PD group as others use it: the placement driver while it leads.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use protobuf::Message as _;
use raft::eraftpb::Message;
use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_proto::memberpb::MemberMessage;
use rutile_kv_proto::{Code, Status};

use super::carrier::Carrier;
use super::driver::Driver;
use super::group::Group;
use super::inbox::Inbox;
use super::roster::Roster;
use super::steps::Steps;
use crate::config::PdConfig;
use crate::error::{Error, Result};
use crate::pd::Pd;
use crate::storage::{Batch, Storage};

/// How long a call waits for a leader that is about to be found. Clients of PD use up their attempts within moments of
/// a refusal.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// The same when another member leads already.
const PATIENCE_ELSEWHERE: Duration = Duration::from_millis(150);

/// One member. Everything it promised is durable when the promise is made, so it may be dropped at any time; one that was
/// started is stopped first.
pub struct Member {
    env: Env,
    config: PdConfig,
    group: Arc<Group>,
    inbox: Inbox,
    reign: RwLock<Option<Arc<Reign>>>,
    /// The reign of a member that was alone when it was opened; most often it never ends.
    first: OnceLock<Arc<Reign>>,
    driver: Mutex<Option<Driver>>,
    announcer: Mutex<Option<TaskHandle>>,
}

/// A time of leading: the term, and what was made of the map when it began.
pub(crate) struct Reign {
    pub(crate) term: u64,
    pub(crate) pd: Arc<Pd>,
    pub(crate) storage: Arc<Storage>,
}

impl Member {
    /// Opens or creates the state in `config.data_dir`. One that is alone serves at once; others do when they are
    /// [started](Member::start). Blocks for a few syncs.
    pub fn open(env: Env, config: PdConfig) -> Result<Member> {
        let is_encrypted = config.client_urls.iter().any(|url| url.starts_with("https://"));
        let scheme = if is_encrypted { "https" } else { "http" };
        let group = Group::open_named(&env, &config.data_dir, &config.founding, &config.name, scheme)?;
        let member = Member {
            env,
            config,
            group,
            inbox: Inbox::default(),
            reign: RwLock::new(None),
            first: OnceLock::new(),
            driver: Mutex::new(None),
            announcer: Mutex::new(None),
        };
        let term = member.group.term();
        if term != 0 {
            let reign = member.begin(term)?;
            drop(member.first.set(Arc::clone(&reign)));
            *member.reign.write() = Some(reign);
        }
        Ok(member)
    }

    /// Takes part in the group from now on.
    pub fn start(self: &Arc<Member>, carrier: Arc<dyn Carrier>) -> Result<()> {
        self.group.set_carrier(Arc::clone(&carrier));
        let mut driver = self.driver.lock();
        if driver.is_some() {
            return Ok(());
        }
        *driver = Some(Driver::start(Arc::clone(self))?);
        if !self.group.is_alone() && !self.is_joining() {
            let announced = Arc::clone(self).announce(carrier);
            *self.announcer.lock() = Some(self.env.spawn.spawn("pd-member-announce", Box::pin(announced)));
        }
        Ok(())
    }

    /// Takes part no more. A leader hands leadership on first, if anybody can take it.
    pub async fn stop(&self) {
        if let Some(announcer) = self.announcer.lock().take() {
            announcer.abort();
        }
        let driver = self.driver.lock().take();
        let Some(driver) = driver else {
            return;
        };
        if self.group.hand_on(None).is_ok() {
            self.until_not_leading().await;
        }
        self.inbox.close();
        driver.join().await;
    }

    async fn until_not_leading(&self) {
        let mut patience = self.env.clock.sleep(PATIENCE);
        loop {
            let changed = self.group.changed().notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let leader_id = self.group.roster().leader_id;
            if leader_id != 0 && leader_id != self.group.member_id() {
                return;
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = &mut patience => return,
            }
        }
    }

    /// Takes a message of another member, or drops it. An error is for the sender's log.
    pub fn receive(&self, message: &MemberMessage) -> std::result::Result<(), Status> {
        let own = self.group.cluster_id();
        if own != 0 && message.cluster_id != 0 && own != message.cluster_id {
            let requested = message.cluster_id;
            let text = Error::ClusterMismatch { requested, own }.to_string();
            return Err(Status::new(Code::FailedPrecondition, text));
        }
        if message.to != self.group.member_id() {
            let text = format!("this is member {}, not {}", self.group.member_id(), message.to);
            return Err(Status::new(Code::FailedPrecondition, text));
        }
        let parsed = Message::parse_from_bytes(&message.message);
        let parsed = parsed.map_err(|error| Status::invalid_argument(format!("member message: {error}")))?;
        // A full inbox loses it; raft repeats what matters.
        self.inbox.push(parsed);
        Ok(())
    }

    pub fn cluster_id(&self) -> u64 {
        self.group.cluster_id()
    }

    pub fn member_id(&self) -> u64 {
        self.group.member_id()
    }

    /// Timestamps up to here may have been given away, as Unix milliseconds.
    pub fn timestamps_end_ms(&self) -> u64 {
        self.reign_now().map_or(0, |reign| reign.pd.timestamps_end_ms())
    }

    /// Steps for the regions that a store leads, as they come up.
    pub fn subscribe(&self, store_id: u64) -> Steps {
        match self.reign_now() {
            Some(reign) => Steps::new(reign.pd.subscribe(store_id), Arc::clone(&reign.storage)),
            None => Steps::none(),
        }
    }

    /// The loop of the task that looks after regions while this member leads; ends by being aborted.
    pub async fn run_patrol(self: Arc<Self>) {
        loop {
            let changed = self.group.changed().notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.reign_now() {
                Some(reign) => Arc::clone(&reign.pd).run_patrol().await,
                None => changed.await,
            }
        }
    }

    pub(super) fn env(&self) -> &Env {
        &self.env
    }

    pub(super) fn config(&self) -> &PdConfig {
        &self.config
    }

    pub(super) fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    pub(super) fn group(&self) -> &Arc<Group> {
        &self.group
    }

    pub(crate) fn roster(&self) -> Roster {
        self.group.roster()
    }

    pub(crate) fn members(&self) -> std::result::Result<rutile_kv_proto::pdpb::GetMembersResponse, Status> {
        super::members_answer(&self.group)
    }

    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    /// One turn of the driver.
    pub(super) fn drive(&self, messages: Vec<Message>, is_tick: bool) {
        self.group.step(messages, is_tick);
        self.follow();
    }

    /// Begins and ends reigns after the group.
    fn follow(&self) {
        let term = self.group.term();
        let served = self.reign.read().as_ref().map_or(0, |reign| reign.term);
        if term == served {
            return;
        }
        let former = self.reign.write().take();
        drop(former);
        if term == 0 {
            return;
        }
        match self.begin(term) {
            Ok(reign) => {
                *self.reign.write() = Some(reign);
                self.group.changed().notify_waiters();
            }
            Err(Error::NotLeader) => {}
            Err(error) => {
                tracing::error!(%error, "what PD knows can not be read; another member shall lead");
                self.group.step_down();
            }
        }
    }

    fn begin(&self, term: u64) -> Result<Arc<Reign>> {
        let storage = Arc::new(Storage::of(Arc::clone(&self.group), term));
        let pd = Arc::new(Pd::lead(self.env.clone(), self.config.clone(), Arc::clone(&storage))?);
        self.introduce(&storage)?;
        Ok(Arc::new(Reign { term, pd, storage }))
    }

    /// A leader that moved says where it is now.
    fn introduce(&self, storage: &Storage) -> Result<()> {
        let own = self.config.own_record(self.group.member_id());
        let roster = self.group.roster();
        let known = roster.members.iter().find(|member| member.member_id == own.member_id);
        let own = match known {
            Some(known) => rutile_kv_proto::pdpb::Member { leader_priority: known.leader_priority, ..own },
            None => own,
        };
        if known == Some(&own) {
            return Ok(());
        }
        let mut batch = Batch::default();
        batch.put_member(&own);
        storage.write(batch)
    }

    /// The reign, if this member leads and has a lease now.
    pub(crate) fn reign_now(&self) -> Option<Arc<Reign>> {
        let reign = self.reign.read().clone();
        reign.filter(|reign| self.group.leads(reign.term))
    }

    /// The same without touching a lock, for a member that was always alone.
    #[inline]
    pub(super) fn first_reign(&self) -> Option<&Arc<Reign>> {
        self.first.get().filter(|reign| self.group.leads(reign.term))
    }

    /// Waits for a reign, but not for long.
    pub(crate) async fn reign(&self) -> std::result::Result<Arc<Reign>, Status> {
        if let Some(reign) = self.reign_now() {
            return Ok(reign);
        }
        let clock = &self.env.clock;
        let began = clock.now();
        loop {
            let changed = self.group.changed().notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(reign) = self.reign_now() {
                return Ok(reign);
            }
            let roster = self.group.roster();
            let elsewhere = roster.leader().filter(|leader| leader.member_id != self.group.member_id());
            let patience = if elsewhere.is_some() { PATIENCE_ELSEWHERE } else { PATIENCE };
            let left = patience.saturating_sub(clock.now().saturating_since(began));
            if left.is_zero() {
                return Err(not_leader(&self.config.name, elsewhere.map(|leader| leader.name.as_str())));
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = clock.sleep(left) => {}
            }
        }
    }
}

/// In words that clients of PD look for.
pub(super) fn not_leader(name: &str, leader: Option<&str>) -> Status {
    match leader {
        Some(leader) => Status::unavailable(format!("{name} is not leader, {leader} is")),
        None => Status::unavailable(format!("{name} is not leader, no leader is known")),
    }
}

impl Reign {
    /// Whether it goes on, with a lease, now.
    #[inline]
    pub(super) fn check(&self, member: &Member) -> std::result::Result<(), Status> {
        if member.group.leads(self.term) { Ok(()) } else { Err(not_leader(member.name(), None)) }
    }
}
