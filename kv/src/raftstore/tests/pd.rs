//! A placement driver for tests: ids, timestamps and region records in memory; it outlives the stores it serves.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use rutile_kv_proto::keyspacepb::{LoadKeyspaceRequest, LoadKeyspaceResponse};
use rutile_kv_proto::pdpb::*;
use rutile_kv_proto::{Code, PdService, Status, metapb};

const CLUSTER_ID: u64 = 7;

/// State of the test PD.
#[derive(Default)]
pub struct TestPd {
    next_id: AtomicU64,
    next_ts: AtomicU64,
    bootstrapped: AtomicBool,
    /// By region id, as last reported.
    pub regions: Mutex<BTreeMap<u64, metapb::Region>>,
    /// GC safe point.
    pub safe_point: AtomicU64,
    /// Answers to Bootstrap are lost after PD ran it.
    pub lose_bootstrap_answer: AtomicBool,
}

impl TestPd {
    /// A PD without a cluster.
    pub fn new() -> Arc<Self> {
        let pd = TestPd::default();
        pd.next_ts.store(100, Ordering::SeqCst);
        Arc::new(pd)
    }

    /// A fresh timestamp.
    pub fn ts(&self) -> u64 {
        // Steps leave room for commit timestamps that stores pick themselves.
        self.next_ts.fetch_add(10, Ordering::SeqCst) + 10
    }

    /// Regions in key order.
    pub fn sorted(&self) -> Vec<metapb::Region> {
        let mut regions: Vec<_> = self.regions.lock().values().cloned().collect();
        regions.sort_by(|a, b| a.start_key.cmp(&b.start_key));
        regions
    }

    fn record(&self, region: &metapb::Region) {
        let version = |region: &metapb::Region| region.region_epoch.map_or(0, |epoch| epoch.version);
        let mut regions = self.regions.lock();
        let newer = regions.get(&region.id).is_none_or(|old| version(old) <= version(region));
        if newer {
            // What it covers is older, and gone.
            regions.retain(|id, old| {
                *id == region.id || version(old) >= version(region) || !touches(old, region)
            });
            regions.insert(region.id, region.clone());
        }
    }
}

fn touches(one: &metapb::Region, other: &metapb::Region) -> bool {
    (one.end_key.is_empty() || other.start_key < one.end_key)
        && (other.end_key.is_empty() || one.start_key < other.end_key)
}

fn header() -> Option<ResponseHeader> {
    Some(ResponseHeader { cluster_id: CLUSTER_ID, error: None })
}

fn unsupported<T>(name: &str) -> Result<T, Status> {
    Err(Status::new(Code::Unimplemented, name))
}

#[async_trait]
impl PdService for TestPd {
    async fn get_members(&self, _: GetMembersRequest) -> Result<GetMembersResponse, Status> {
        Ok(GetMembersResponse { header: header(), ..Default::default() })
    }

    async fn tso(&self, request: TsoRequest) -> Result<TsoResponse, Status> {
        let ts = self.ts();
        let timestamp =
            Timestamp { physical: (ts >> 18) as i64, logical: (ts & ((1 << 18) - 1)) as i64, suffix_bits: 0 };
        Ok(TsoResponse { header: header(), count: request.count, timestamp: Some(timestamp) })
    }

    async fn is_bootstrapped(&self, _: IsBootstrappedRequest) -> Result<IsBootstrappedResponse, Status> {
        let bootstrapped = self.bootstrapped.load(Ordering::SeqCst);
        Ok(IsBootstrappedResponse { header: header(), bootstrapped })
    }

