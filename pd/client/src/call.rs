//! One call of PD: waiting for a leader, checking the header.

use std::time::Duration;

use rutile_kv_env::Env;
use rutile_kv_proto::{Code, Status, keyspacepb, pdpb};

use crate::error::{Error, Result};

/// Pauses between attempts double from the first to the largest; together they outlast a PD election of 5 s.
const PAUSE_FIRST: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(500);
const PAUSES_TOTAL_MAX: Duration = Duration::from_secs(8);

/// Answers that carry a header.
pub(crate) trait Answer {
    fn header(&self) -> Option<&pdpb::ResponseHeader>;
}

macro_rules! answers {
    ($($answer:ty),* $(,)?) => { $(
        impl Answer for $answer {
            fn header(&self) -> Option<&pdpb::ResponseHeader> {
                self.header.as_ref()
            }
        }
    )* };
}

answers!(
    pdpb::AllocIdResponse,
    pdpb::AskBatchSplitResponse,
    pdpb::BootstrapResponse,
    pdpb::GetAllStoresResponse,
    pdpb::GetGcSafePointResponse,
    pdpb::GetMembersResponse,
    pdpb::GetRegionResponse,
    pdpb::GetStoreResponse,
    pdpb::IsBootstrappedResponse,
    pdpb::PutStoreResponse,
    pdpb::RegionHeartbeatResponse,
    pdpb::ReportBatchSplitResponse,
    pdpb::ReportMinResolvedTsResponse,
    pdpb::ScanRegionsResponse,
    pdpb::ScatterRegionResponse,
    pdpb::StoreHeartbeatResponse,
    pdpb::TsoResponse,
    pdpb::UpdateGcSafePointResponse,
    pdpb::UpdateServiceGcSafePointResponse,
    keyspacepb::LoadKeyspaceResponse,
);

/// Repeats `attempt` while PD is unavailable, then checks the header.
pub(crate) async fn call<A, F, Fut>(env: &Env, name: &'static str, attempt: F) -> Result<A>
where
    A: Answer,
    F: Fn() -> Fut,
    Fut: Future<Output = std::result::Result<A, Status>>,
{
    let mut pause = PAUSE_FIRST;
    let mut paused = Duration::ZERO;
    loop {
        match attempt().await {
            Ok(answer) => return check(name, answer),
            Err(status) if status.code == Code::Unavailable && paused < PAUSES_TOTAL_MAX => {
                env.clock.sleep(pause).await;
                paused += pause;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            Err(status) => return Err(Error::Call { call: name, status }),
        }
    }
}

fn check<A: Answer>(name: &'static str, answer: A) -> Result<A> {
    let Some(header) = answer.header() else {
        return Err(Error::Incomplete { call: name, missing: "a header" });
    };
    match header.error.as_ref() {
        Some(error) if error.r#type() != pdpb::ErrorType::Ok => {
            Err(Error::Refused { call: name, kind: error.r#type(), message: error.message.clone() })
        }
        _ => Ok(answer),
    }
}
