//! The typed client of PD.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_env::Env;
use rutile_kv_proto::{PdService, keyspacepb, pdpb};
use rutile_kv_types::{Region, TimeStamp};

use crate::call::call;
use crate::cluster::{
    Keyspace, LeaderRegion, RegionHeartbeat, ServiceSafePoint, SplitIds, Store, StoreStats,
};
use crate::error::{Error, Result};
use crate::operator::Operator;
use crate::{from_wire, to_wire};

/// Calls PD over any carrier. Cheap to clone.
#[derive(Clone)]
pub struct PdClient {
    inner: Arc<Inner>,
}

struct Inner {
    env: Env,
    service: Arc<dyn PdService>,
    cluster_id: u64,
}

impl PdClient {
    /// Learns the cluster id, without which PD refuses every other call.
    pub async fn connect(env: Env, service: Arc<dyn PdService>) -> Result<PdClient> {
        let answer =
            call(&env, "GetMembers", || service.get_members(pdpb::GetMembersRequest { header: None }))
                .await?;
        let cluster_id = answer.header.map_or(0, |header| header.cluster_id);
        if cluster_id == 0 {
            return Err(Error::Incomplete { call: "GetMembers", missing: "a cluster id" });
        }
        Ok(PdClient { inner: Arc::new(Inner { env, service, cluster_id }) })
    }

    pub fn cluster_id(&self) -> u64 {
        self.inner.cluster_id
    }

    fn header(&self) -> Option<pdpb::RequestHeader> {
        Some(pdpb::RequestHeader { cluster_id: self.inner.cluster_id, sender_id: 0 })
    }

    /// A timestamp larger than every one handed out before, by any client.
    pub async fn timestamp(&self) -> Result<TimeStamp> {
        self.last_of_timestamps(1).await
    }

    /// The last of `count` consecutive timestamps; they share its physical part.
    pub async fn last_of_timestamps(&self, count: u32) -> Result<TimeStamp> {
        const CALL: &str = "Tso";
        let answer = call(&self.inner.env, CALL, || async {
            let request = pdpb::TsoRequest { header: self.header(), count, dc_location: String::new() };
            self.inner.service.tso(request).await
        })
        .await?;
        let timestamp = answer.timestamp.ok_or(Error::Incomplete { call: CALL, missing: "a timestamp" })?;
        if answer.count != count {
            return Err(Error::Incomplete { call: CALL, missing: "the count that was asked for" });
        }
        Ok(TimeStamp::compose(timestamp.physical.max(0) as u64, timestamp.logical.max(0) as u64))
    }

    pub async fn alloc_id(&self) -> Result<u64> {
        let inner = &self.inner;
        let attempt = || inner.service.alloc_id(pdpb::AllocIdRequest { header: self.header() });
        Ok(call(&inner.env, "AllocID", attempt).await?.id)
    }

    pub async fn is_bootstrapped(&self) -> Result<bool> {
        let inner = &self.inner;
        let attempt = || inner.service.is_bootstrapped(pdpb::IsBootstrappedRequest { header: self.header() });
        Ok(call(&inner.env, "IsBootstrapped", attempt).await?.bootstrapped)
    }

    /// Founds the cluster. Refused with `AlreadyBootstrapped` when another store was first.
    pub async fn bootstrap(&self, store: &Store, region: &Region) -> Result<()> {
        let inner = &self.inner;
        let attempt = || {
            inner.service.bootstrap(pdpb::BootstrapRequest {
                header: self.header(),
                store: Some(to_wire::store(store)),
                region: Some(to_wire::region(region)),
            })
        };
        call(&inner.env, "Bootstrap", attempt).await.map(drop)
    }

    pub async fn put_store(&self, store: &Store) -> Result<()> {
        let inner = &self.inner;
        let attempt = || {
            let request = pdpb::PutStoreRequest { header: self.header(), store: Some(to_wire::store(store)) };
            inner.service.put_store(request)
        };
        call(&inner.env, "PutStore", attempt).await.map(drop)
    }

    pub async fn store(&self, store_id: u64) -> Result<Store> {
        const CALL: &str = "GetStore";
        let inner = &self.inner;
        let attempt = || inner.service.get_store(pdpb::GetStoreRequest { header: self.header(), store_id });
        let answer = call(&inner.env, CALL, attempt).await?;
        let store = answer.store.ok_or(Error::Incomplete { call: CALL, missing: "a store" })?;
        Ok(from_wire::store(&store))
    }

