//! First start: an identity for the store, and the first region of the cluster.
//!
//! The region is prepared on disk before PD is told, so that a crash in between can neither lose it nor found the
//! cluster twice: at the next start the prepared region is either confirmed by PD or thrown away.
use bytes::Bytes;
use rutile_kv_engine::{Engine, WriteBatch};
use rutile_kv_env::failpoint;
use rutile_kv_types::{Cf, Peer, PeerRole, Region, RegionEpoch};
use rutile_pd_client::{PdClient, Store};

use super::state::{ApplyState, StoreIdent, region_from_bytes, region_to_bytes};
use crate::error::{Error, Result};
use crate::keys;

/// Makes the store known, on disk and to PD. Answers its id.
pub async fn bootstrap(engine: &dyn Engine, pd: &PdClient, address: &str) -> Result<u64> {
    let ident = match engine.get(Cf::Raft, keys::STORE_IDENT)? {
        Some(bytes) => StoreIdent::parse(&bytes)?,
        None => new_ident(engine, pd).await?,
    };
    if ident.cluster_id != pd.cluster_id() {
        return Err(Error::Invalid(format!(
            "this data belongs to cluster {}, PD serves cluster {}",
            ident.cluster_id,
            pd.cluster_id()
        )));
    }
    let store =
        Store { id: ident.store_id, address: address.to_owned(), version: version(), ..Store::default() };
    let prepared = engine.get(Cf::Raft, keys::PREPARE_BOOTSTRAP)?;
    if prepared.is_some() || !pd.is_bootstrapped().await.map_err(pd_error)? {
        let region = match prepared {
            Some(bytes) => region_from_bytes(&bytes)?,
            None => prepare_region(engine, pd, ident.store_id).await?,
        };
        failpoint!("raftstore::bootstrap::after_prepare");
        found_cluster(engine, pd, &store, &region).await?;
    }
    pd.put_store(&store).await.map_err(pd_error)?;
    Ok(ident.store_id)
}

fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

fn pd_error(error: rutile_pd_client::Error) -> Error {
    Error::Pd(error.to_string())
}

async fn new_ident(engine: &dyn Engine, pd: &PdClient) -> Result<StoreIdent> {
    let store_id = pd.alloc_id().await.map_err(pd_error)?;
    let ident = StoreIdent { cluster_id: pd.cluster_id(), store_id };
    let mut batch = WriteBatch::new();
    batch.put(Cf::Raft, keys::STORE_IDENT, ident.to_bytes());
    engine.write(batch, true)?;
    Ok(ident)
}

async fn prepare_region(engine: &dyn Engine, pd: &PdClient, store_id: u64) -> Result<Region> {
    let id = pd.alloc_id().await.map_err(pd_error)?;
    let peer_id = pd.alloc_id().await.map_err(pd_error)?;
    let region = Region {
        id,
        start_key: Bytes::new(),
        end_key: Bytes::new(),
        epoch: RegionEpoch { conf_ver: 1, version: 1 },
        peers: vec![Peer { id: peer_id, store_id, role: PeerRole::Voter }],
    };
    let mut batch = WriteBatch::new();
    batch.put(Cf::Raft, keys::PREPARE_BOOTSTRAP, region_to_bytes(&region));
    batch.put(Cf::Raft, keys::region_state(id), region_to_bytes(&region));
    batch.put(Cf::Raft, keys::apply_state(id), ApplyState::INITIAL.to_bytes());
    engine.write(batch, true)?;
    Ok(region)
}

async fn found_cluster(engine: &dyn Engine, pd: &PdClient, store: &Store, region: &Region) -> Result<()> {
    let mut batch = WriteBatch::new();
    batch.delete(Cf::Raft, keys::PREPARE_BOOTSTRAP);
    if let Err(error) = pd.bootstrap(store, region).await {
        // Another store may have been first, or our own earlier attempt was and its answer was lost.
        let first = pd.region(b"").await.map_err(|_| pd_error(error))?;
        if first.region.id != region.id {
            batch.delete(Cf::Raft, keys::region_state(region.id));
            batch.delete(Cf::Raft, keys::apply_state(region.id));
        }
    }
    Ok(engine.write(batch, true)?)
}
