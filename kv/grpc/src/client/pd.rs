//! The placement driver on the network as `PdService`.

use std::sync::Arc;

use async_trait::async_trait;
use rutile_kv_env::Env;
use rutile_kv_proto::{PdService, Status, keyspacepb, pdpb};
use tokio::sync::mpsc;

use super::channel::unary;
use super::discovery::Discovery;
use super::pipeline::{Lane, Pipeline};
use crate::config::Limits;
use crate::methods::pd_methods;
use crate::status::is_of_the_way;

/// Timestamps that one message asks for at most; a message holds far fewer callers.
const TIMESTAMPS_MAX: u32 = 1 << 16;

/// Calls whichever member leads.
pub struct PdStub {
    discovery: Arc<Discovery>,
    timestamps: Pipeline<Timestamps>,
    heartbeats: Pipeline<Heartbeats>,
}

impl PdStub {
    /// `addresses` are those of some members, as `host:port` or with `http://` before. Nothing is connected yet.
    pub fn new(env: Env, addresses: Vec<String>, limits: Limits) -> PdStub {
        let discovery = Arc::new(Discovery::new(env, limits, addresses));
        PdStub {
            timestamps: Pipeline::start("pd-timestamps", discovery.clone()),
            heartbeats: Pipeline::start("pd-heartbeats", discovery.clone()),
            discovery,
        }
    }

    /// Steps of operators that PD sends between heartbeats; once.
    pub fn pushed_steps(&self) -> Option<mpsc::Receiver<pdpb::RegionHeartbeatResponse>> {
        self.heartbeats.pushed()
    }

    /// One call of the leader. What breaks on the way comes back as `Unavailable`: the caller tries again, and meets
    /// the next leader.
    async fn call<Q, A>(&self, path: &'static str, message: Q) -> Result<A, Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let leader = self.discovery.leader().await?;
        let (env, limits) = (&self.discovery.env, &self.discovery.limits);
        let answer = unary(env, limits, leader.channel.clone(), path, message, limits.pd_time_max).await;
        answer.map_err(|status: Status| {
            if !is_of_the_way(status.code) {
                return status;
            }
            self.discovery.dismiss(&leader);
            Status::unavailable(format!("{path}: {status}"))
        })
    }
}

macro_rules! pd_stub {
    (
        get_members $members:literal $members_request:ty => $members_answer:ty;
        $($call:ident $name:literal $request:ty => $answer:ty;)+
    ) => {
        #[async_trait]
        impl PdService for PdStub {
            /// Of any member.
            async fn get_members(&self, _: $members_request) -> Result<$members_answer, Status> {
                self.discovery.find().await.map(|(_, answer)| answer)
            }

            $(
                async fn $call(&self, request: $request) -> Result<$answer, Status> {
                    self.call(concat!("/pdpb.PD/", $name), request).await
                }
            )+

            async fn tso(&self, request: pdpb::TsoRequest) -> Result<pdpb::TsoResponse, Status> {
                if request.count == 0 || request.count > TIMESTAMPS_MAX {
                    let text = format!("{} timestamps do not fit in one request", request.count);
                    return Err(Status::invalid_argument(text));
                }
                self.timestamps.call(request).await
            }

            async fn region_heartbeat(
                &self,
                request: pdpb::RegionHeartbeatRequest,
            ) -> Result<pdpb::RegionHeartbeatResponse, Status> {
                self.heartbeats.call(request).await
            }

            async fn load_keyspace(
                &self,
                request: keyspacepb::LoadKeyspaceRequest,
            ) -> Result<keyspacepb::LoadKeyspaceResponse, Status> {
                self.call("/keyspacepb.Keyspace/LoadKeyspace", request).await
            }
        }
    };
}
pd_methods!(pd_stub);

/// Callers share a block of timestamps.
struct Timestamps;

impl Lane for Timestamps {
    type Request = pdpb::TsoRequest;
    type Answer = pdpb::TsoResponse;
    const PATH: &'static str = "/pdpb.PD/Tso";
    const SHARE_MAX: usize = 64;

    fn join(requests: &[pdpb::TsoRequest]) -> pdpb::TsoRequest {
        let count = requests.iter().fold(0_u32, |sum, request| sum.saturating_add(request.count));
        let header = requests.first().and_then(|request| request.header.clone());
        pdpb::TsoRequest { header, count, dc_location: String::new() }
    }

    fn is_answer(_: &pdpb::TsoResponse, _: &[pdpb::TsoRequest]) -> bool {
        true
    }

    /// The answer names the last timestamp of the block; each caller gets the last of his own.
    fn part(
        answer: pdpb::TsoResponse,
        requests: &[pdpb::TsoRequest],
    ) -> Result<Vec<pdpb::TsoResponse>, Status> {
        let asked: u64 = requests.iter().map(|request| u64::from(request.count)).sum();
        let Some(last) = answer.timestamp.filter(|_| u64::from(answer.count) == asked) else {
            return Err(Status::unavailable("PD answered with other timestamps than were asked for"));
        };
        let mut logical = last.logical - i64::try_from(asked).unwrap_or(i64::MAX);
        if logical < -1 {
            return Err(Status::unavailable("PD answered with timestamps below zero"));
        }
        let parts = requests.iter().map(|request| {
            logical += i64::from(request.count);
            pdpb::TsoResponse {
                header: answer.header.clone(),
                count: request.count,
                timestamp: Some(pdpb::Timestamp { logical, ..last }),
            }
        });
        Ok(parts.collect())
    }
}

/// Heartbeats of regions: one message each. PD may send a step for any region at any time; one for the region whose
/// heartbeat waits for its answer passes for that, and the answer for a step, which comes to the same.
struct Heartbeats;

impl Lane for Heartbeats {
    type Request = pdpb::RegionHeartbeatRequest;
    type Answer = pdpb::RegionHeartbeatResponse;
    const PATH: &'static str = "/pdpb.PD/RegionHeartbeat";
    const SHARE_MAX: usize = 1;

    fn join(requests: &[Self::Request]) -> Self::Request {
        requests.first().cloned().unwrap_or_default()
    }

    fn is_answer(message: &Self::Answer, requests: &[Self::Request]) -> bool {
        let asked = requests.first().and_then(|request| request.region.as_ref());
        asked.is_some_and(|region| region.id == message.region_id)
    }

    fn part(answer: Self::Answer, _: &[Self::Request]) -> Result<Vec<Self::Answer>, Status> {
        Ok(vec![answer])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_block_is_cut_in_the_order_of_the_callers() {
        let request = |count| pdpb::TsoRequest { header: None, count, dc_location: String::new() };
        let requests = [request(1), request(3), request(2)];
        assert_eq!(Timestamps::join(&requests).count, 6);
        let last = pdpb::Timestamp { physical: 7, logical: 10, suffix_bits: 0 };
        let answer = pdpb::TsoResponse { header: None, count: 6, timestamp: Some(last) };
        let parts = Timestamps::part(answer.clone(), &requests).expect("fits");
        let logical: Vec<i64> =
            parts.iter().map(|part| part.timestamp.expect("a timestamp").logical).collect();
        assert_eq!(logical, [5, 8, 10]);
        assert!(Timestamps::part(answer, &requests[..2]).is_err(), "another count");
    }
}