    /// All stores that are not tombstones.
    pub async fn stores(&self) -> Result<Vec<Store>> {
        let inner = &self.inner;
        let attempt = || {
            let request = pdpb::GetAllStoresRequest { header: self.header(), exclude_tombstone_stores: true };
            inner.service.get_all_stores(request)
        };
        let answer = call(&inner.env, "GetAllStores", attempt).await?;
        Ok(answer.stores.iter().map(from_wire::store).collect())
    }

    pub async fn store_heartbeat(&self, stats: &StoreStats) -> Result<()> {
        let inner = &self.inner;
        let attempt = || {
            let request = pdpb::StoreHeartbeatRequest {
                header: self.header(),
                stats: Some(to_wire::store_stats(stats)),
            };
            inner.service.store_heartbeat(request)
        };
        call(&inner.env, "StoreHeartbeat", attempt).await.map(drop)
    }

    /// The region that holds an encoded key.
    pub async fn region(&self, encoded_key: &[u8]) -> Result<LeaderRegion> {
        const CALL: &str = "GetRegion";
        let inner = &self.inner;
        let region_key = Bytes::copy_from_slice(encoded_key);
        let attempt = || {
            let request = pdpb::GetRegionRequest { header: self.header(), region_key: region_key.clone() };
            inner.service.get_region(request)
        };
        leader_region(CALL, call(&inner.env, CALL, attempt).await?)
    }

    pub async fn region_by_id(&self, region_id: u64) -> Result<LeaderRegion> {
        const CALL: &str = "GetRegionByID";
        let inner = &self.inner;
        let attempt = || {
            let request = pdpb::GetRegionByIdRequest { header: self.header(), region_id };
            inner.service.get_region_by_id(request)
        };
        leader_region(CALL, call(&inner.env, CALL, attempt).await?)
    }

    /// Regions in key order that touch `[start, end)` of encoded keys; an empty end has no bound, limit 0 no limit.
    pub async fn scan_regions(&self, start: &[u8], end: &[u8], limit: u32) -> Result<Vec<LeaderRegion>> {
        let inner = &self.inner;
        let (start_key, end_key) = (Bytes::copy_from_slice(start), Bytes::copy_from_slice(end));
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let attempt = || {
            inner.service.scan_regions(pdpb::ScanRegionsRequest {
                header: self.header(),
                start_key: start_key.clone(),
                end_key: end_key.clone(),
                limit,
            })
        };
        let answer = call(&inner.env, "ScanRegions", attempt).await?;
        Ok(answer.regions.iter().filter_map(from_wire::leader_region).collect())
    }

    /// Ids for `count` regions that `region` is about to be split off into.
    pub async fn ask_batch_split(&self, region: &Region, count: u32) -> Result<Vec<SplitIds>> {
        const CALL: &str = "AskBatchSplit";
        let inner = &self.inner;
        let attempt = || {
            let region = Some(to_wire::region(region));
            inner.service.ask_batch_split(pdpb::AskBatchSplitRequest {
                header: self.header(),
                region,
                split_count: count,
            })
        };
        let answer = call(&inner.env, CALL, attempt).await?;
        if answer.ids.len() != count as usize {
            return Err(Error::Incomplete { call: CALL, missing: "the ids that were asked for" });
        }
        Ok(answer
            .ids
            .into_iter()
            .map(|ids| SplitIds { region_id: ids.new_region_id, peer_ids: ids.new_peer_ids })
            .collect())
    }

    /// Tells PD about a split at once; heartbeats would tell it later.
    pub async fn report_batch_split(&self, regions: &[Region]) -> Result<()> {
        let inner = &self.inner;
        let attempt = || {
            inner.service.report_batch_split(pdpb::ReportBatchSplitRequest {
                header: self.header(),
                regions: regions.iter().map(to_wire::region).collect(),
            })
        };
        call(&inner.env, "ReportBatchSplit", attempt).await.map(drop)
    }