    async fn bootstrap(&self, request: BootstrapRequest) -> Result<BootstrapResponse, Status> {
        if self.bootstrapped.swap(true, Ordering::SeqCst) {
            let error = Error { r#type: ErrorType::AlreadyBootstrapped as i32, message: String::new() };
            let header = Some(ResponseHeader { cluster_id: CLUSTER_ID, error: Some(error) });
            return Ok(BootstrapResponse { header });
        }
        self.record(&request.region.expect("a region"));
        if self.lose_bootstrap_answer.load(Ordering::SeqCst) {
            return Err(Status::invalid_argument("the answer is lost"));
        }
        Ok(BootstrapResponse { header: header() })
    }

    async fn alloc_id(&self, _: AllocIdRequest) -> Result<AllocIdResponse, Status> {
        Ok(AllocIdResponse { header: header(), id: self.next_id.fetch_add(1, Ordering::SeqCst) + 1 })
    }

    async fn put_store(&self, _: PutStoreRequest) -> Result<PutStoreResponse, Status> {
        Ok(PutStoreResponse { header: header() })
    }

    async fn scatter_region(&self, _: ScatterRegionRequest) -> Result<ScatterRegionResponse, Status> {
        unsupported("scatter_region")
    }

    async fn get_store(&self, _: GetStoreRequest) -> Result<GetStoreResponse, Status> {
        unsupported("get_store")
    }

    async fn get_all_stores(&self, _: GetAllStoresRequest) -> Result<GetAllStoresResponse, Status> {
        unsupported("get_all_stores")
    }

    async fn store_heartbeat(&self, _: StoreHeartbeatRequest) -> Result<StoreHeartbeatResponse, Status> {
        Ok(StoreHeartbeatResponse { header: header(), ..Default::default() })
    }

    async fn get_region(&self, request: GetRegionRequest) -> Result<GetRegionResponse, Status> {
        let regions = self.sorted();
        let region = regions.into_iter().rev().find(|region| region.start_key <= request.region_key);
        Ok(GetRegionResponse { header: header(), region, ..Default::default() })
    }

    async fn get_region_by_id(&self, _: GetRegionByIdRequest) -> Result<GetRegionResponse, Status> {
        unsupported("get_region_by_id")
    }

    async fn scan_regions(&self, _: ScanRegionsRequest) -> Result<ScanRegionsResponse, Status> {
        unsupported("scan_regions")
    }

    async fn ask_batch_split(&self, request: AskBatchSplitRequest) -> Result<AskBatchSplitResponse, Status> {
        let peers = request.region.map_or(0, |region| region.peers.len());
        let id = || self.next_id.fetch_add(1, Ordering::SeqCst) + 1;
        let ids = (0..request.split_count)
            .map(|_| SplitId { new_region_id: id(), new_peer_ids: (0..peers).map(|_| id()).collect() })
            .collect();
        Ok(AskBatchSplitResponse { header: header(), ids })
    }

    async fn report_batch_split(
        &self,
        request: ReportBatchSplitRequest,
    ) -> Result<ReportBatchSplitResponse, Status> {
        request.regions.iter().for_each(|region| self.record(region));
        Ok(ReportBatchSplitResponse { header: header() })
    }

    async fn report_min_resolved_ts(
        &self,
        _: ReportMinResolvedTsRequest,
    ) -> Result<ReportMinResolvedTsResponse, Status> {
        Ok(ReportMinResolvedTsResponse { header: header() })
    }

    async fn region_heartbeat(
        &self,
        request: RegionHeartbeatRequest,
    ) -> Result<RegionHeartbeatResponse, Status> {
        self.record(&request.region.expect("a region"));
        Ok(RegionHeartbeatResponse { header: header(), ..Default::default() })
    }

    async fn get_gc_safe_point(&self, _: GetGcSafePointRequest) -> Result<GetGcSafePointResponse, Status> {
        let safe_point = self.safe_point.load(Ordering::SeqCst);
        Ok(GetGcSafePointResponse { header: header(), safe_point })
    }

    async fn update_gc_safe_point(
        &self,
        _: UpdateGcSafePointRequest,
    ) -> Result<UpdateGcSafePointResponse, Status> {
        unsupported("update_gc_safe_point")
    }

    async fn update_service_gc_safe_point(
        &self,
        _: UpdateServiceGcSafePointRequest,
    ) -> Result<UpdateServiceGcSafePointResponse, Status> {
        unsupported("update_service_gc_safe_point")
    }

    async fn load_keyspace(&self, _: LoadKeyspaceRequest) -> Result<LoadKeyspaceResponse, Status> {
        unsupported("load_keyspace")
    }
}
