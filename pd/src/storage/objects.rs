//! Stores and regions as durable values: their public protobuf form, which old and new programs both read. Holds on the
//! GC safe point have no such form: two big-endian numbers, expiry and safe point, then the service id.

use prost::Message;
use rutile_kv_proto::{metapb, pdpb};
use rutile_pd_client::{LeaderRegion, Store, from_wire, to_wire};

use super::{Batch, Storage, keys};
use crate::error::Result;
use crate::gc::Hold;

impl Batch {
    pub(crate) fn put_store(&mut self, store: &Store) {
        self.put(keys::store(store.id), to_wire::store(store).encode_to_vec());
    }

    pub(crate) fn put_region(&mut self, region: &LeaderRegion) {
        self.put(keys::region(region.region.id), to_wire::leader_region(region).encode_to_vec());
    }

    pub(crate) fn put_gc_hold(&mut self, hold: &Hold) {
        let mut value = hold.expires_ms.to_be_bytes().to_vec();
        value.extend_from_slice(&hold.safe_point.into_inner().to_be_bytes());
        value.extend_from_slice(hold.service_id.as_bytes());
        self.put(keys::gc_hold(&hold.service_id), value);
    }

    pub(crate) fn delete_store(&mut self, store_id: u64) {
        self.delete(keys::store(store_id));
    }

    pub(crate) fn delete_region(&mut self, region_id: u64) {
        self.delete(keys::region(region_id));
    }
}

impl Storage {
    pub(crate) fn stores(&self) -> Result<Vec<Store>> {
        let decode =
            |value: Vec<u8>| metapb::Store::decode(value.as_slice()).map(|wire| from_wire::store(&wire));
        let stores: std::result::Result<_, _> =
            self.values_with_prefix(keys::STORE_PREFIX).into_iter().map(decode).collect();
        stores.map_err(|_| self.corrupt_value("a store can not be decoded"))
    }

    pub(crate) fn regions(&self) -> Result<Vec<LeaderRegion>> {
        let decode = |value: Vec<u8>| {
            pdpb::Region::decode(value.as_slice()).ok().and_then(|wire| from_wire::leader_region(&wire))
        };
        let regions: Option<_> =
            self.values_with_prefix(keys::REGION_PREFIX).into_iter().map(decode).collect();
        regions.ok_or_else(|| self.corrupt_value("a region can not be decoded"))
    }

    pub(crate) fn gc_holds(&self) -> Result<Vec<Hold>> {
        let values = self.values_with_prefix(keys::GC_HOLD_PREFIX);
        let holds: Option<_> = values.iter().map(|value| gc_hold(value)).collect();
        holds.ok_or_else(|| self.corrupt_value("a hold on the GC safe point can not be decoded"))
    }
}

fn gc_hold(value: &[u8]) -> Option<Hold> {
    let (expires_ms, rest) = value.split_first_chunk()?;
    let (safe_point, service_id) = rest.split_first_chunk()?;
    Some(Hold {
        service_id: std::str::from_utf8(service_id).ok()?.to_owned(),
        safe_point: u64::from_be_bytes(*safe_point).into(),
        expires_ms: u64::from_be_bytes(*expires_ms),
    })
}
