//! First start: an identity for the store, and the first region of the cluster.
//!
//! The region is prepared on disk before PD is told, so that a crash in between can neither lose it nor found the
//! cluster twice: at the next start the prepared region is either confirmed by PD or thrown away.
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_engine::{Engine, WriteBatch};
use rutile_kv_env::failpoint;
use rutile_kv_types::{Cf, Peer, PeerRole, Region, RegionEpoch};
use rutile_pd_client::{PdClient, Store};

use super::state::{
    ApplyState, PeerState, StoreIdent, local_state_to_bytes, region_from_bytes, region_to_bytes,
};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::keys;

/// Makes the store known, on disk and to PD. Answers its id.
pub async fn bootstrap(engine: &dyn Engine, pd: &PdClient, config: &Config) -> Result<u64> {
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
    let (address, labels) = (config.address.clone(), config.labels.clone());
    let store = Store { id: ident.store_id, address, labels, version: version(), ..Store::default() };
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

/// A store that has nothing yet.
pub struct NewStore {
    pub address: String,
    pub engine: Arc<dyn Engine>,
}

/// Founds a cluster whose first region has a voter on each of several empty stores; answers their ids. The caller
/// opens the stores afterwards. Not for stores that lose power meanwhile: unlike the founding by one store, this is
/// not taken up again after a crash.
pub async fn found_with_voters(pd: &PdClient, stores: &[NewStore]) -> Result<Vec<u64>> {
    let mut region = Region {
        id: pd.alloc_id().await.map_err(pd_error)?,
        epoch: RegionEpoch { conf_ver: 1, version: 1 },
        ..Region::default()
    };
    for new in stores {
        let ident = new_ident(&*new.engine, pd).await?;
        let id = pd.alloc_id().await.map_err(pd_error)?;
        region.peers.push(Peer { id, store_id: ident.store_id, role: PeerRole::Voter });
    }
    for new in stores {
        let mut batch = WriteBatch::new();
        put_region(&mut batch, &region);
        new.engine.write(batch, true)?;
    }
    let ids: Vec<u64> = region.peers.iter().map(|peer| peer.store_id).collect();
    let (Some(first), Some(id)) = (stores.first(), ids.first()) else {
        return Err(Error::Invalid("a cluster needs a store".to_owned()));
    };
    let store = Store { id: *id, address: first.address.clone(), version: version(), ..Store::default() };
    pd.bootstrap(&store, &region).await.map_err(pd_error)?;
    Ok(ids)
}

fn put_region(batch: &mut WriteBatch, region: &Region) {
    batch.put(Cf::Raft, keys::region_state(region.id), local_state_to_bytes(PeerState::Normal, region));
    batch.put(Cf::Raft, keys::apply_state(region.id), ApplyState::INITIAL.to_bytes());
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
    put_region(&mut batch, &region);
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
