//! Who of the PD members leads.
//!
//! Every member answers `GetMembers`, leader or not, so that any one that is reached names the leader. The addresses
//! given at the start stay in use beside the ones that members told: a group that moved as a whole is found again as
//! long as one old address answers.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use rutile_kv_env::Env;
use rutile_kv_proto::{Code, Status, pdpb};
use tonic::transport::Channel;

use super::channel::{channel, unary, without_scheme};
use crate::config::Limits;

pub(crate) struct Discovery {
    pub(crate) env: Env,
    pub(crate) limits: Arc<Limits>,
    given: Vec<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// 0 until the first member answered; others are refused afterwards.
    cluster_id: u64,
    told: BTreeSet<String>,
    leader: Option<Leader>,
    /// Counts the leaders found, so that a late complaint does not dismiss the next one.
    found: u64,
}

/// The leader as last known.
#[derive(Clone)]
pub(crate) struct Leader {
    address: String,
    pub(crate) channel: Channel,
    tls_generation: u64,
    number: u64,
}

impl Discovery {
    pub(crate) fn new(env: Env, limits: Limits, addresses: Vec<String>) -> Discovery {
        let given = addresses.iter().map(|address| without_scheme(address).to_owned()).collect();
        Discovery { env, limits: Arc::new(limits), given, state: Mutex::default() }
    }

    /// The leader, looked for when none is known.
    pub(crate) async fn leader(&self) -> Result<Leader, Status> {
        let known = self.state.lock().leader.clone();
        match known.filter(|leader| leader.tls_generation == self.limits.tls_generation()) {
            Some(leader) => Ok(leader),
            None => self.find().await.map(|(leader, _)| leader),
        }
    }

    /// Forgets a leader that does not answer as one.
    pub(crate) fn dismiss(&self, leader: &Leader) {
        let mut state = self.state.lock();
        if state.leader.as_ref().is_some_and(|known| known.number == leader.number) {
            tracing::debug!(address = leader.address, "PD leader is looked for again");
            state.leader = None;
        }
    }

    /// Asks all members at once until one knows the leader: one that stands still must not keep the others waiting.
    pub(crate) async fn find(&self) -> Result<(Leader, pdpb::GetMembersResponse), Status> {
        let mut problem = Status::unavailable("no address of PD is known");
        let ask = |address: String| async move {
            let answer = self.ask(&address).await;
            (address, answer)
        };
        let mut answers: FuturesUnordered<_> = self.addresses().into_iter().map(ask).collect();
        while let Some((address, answer)) = answers.next().await {
            match answer.and_then(|answer| self.learn(&address, answer)) {
                Ok(found) => return Ok(found),
                Err(status) => problem = Status::unavailable(format!("PD at {address}: {}", status.message)),
            }
        }
        Err(problem)
    }

    fn addresses(&self) -> Vec<String> {
        let state = self.state.lock();
        let given = self.given.iter().filter(|address| !state.told.contains(*address));
        state.told.iter().chain(given).cloned().collect()
    }

    async fn ask(&self, address: &str) -> Result<pdpb::GetMembersResponse, Status> {
        let request = pdpb::GetMembersRequest { header: None };
        let (env, limits) = (&self.env, &self.limits);
        let to = channel(address, limits)?;
        unary(env, limits, to, "/pdpb.PD/GetMembers", request, limits.pd_time_max).await
    }

    fn learn(
        &self,
        asked: &str,
        answer: pdpb::GetMembersResponse,
    ) -> Result<(Leader, pdpb::GetMembersResponse), Status> {
        let header = answer.header.clone().unwrap_or_default();
        if let Some(error) = header.error.filter(|error| error.r#type() != pdpb::ErrorType::Ok) {
            return Err(Status::unavailable(error.message));
        }
        let Some(named) = &answer.leader else {
            return Err(Status::unavailable("it knows no leader"));
        };
        // A member without an address of its own is reached where it was asked.
        let address = named.client_urls.first().map_or(asked, |url| without_scheme(url)).to_owned();
        let mut state = self.state.lock();
        if state.cluster_id != 0 && state.cluster_id != header.cluster_id {
            let text = format!("it is of cluster {}, not {}", header.cluster_id, state.cluster_id);
            return Err(Status::new(Code::FailedPrecondition, text));
        }
        state.cluster_id = header.cluster_id;
        let urls = answer.members.iter().flat_map(|member| &member.client_urls);
        state.told = urls.map(|url| without_scheme(url).to_owned()).collect();
        state.found += 1;
        let tls_generation = self.limits.tls_generation();
        let channel = channel(&address, &self.limits)?;
        let leader = Leader { channel, address, tls_generation, number: state.found };
        state.leader = Some(leader.clone());
        Ok((leader, answer))
    }
}
