//! `pdpb.PD` and `keyspacepb.Keyspace`.

use async_trait::async_trait;
use rutile_kv_proto::{PdService, Status, keyspacepb, pdpb};
use rutile_kv_types::TimeStamp;
use rutile_pd_client::{LeaderRegion, Store, from_wire, to_wire};

use super::answer::status;
use super::steps;
use crate::cluster::Told;
use crate::member::members_answer;
use crate::pd::Pd;

fn missing(what: &str) -> Status {
    Status::invalid_argument(format!("the request has no {what}"))
}

#[async_trait]
impl PdService for Pd {
    async fn get_members(&self, _: pdpb::GetMembersRequest) -> Result<pdpb::GetMembersResponse, Status> {
        members_answer(self.storage.group())
    }

    async fn tso(&self, request: pdpb::TsoRequest) -> Result<pdpb::TsoResponse, Status> {
        self.timestamps(&request).await
    }

    async fn is_bootstrapped(
        &self,
        request: pdpb::IsBootstrappedRequest,
    ) -> Result<pdpb::IsBootstrappedResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let bootstrapped = self.cluster.is_bootstrapped();
        Ok(pdpb::IsBootstrappedResponse { header: self.ok_header(), bootstrapped })
    }

    async fn bootstrap(&self, request: pdpb::BootstrapRequest) -> Result<pdpb::BootstrapResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let store = request.store.as_ref().ok_or_else(|| missing("store"))?;
        let region = request.region.as_ref().ok_or_else(|| missing("region"))?;
        let outcome = self.cluster.bootstrap(from_wire::store(store), from_wire::region(region));
        let (header, ()) = self.answer(outcome)?;
        Ok(pdpb::BootstrapResponse { header })
    }

    async fn alloc_id(&self, request: pdpb::AllocIdRequest) -> Result<pdpb::AllocIdResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let (header, id) = self.answer(self.ids.alloc(1).map(|granted| granted.start))?;
        Ok(pdpb::AllocIdResponse { header, id })
    }

    async fn put_store(&self, request: pdpb::PutStoreRequest) -> Result<pdpb::PutStoreResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let store = request.store.as_ref().ok_or_else(|| missing("store"))?;
        let (header, ()) = self.answer(self.register(from_wire::store(store)))?;
        Ok(pdpb::PutStoreResponse { header })
    }

    async fn get_store(&self, request: pdpb::GetStoreRequest) -> Result<pdpb::GetStoreResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let found = self.cluster.store(request.store_id).map(Some);
        let (header, found) = self.answer(found)?;
        let (store, stats) = found.map_or((None, None), |(store, stats)| (Some(store), stats));
        Ok(pdpb::GetStoreResponse {
            header,
            store: store.as_ref().map(to_wire::store),
            stats: stats.as_ref().map(to_wire::store_stats),
        })
    }

    async fn get_all_stores(
        &self,
        request: pdpb::GetAllStoresRequest,
    ) -> Result<pdpb::GetAllStoresResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let (header, stores) = self.answer(self.cluster.stores(!request.exclude_tombstone_stores))?;
        Ok(pdpb::GetAllStoresResponse { header, stores: stores.iter().map(to_wire::store).collect() })
    }

    async fn store_heartbeat(
        &self,
        request: pdpb::StoreHeartbeatRequest,
    ) -> Result<pdpb::StoreHeartbeatResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let stats = request.stats.as_ref().ok_or_else(|| missing("stats"))?;
        let (header, ()) = self.answer(self.cluster.store_heartbeat(from_wire::store_stats(stats)))?;
        Ok(pdpb::StoreHeartbeatResponse { header, cluster_version: env!("CARGO_PKG_VERSION").to_owned() })
    }

    async fn get_region(&self, request: pdpb::GetRegionRequest) -> Result<pdpb::GetRegionResponse, Status> {
        self.check_header(request.header.as_ref())?;
        self.region_answer(self.cluster.region(&request.region_key).map(Some))
    }

    async fn get_region_by_id(
        &self,
        request: pdpb::GetRegionByIdRequest,
    ) -> Result<pdpb::GetRegionResponse, Status> {
        self.check_header(request.header.as_ref())?;
        self.region_answer(self.cluster.region_by_id(request.region_id).map(Some))
    }

    async fn scan_regions(
        &self,
        request: pdpb::ScanRegionsRequest,
    ) -> Result<pdpb::ScanRegionsResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let limit = usize::try_from(request.limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let found = self.cluster.scan_regions(&request.start_key, &request.end_key, limit);
        let (header, found) = self.answer(found)?;
        let regions = found.iter().map(|told| to_wire::leader_region(&known(told))).collect();
        Ok(pdpb::ScanRegionsResponse { header, regions })
    }

    async fn ask_batch_split(
        &self,
        request: pdpb::AskBatchSplitRequest,
    ) -> Result<pdpb::AskBatchSplitResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let region = request.region.as_ref().ok_or_else(|| missing("region"))?;
        let region = from_wire::region(region);
        let outcome = self.cluster.ask_batch_split(&self.ids, &region, request.split_count);
        let (header, ids) = self.answer(outcome)?;
        let ids = ids
            .into_iter()
            .map(|ids| pdpb::SplitId { new_region_id: ids.region_id, new_peer_ids: ids.peer_ids })
            .collect();
        Ok(pdpb::AskBatchSplitResponse { header, ids })
    }

    async fn report_batch_split(
        &self,
        request: pdpb::ReportBatchSplitRequest,
    ) -> Result<pdpb::ReportBatchSplitResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let regions = request.regions.iter().map(from_wire::region).collect();
        let (header, ()) = self.answer(self.cluster.report_batch_split(regions))?;
        Ok(pdpb::ReportBatchSplitResponse { header })
    }

    async fn report_min_resolved_ts(
        &self,
        request: pdpb::ReportMinResolvedTsRequest,
    ) -> Result<pdpb::ReportMinResolvedTsResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let resolved_ts = TimeStamp::new(request.min_resolved_ts);
        let (header, ()) = self.answer(self.cluster.report_min_resolved_ts(request.store_id, resolved_ts))?;
        Ok(pdpb::ReportMinResolvedTsResponse { header })
    }

    async fn scatter_region(
        &self,
        request: pdpb::ScatterRegionRequest,
    ) -> Result<pdpb::ScatterRegionResponse, Status> {
        self.check_header(request.header.as_ref())?;
        if request.skip_store_limit {
            return Err(Status::invalid_argument("scattering without the limits of stores is not supported"));
        }
        let mut region_ids = request.regions_id;
        if region_ids.is_empty() {
            region_ids.push(request.region_id);
        }
        let (header, outcome) = self.answer(self.scatter(&request.group, &region_ids))?;
        Ok(pdpb::ScatterRegionResponse { header, finished_percentage: outcome.percentage() })
    }

    async fn region_heartbeat(
        &self,
        request: pdpb::RegionHeartbeatRequest,
    ) -> Result<pdpb::RegionHeartbeatResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let beat = from_wire::region_heartbeat(&request).ok_or_else(|| missing("region"))?;
        let taken = self.cluster.region_heartbeat(beat.clone());
        if taken.is_ok() {
            self.flows.told(&beat, self.clock.now(), self.clock.unix_millis());
        }
        let outcome = taken.and_then(|()| self.next_step(&beat));
        let (header, step) = self.answer(outcome)?;
        let mut answer = pdpb::RegionHeartbeatResponse { header, ..steps::about(&beat) };
        if let Some(step) = step {
            steps::put(&mut answer, &step);
        }
        Ok(answer)
    }

    async fn get_gc_safe_point(
        &self,
        request: pdpb::GetGcSafePointRequest,
    ) -> Result<pdpb::GetGcSafePointResponse, Status> {
        self.check_header(request.header.as_ref())?;
        Ok(pdpb::GetGcSafePointResponse { header: self.ok_header(), safe_point: self.gc.get().into_inner() })
    }

    async fn update_gc_safe_point(
        &self,
        request: pdpb::UpdateGcSafePointRequest,
    ) -> Result<pdpb::UpdateGcSafePointResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let (header, in_force) = self.answer(self.gc.advance(request.safe_point.into()))?;
        Ok(pdpb::UpdateGcSafePointResponse { header, new_safe_point: in_force.into_inner() })
    }

    async fn update_service_gc_safe_point(
        &self,
        request: pdpb::UpdateServiceGcSafePointRequest,
    ) -> Result<pdpb::UpdateServiceGcSafePointResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let service_id = std::str::from_utf8(&request.service_id)
            .map_err(|_| Status::invalid_argument("the service id is not UTF-8"))?;
        let held = self.gc.hold(service_id, request.ttl, request.safe_point.into());
        let (header, held) = self.answer(held.map(Some))?;
        let mut answer = pdpb::UpdateServiceGcSafePointResponse {
            header,
            ..pdpb::UpdateServiceGcSafePointResponse::default()
        };
        if let Some((hold, ttl_s)) = held {
            answer.service_id = hold.service_id.into_bytes().into();
            answer.ttl = ttl_s;
            answer.min_safe_point = hold.safe_point.into_inner();
        }
        Ok(answer)
    }

    async fn load_keyspace(
        &self,
        request: keyspacepb::LoadKeyspaceRequest,
    ) -> Result<keyspacepb::LoadKeyspaceResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let (header, found) = self.answer(crate::keyspace::load(&request.name).map(Some))?;
        let keyspace = found.map(|found| keyspacepb::KeyspaceMeta {
            id: found.id,
            name: found.name,
            state: keyspacepb::KeyspaceState::Enabled as i32,
            ..keyspacepb::KeyspaceMeta::default()
        });
        Ok(keyspacepb::LoadKeyspaceResponse { header, keyspace })
    }
}

