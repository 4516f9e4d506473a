//! Who waits for whom, to the store that looks for circles.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::uri::PathAndQuery;
use futures::StreamExt as _;
use futures::stream::{BoxStream, unfold};
use parking_lot::Mutex;
use rutile_kv_env::Env;
use rutile_kv_proto::Status;
use rutile_kv_proto::deadlock::{DeadlockRequest, DeadlockResponse};
use rutile_pd_client::PdClient;
use tokio::sync::mpsc;
use tonic_prost::ProstCodec;

use super::channel::ready;
use super::store_channel::StoreChannel;
use crate::config::Limits;
use crate::status::from_grpc;

/// Messages that wait to be sent; as many as a store has waiting requests, and some more.
const MESSAGES_MAX: usize = 1 << 15;

/// Opens streams to any store of the cluster.
pub struct DetectorStreams {
    env: Env,
    pd: PdClient,
    limits: Arc<Limits>,
    by_id: Mutex<BTreeMap<u64, Arc<StoreChannel>>>,
}

/// The two directions of a stream. Dropping the sender ends it.
pub type DetectorEnds = (mpsc::Sender<DeadlockRequest>, BoxStream<'static, Result<DeadlockResponse, Status>>);

impl DetectorStreams {
    pub fn new(env: Env, pd: PdClient, limits: Limits) -> DetectorStreams {
        DetectorStreams { env, pd, limits: Arc::new(limits), by_id: Mutex::default() }
    }

    fn way(&self, store_id: u64) -> Arc<StoreChannel> {
        let new = || Arc::new(StoreChannel::new(self.pd.clone(), self.limits.clone(), store_id));
        Arc::clone(self.by_id.lock().entry(store_id).or_insert_with(new))
    }

    /// Opens a stream; a store that does not answer in time is unavailable.
    pub async fn open(&self, store_id: u64) -> Result<DetectorEnds, Status> {
        let way = self.way(store_id);
        let opened = async {
            let mut client = ready(way.get().await?, &self.limits).await?;
            let (messages, waiting) = mpsc::channel(MESSAGES_MAX);
            let outgoing = unfold(waiting, |mut waiting: mpsc::Receiver<DeadlockRequest>| async move {
                waiting.recv().await.map(|message| (message, waiting))
            });
            let path = PathAndQuery::from_static("/deadlock.Deadlock/Detect");
            let codec = ProstCodec::<DeadlockRequest, DeadlockResponse>::default();
            let answers = client.streaming(tonic::Request::new(outgoing), path, codec).await;
            let answers = answers.map_err(|status| from_grpc(&status))?.into_inner();
            let answers = answers.map(|answer| answer.map_err(|status| from_grpc(&status)));
            Ok((messages, answers.boxed()))
        };
        let opened = tokio::select! {
            biased;
            opened = opened => opened,
            () = self.env.clock.sleep(self.limits.connect_time_max) => {
                Err(Status::unavailable("the detector does not answer"))
            }
        };
        if opened.is_err() {
            way.suspect();
        }
        opened
    }
}
