//! Every unary RPC once: method of the trait, name on the wire, types. Both ends are made from these tables.

/// Calls `$made!` with the methods of `TikvService`; the coprocessor, whose trait types are not messages, is extra.
macro_rules! tikv_methods {
    ($made:ident) => {
        $made! {
            kv_get "KvGet" kvrpcpb::GetRequest => kvrpcpb::GetResponse;
            kv_batch_get "KvBatchGet" kvrpcpb::BatchGetRequest => kvrpcpb::BatchGetResponse;
            kv_scan "KvScan" kvrpcpb::ScanRequest => kvrpcpb::ScanResponse;
            kv_prewrite "KvPrewrite" kvrpcpb::PrewriteRequest => kvrpcpb::PrewriteResponse;
            kv_commit "KvCommit" kvrpcpb::CommitRequest => kvrpcpb::CommitResponse;
            kv_batch_rollback "KvBatchRollback"
                kvrpcpb::BatchRollbackRequest => kvrpcpb::BatchRollbackResponse;
            kv_pessimistic_lock "KvPessimisticLock"
                kvrpcpb::PessimisticLockRequest => kvrpcpb::PessimisticLockResponse;
            kv_pessimistic_rollback "KVPessimisticRollback"
                kvrpcpb::PessimisticRollbackRequest => kvrpcpb::PessimisticRollbackResponse;
            kv_check_secondary_locks "KvCheckSecondaryLocks"
                kvrpcpb::CheckSecondaryLocksRequest => kvrpcpb::CheckSecondaryLocksResponse;
            kv_check_txn_status "KvCheckTxnStatus"
                kvrpcpb::CheckTxnStatusRequest => kvrpcpb::CheckTxnStatusResponse;
            kv_resolve_lock "KvResolveLock" kvrpcpb::ResolveLockRequest => kvrpcpb::ResolveLockResponse;
            kv_scan_lock "KvScanLock" kvrpcpb::ScanLockRequest => kvrpcpb::ScanLockResponse;
            kv_txn_heart_beat "KvTxnHeartBeat"
                kvrpcpb::TxnHeartBeatRequest => kvrpcpb::TxnHeartBeatResponse;
            kv_delete_range "KvDeleteRange" kvrpcpb::DeleteRangeRequest => kvrpcpb::DeleteRangeResponse;
            split_region "SplitRegion" kvrpcpb::SplitRegionRequest => kvrpcpb::SplitRegionResponse;
            unsafe_destroy_range "UnsafeDestroyRange"
                kvrpcpb::UnsafeDestroyRangeRequest => kvrpcpb::UnsafeDestroyRangeResponse;
        }
    };
}

/// Calls `$made!` with the methods of `RawService`, which are RPCs of `tikvpb.Tikv` too.
macro_rules! raw_methods {
    ($made:ident) => {
        $made! {
            raw_get "RawGet" kvrpcpb::RawGetRequest => kvrpcpb::RawGetResponse;
            raw_batch_get "RawBatchGet" kvrpcpb::RawBatchGetRequest => kvrpcpb::RawBatchGetResponse;
            raw_get_key_ttl "RawGetKeyTTL" kvrpcpb::RawGetKeyTtlRequest => kvrpcpb::RawGetKeyTtlResponse;
            raw_put "RawPut" kvrpcpb::RawPutRequest => kvrpcpb::RawPutResponse;
            raw_batch_put "RawBatchPut" kvrpcpb::RawBatchPutRequest => kvrpcpb::RawBatchPutResponse;
            raw_delete "RawDelete" kvrpcpb::RawDeleteRequest => kvrpcpb::RawDeleteResponse;
            raw_batch_delete "RawBatchDelete"
                kvrpcpb::RawBatchDeleteRequest => kvrpcpb::RawBatchDeleteResponse;
            raw_scan "RawScan" kvrpcpb::RawScanRequest => kvrpcpb::RawScanResponse;
            raw_batch_scan "RawBatchScan" kvrpcpb::RawBatchScanRequest => kvrpcpb::RawBatchScanResponse;
            raw_delete_range "RawDeleteRange"
                kvrpcpb::RawDeleteRangeRequest => kvrpcpb::RawDeleteRangeResponse;
            raw_compare_and_swap "RawCompareAndSwap" kvrpcpb::RawCasRequest => kvrpcpb::RawCasResponse;
            raw_coprocessor "RawCoprocessor"
                kvrpcpb::RawCoprocessorRequest => kvrpcpb::RawCoprocessorResponse;
        }
    };
}

/// Calls `$made!` with the unary methods of `pdpb.PD`; `Tso` and `RegionHeartbeat` are streams.
macro_rules! pd_methods {
    ($made:ident) => {
        $made! {
            get_members "GetMembers" pdpb::GetMembersRequest => pdpb::GetMembersResponse;
            is_bootstrapped "IsBootstrapped" pdpb::IsBootstrappedRequest => pdpb::IsBootstrappedResponse;
            bootstrap "Bootstrap" pdpb::BootstrapRequest => pdpb::BootstrapResponse;
            alloc_id "AllocID" pdpb::AllocIdRequest => pdpb::AllocIdResponse;
            put_store "PutStore" pdpb::PutStoreRequest => pdpb::PutStoreResponse;
            get_store "GetStore" pdpb::GetStoreRequest => pdpb::GetStoreResponse;
            get_all_stores "GetAllStores" pdpb::GetAllStoresRequest => pdpb::GetAllStoresResponse;
            store_heartbeat "StoreHeartbeat" pdpb::StoreHeartbeatRequest => pdpb::StoreHeartbeatResponse;
            get_region "GetRegion" pdpb::GetRegionRequest => pdpb::GetRegionResponse;
            get_region_by_id "GetRegionByID" pdpb::GetRegionByIdRequest => pdpb::GetRegionResponse;
            scan_regions "ScanRegions" pdpb::ScanRegionsRequest => pdpb::ScanRegionsResponse;
            ask_batch_split "AskBatchSplit" pdpb::AskBatchSplitRequest => pdpb::AskBatchSplitResponse;
            report_batch_split "ReportBatchSplit"
                pdpb::ReportBatchSplitRequest => pdpb::ReportBatchSplitResponse;
            report_min_resolved_ts "ReportMinResolvedTS"
                pdpb::ReportMinResolvedTsRequest => pdpb::ReportMinResolvedTsResponse;
            scatter_region "ScatterRegion" pdpb::ScatterRegionRequest => pdpb::ScatterRegionResponse;
            get_gc_safe_point "GetGCSafePoint" pdpb::GetGcSafePointRequest => pdpb::GetGcSafePointResponse;
            update_gc_safe_point "UpdateGCSafePoint"
                pdpb::UpdateGcSafePointRequest => pdpb::UpdateGcSafePointResponse;
            update_service_gc_safe_point "UpdateServiceGCSafePoint"
                pdpb::UpdateServiceGcSafePointRequest => pdpb::UpdateServiceGcSafePointResponse;
        }
    };
}

pub(crate) use {pd_methods, raw_methods, tikv_methods};