impl Pd {
    fn register(&self, store: Store) -> crate::Result<()> {
        let settings = self.settings.get();
        let required = if settings.strictly_match_label { settings.location_labels } else { Vec::new() };
        self.cluster.put_store(store, &required)
    }

    /// `Tso`, without the box of a service.
    pub(crate) async fn timestamps(&self, request: &pdpb::TsoRequest) -> Result<pdpb::TsoResponse, Status> {
        self.check_header(request.header.as_ref())?;
        let last = self.tso.grant(request.count).await.map_err(|error| status(&error))?;
        let timestamp = pdpb::Timestamp {
            physical: last.physical() as i64,
            logical: last.logical() as i64,
            suffix_bits: 0,
        };
        Ok(pdpb::TsoResponse { header: self.ok_header(), count: request.count, timestamp: Some(timestamp) })
    }

    fn region_answer(&self, found: crate::Result<Option<Told>>) -> Result<pdpb::GetRegionResponse, Status> {
        let (header, found) = self.answer(found)?;
        let Some(told) = found else {
            return Ok(pdpb::GetRegionResponse { header, ..pdpb::GetRegionResponse::default() });
        };
        Ok(pdpb::GetRegionResponse {
            header,
            region: Some(to_wire::region(&told.region)),
            leader: told.leader.as_ref().map(to_wire::peer),
            down_peers: to_wire::region_heartbeat(&told).down_peers,
            pending_peers: told.pending_peers.iter().map(to_wire::peer).collect(),
        })
    }
}

fn known(told: &Told) -> LeaderRegion {
    LeaderRegion { region: told.region.clone(), leader: told.leader.clone() }
}
