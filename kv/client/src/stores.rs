//! From a store id to its service.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use rutile_kv_proto::{Status, TikvService};

/// Finds the carrier to a store. The client keeps what it gets for as long as it keeps the region.
pub trait Stores: Send + Sync {
    fn store(&self, store_id: u64) -> Result<Arc<dyn TikvService>, Status>;

    fn plan_form(&self) -> PlanForm;
}

/// How plans, and their answers, travel to stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanForm {
    /// As they are: the stores are in this process.
    Object,
    Bytes,
    /// As they are to the store of this process, as bytes to the others.
    Either,
    /// Not at all: these stores run no plans.
    Nothing,
}

/// Stores of this process.
#[derive(Default)]
pub struct StaticStores {
    by_id: RwLock<BTreeMap<u64, Arc<dyn TikvService>>>,
}

impl StaticStores {
    pub fn new(stores: impl IntoIterator<Item = (u64, Arc<dyn TikvService>)>) -> StaticStores {
        StaticStores { by_id: RwLock::new(stores.into_iter().collect()) }
    }

    pub fn put(&self, store_id: u64, service: Arc<dyn TikvService>) {
        self.by_id.write().insert(store_id, service);
    }
}

impl Stores for StaticStores {
    fn store(&self, store_id: u64) -> Result<Arc<dyn TikvService>, Status> {
        let found = self.by_id.read().get(&store_id).cloned();
        found.ok_or_else(|| Status::unavailable(format!("store {store_id} is not in this process")))
    }

    fn plan_form(&self) -> PlanForm {
        PlanForm::Object
    }
}
