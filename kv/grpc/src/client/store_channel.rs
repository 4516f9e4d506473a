//! The way to one store: its address from PD, one channel, looked at again after it broke.

use std::sync::Arc;

use parking_lot::Mutex;
use rutile_kv_proto::Status;
use rutile_pd_client::{PdClient, StoreState};
use tonic::transport::Channel;

use super::channel::channel;
use crate::config::Limits;

pub(crate) struct StoreChannel {
    pd: PdClient,
    limits: Arc<Limits>,
    store_id: u64,
    connection: Mutex<Option<Connection>>,
}

#[derive(Clone)]
struct Connection {
    address: String,
    channel: Channel,
    tls_generation: u64,
    /// A call failed on the way: the store may have moved, so PD is asked before the next one.
    is_suspect: bool,
}

impl StoreChannel {
    /// Nothing is connected before the first call.
    pub(crate) fn new(pd: PdClient, limits: Arc<Limits>, store_id: u64) -> StoreChannel {
        StoreChannel { pd, limits, store_id, connection: Mutex::new(None) }
    }

    pub(crate) async fn get(&self) -> Result<Channel, Status> {
        let tls_generation = self.limits.tls_generation();
        let known = self.connection.lock().clone().filter(|known| known.tls_generation == tls_generation);
        if let Some(known) = known.as_ref().filter(|known| !known.is_suspect) {
            return Ok(known.channel.clone());
        }
        let id = self.store_id;
        let told = self.pd.store(id).await;
        let store = told.map_err(|error| Status::unavailable(format!("address of store {id}: {error}")))?;
        if store.state == StoreState::Tombstone {
            return Err(Status::unavailable(format!("store {id} is a tombstone")));
        }
        let channel = match known {
            // The transport connects again by itself.
            Some(known) if known.address == store.address => known.channel,
            _ => channel(&store.address, &self.limits)?,
        };
        let connection = Connection {
            address: store.address,
            channel: channel.clone(),
            tls_generation,
            is_suspect: false,
        };
        *self.connection.lock() = Some(connection);
        Ok(channel)
    }

    pub(crate) fn suspect(&self) {
        if let Some(connection) = self.connection.lock().as_mut() {
            connection.is_suspect = true;
        }
    }
}