    /// Tells PD below which timestamp nothing commits at a store any more.
    pub async fn report_min_resolved_ts(&self, store_id: u64, min_resolved_ts: TimeStamp) -> Result<()> {
        let inner = &self.inner;
        let attempt = || {
            inner.service.report_min_resolved_ts(pdpb::ReportMinResolvedTsRequest {
                header: self.header(),
                store_id,
                min_resolved_ts: min_resolved_ts.into_inner(),
            })
        };
        call(&inner.env, "ReportMinResolvedTS", attempt).await.map(drop)
    }

    /// Reports a region; answers what PD wants done with it.
    pub async fn region_heartbeat(&self, beat: &RegionHeartbeat) -> Result<Option<Operator>> {
        let inner = &self.inner;
        let attempt = || {
            let mut request = to_wire::region_heartbeat(beat);
            request.header = self.header();
            inner.service.region_heartbeat(request)
        };
        Ok(Operator::from_wire(&call(&inner.env, "RegionHeartbeat", attempt).await?))
    }

    /// Asks for regions to be spread over the stores, those of a group evenly; answers how many of a hundred will be.
    pub async fn scatter_regions(&self, region_ids: &[u64], group: &str) -> Result<u64> {
        let inner = &self.inner;
        let attempt = || {
            inner.service.scatter_region(pdpb::ScatterRegionRequest {
                header: self.header(),
                group: group.to_owned(),
                regions_id: region_ids.to_vec(),
                ..pdpb::ScatterRegionRequest::default()
            })
        };
        Ok(call(&inner.env, "ScatterRegion", attempt).await?.finished_percentage)
    }

    pub async fn gc_safe_point(&self) -> Result<TimeStamp> {
        let inner = &self.inner;
        let attempt =
            || inner.service.get_gc_safe_point(pdpb::GetGcSafePointRequest { header: self.header() });
        Ok(call(&inner.env, "GetGCSafePoint", attempt).await?.safe_point.into())
    }

    /// Moves the safe point forward and answers the one in force, which may be a newer one.
    pub async fn update_gc_safe_point(&self, safe_point: TimeStamp) -> Result<TimeStamp> {
        let inner = &self.inner;
        let attempt = || {
            inner.service.update_gc_safe_point(pdpb::UpdateGcSafePointRequest {
                header: self.header(),
                safe_point: safe_point.into_inner(),
            })
        };
        Ok(call(&inner.env, "UpdateGCSafePoint", attempt).await?.new_safe_point.into())
    }

    /// Keeps the safe point from passing `hold.safe_point` for `ttl`, durably; a zero TTL gives the hold up. Answers the
    /// hold that binds most, which is another one when the safe point asked for is behind it: nothing was held then.
    pub async fn update_service_gc_safe_point(
        &self,
        service_id: &str,
        safe_point: TimeStamp,
        ttl: Duration,
    ) -> Result<ServiceSafePoint> {
        let inner = &self.inner;
        let attempt = || {
            inner.service.update_service_gc_safe_point(pdpb::UpdateServiceGcSafePointRequest {
                header: self.header(),
                service_id: Bytes::copy_from_slice(service_id.as_bytes()),
                ttl: i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX),
                safe_point: safe_point.into_inner(),
            })
        };
        let answer = call(&inner.env, "UpdateServiceGCSafePoint", attempt).await?;
        Ok(ServiceSafePoint {
            service_id: String::from_utf8_lossy(&answer.service_id).into_owned(),
            safe_point: answer.min_safe_point.into(),
        })
    }

    pub async fn load_keyspace(&self, name: &str) -> Result<Keyspace> {
        const CALL: &str = "LoadKeyspace";
        let inner = &self.inner;
        let attempt = || {
            let request = keyspacepb::LoadKeyspaceRequest { header: self.header(), name: name.to_owned() };
            inner.service.load_keyspace(request)
        };
        let answer = call(&inner.env, CALL, attempt).await?;
        let keyspace = answer.keyspace.ok_or(Error::Incomplete { call: CALL, missing: "a keyspace" })?;
        Ok(Keyspace { id: keyspace.id, name: keyspace.name })
    }
}

fn leader_region(call: &'static str, answer: pdpb::GetRegionResponse) -> Result<LeaderRegion> {
    let region = answer.region.ok_or(Error::Incomplete { call, missing: "a region" })?;
    Ok(LeaderRegion { region: from_wire::region(&region), leader: from_wire::leader(answer.leader.as_ref()) })
}
