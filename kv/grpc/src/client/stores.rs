//! The stores of a cluster for the transaction client.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rutile_kv_client::{PlanForm, Stores};
use rutile_kv_env::Env;
use rutile_kv_proto::{Status, TikvService};
use rutile_pd_client::PdClient;

use super::tikv::StoreStub;
use crate::config::Limits;

/// A stub per store, made at first use and kept.
pub struct GrpcStores {
    env: Env,
    pd: PdClient,
    limits: Arc<Limits>,
    by_id: Mutex<BTreeMap<u64, Arc<StoreStub>>>,
    plan_form: PlanForm,
}

impl GrpcStores {
    pub fn new(env: Env, pd: PdClient, limits: Limits) -> GrpcStores {
        let (limits, by_id) = (Arc::new(limits), Mutex::default());
        GrpcStores { env, pd, limits, by_id, plan_form: PlanForm::Bytes }
    }

    /// Stores that run no plans of ours, as TiKV's.
    pub fn without_plans(self) -> GrpcStores {
        GrpcStores { plan_form: PlanForm::Nothing, ..self }
    }

    /// The stub of a store. Whether there is such a store turns out at the first call.
    pub fn stub(&self, store_id: u64) -> Arc<StoreStub> {
        let (env, pd, limits) = (&self.env, &self.pd, &self.limits);
        let new = || Arc::new(StoreStub::new(env.clone(), pd.clone(), Arc::clone(limits), store_id));
        Arc::clone(self.by_id.lock().entry(store_id).or_insert_with(new))
    }
}

impl Stores for GrpcStores {
    fn store(&self, store_id: u64) -> Result<Arc<dyn TikvService>, Status> {
        Ok(self.stub(store_id))
    }

    fn plan_form(&self) -> PlanForm {
        self.plan_form
    }
}
