//! A store on the network as `TikvService` and `RawService`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rutile_kv_env::Env;
use rutile_kv_proto::{
    Code, CoprocessorRequest, CoprocessorResponse, Payload, RawService, Status, TikvService, coprocessor,
    kvrpcpb,
};
use rutile_pd_client::PdClient;

use super::channel::unary;
use super::store_channel::StoreChannel;
use crate::config::Limits;
use crate::methods::{raw_methods, tikv_methods};
use crate::status::is_of_the_way;

/// One store.
pub struct StoreStub {
    env: Env,
    limits: Arc<Limits>,
    way: StoreChannel,
}

impl StoreStub {
    /// Nothing is connected before the first call.
    pub fn new(env: Env, pd: PdClient, limits: Arc<Limits>, store_id: u64) -> StoreStub {
        StoreStub { env, way: StoreChannel::new(pd, limits.clone(), store_id), limits }
    }

    async fn call<Q, A>(&self, path: &'static str, message: Q) -> Result<A, Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let channel = self.way.get().await?;
        let answer = unary(&self.env, &self.limits, channel, path, message, self.limits.store_time_max).await;
        if answer.as_ref().is_err_and(|status: &Status| is_of_the_way(status.code)) {
            self.way.suspect();
        }
        answer
    }
}

macro_rules! tikv_stub {
    ($($call:ident $name:literal $request:ty => $answer:ty;)+) => {
        #[async_trait]
        impl TikvService for StoreStub {
            $(
                async fn $call(&self, request: $request) -> Result<$answer, Status> {
                    self.call(concat!("/tikvpb.Tikv/", $name), request).await
                }
            )+

            async fn coprocessor(&self, request: CoprocessorRequest) -> Result<CoprocessorResponse, Status> {
                let end = request.ranges.last().map(|range| range.end.clone()).unwrap_or_default();
                let message = coprocessor_to_wire(request)?;
                let answer: coprocessor::Response = self.call("/tikvpb.Tikv/Coprocessor", message).await?;
                Ok(coprocessor_from_wire(answer, end))
            }
        }
    };
}
tikv_methods!(tikv_stub);

macro_rules! raw_stub {
    ($($call:ident $name:literal $request:ty => $answer:ty;)+) => {
        #[async_trait]
        impl RawService for StoreStub {
            $(
                async fn $call(&self, request: $request) -> Result<$answer, Status> {
                    self.call(concat!("/tikvpb.Tikv/", $name), request).await
                }
            )+
        }
    };
}
raw_methods!(raw_stub);

fn coprocessor_to_wire(request: CoprocessorRequest) -> Result<coprocessor::Request, Status> {
    let Some(data) = request.plan.into_bytes() else {
        return Err(Status::new(Code::Unimplemented, "this plan does not leave its process"));
    };
    Ok(coprocessor::Request {
        context: request.context,
        tp: i64::from(request.tp),
        data,
        ranges: request.ranges,
        start_ts: request.start_ts,
        paging_size: request.paging_rows,
    })
}

/// A page that was not the last goes on where it ended.
fn coprocessor_from_wire(answer: coprocessor::Response, end: Bytes) -> CoprocessorResponse {
    let next = answer.range.map(|read| coprocessor::KeyRange { start: read.end, end });
    CoprocessorResponse {
        region_error: answer.region_error.map(|error| *error),
        locked: answer.locked,
        other_error: answer.other_error,
        error_payload: None,
        data: Some(Payload::Encoded(answer.data)),
        next,
    }
}
