//! Runs a scan over key ranges: one request per region, batches back as a stream.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use rutile_kv_client::{Client, CoprocessorOptions, MemBuffer, PlanForm, ReplicaRead, Snapshot};
use rutile_kv_proto::Payload;
use rutile_kv_types::{KeyRange, TimeStamp};
use rutile_sql_types::MySqlError;

use super::scan_here::scan_here;
use super::wire::{Answer, decode_answer, encode_plan};
use super::{ScanRequest, TABLE_SCAN};
use crate::binder::Relation;
use crate::codec::record_key::record_range;

/// Regions asked at the same time by one scan.
const SCAN_CONCURRENCY: usize = 4;
/// Rows a store scans before it answers; keeps answers and store-side work small.
const PAGE_ROWS: u64 = 32_768;
/// The same where a stage makes few rows of many.
const STAGE_PAGE_ROWS: u64 = 8 * PAGE_ROWS;

/// Batches of one scan.
pub type BatchStream = BoxStream<'static, Result<RecordBatch, MySqlError>>;

/// The state of the data a query sees: a snapshot, and the transaction's own writes over it.
#[derive(Clone)]
pub struct ReadView {
    pub client: Client,
    pub start_ts: TimeStamp,
    /// By table: the record keys the transaction wrote, `None` where it deleted the row.
    own_writes: Arc<BTreeMap<i64, Arc<OwnWrites>>>,
    /// Set for a locking read of several tables.
    pub locking: Option<Arc<LockedScans>>,
    /// The peers that are asked.
    replicas: ReplicaRead,
}

/// The scans whose rows are to be locked, and the rows they gave.
#[derive(Debug, Default)]
pub struct LockedScans {
    /// Names by which the query calls the tables.
    pub aliases: HashSet<Arc<str>>,
    /// Rows that others hold, to be left out.
    pub skipped: HashSet<Bytes>,
    keys: Mutex<BTreeSet<Bytes>>,
}

impl LockedScans {
    pub fn new(aliases: HashSet<Arc<str>>, skipped: HashSet<Bytes>) -> Self {
        Self { aliases, skipped, keys: Mutex::default() }
    }

    /// Record keys of rows that a scan gave.
    pub fn add(&self, keys: impl IntoIterator<Item = Bytes>) {
        self.keys.lock().extend(keys);
    }

    pub fn take(&self) -> Vec<Bytes> {
        std::mem::take(&mut *self.keys.lock()).into_iter().collect()
    }
}

/// The transaction's writes to the rows of one table.
#[derive(Debug, Default)]
pub struct OwnWrites {
    pub rows: Vec<(Bytes, Bytes)>,
    pub keys: Arc<HashSet<Bytes>>,
}

impl ReadView {
    /// A snapshot alone.
    pub fn new(client: Client, start_ts: TimeStamp) -> Self {
        let replicas = ReplicaRead::Leader;
        Self { client, start_ts, own_writes: Arc::default(), locking: None, replicas }
    }

    /// A snapshot under the writes that `membuffer` holds for the tables of `relation`.
    pub fn with_own_writes(
        client: Client,
        start_ts: TimeStamp,
        relation: &Relation,
        membuffer: &MemBuffer,
    ) -> Self {
        let mut own_writes = BTreeMap::new();
        let mut pending = vec![relation];
        while let Some(relation) = pending.pop() {
            if let Relation::Table(scan) = relation {
                own_writes.entry(scan.table.id).or_insert_with(|| own_writes_of(scan.table.id, membuffer));
            }
            pending.extend(relation.inputs());
        }
        own_writes.retain(|_, writes: &mut Arc<OwnWrites>| !writes.keys.is_empty());
        Self { own_writes: Arc::new(own_writes), ..Self::new(client, start_ts) }
    }

    /// The same data, read at these peers.
    pub fn read_from(self, replicas: ReplicaRead) -> Self {
        Self { replicas, ..self }
    }

    pub fn own_writes(&self, table: i64) -> Option<&Arc<OwnWrites>> {
        self.own_writes.get(&table)
    }

    pub fn snapshot(&self) -> Snapshot {
        self.client.snapshot(self.start_ts).read_from(self.replicas)
    }
}

fn own_writes_of(table: i64, membuffer: &MemBuffer) -> Arc<OwnWrites> {
    let mut writes = OwnWrites::default();
    let mut keys = HashSet::new();
    for (key, value) in membuffer.range(&record_range(table)) {
        keys.insert(key.clone());
        if let Some(value) = value {
            writes.rows.push((key, value));
        }
    }
    writes.keys = Arc::new(keys);
    Arc::new(writes)
}

/// The batches of `request` over `ranges`, in any order of regions unless the request keeps it.
pub fn select_rows(view: &ReadView, request: Arc<ScanRequest>, ranges: Vec<KeyRange>) -> BatchStream {
    let object = || Arc::clone(&request) as Arc<dyn std::any::Any + Send + Sync>;
    let plan = match view.client.plan_form() {
        PlanForm::Object => Some(Payload::Shared(object())),
        PlanForm::Bytes => encode_plan(&request).map(Payload::Encoded),
        PlanForm::Either => encode_plan(&request).map(|bytes| Payload::Either(object(), bytes)),
        PlanForm::Nothing => None,
    };
    let Some(plan) = plan else {
        return scan_here(view.snapshot(), request, ranges);
    };
    let options = CoprocessorOptions {
        tp: TABLE_SCAN,
        paging_rows: if request.stage.is_some() { STAGE_PAGE_ROWS } else { PAGE_ROWS },
        concurrency: SCAN_CONCURRENCY,
        keep_order: request.keep_order,
        replicas: view.replicas,
    };
    view.client
        .coprocessor(view.start_ts, ranges, plan, options)
        .map(move |answer| match answer {
            Ok(Payload::Encoded(bytes)) => {
                let Answer { batch, warnings, work } = decode_answer(&bytes)?;
                request.statement.raise(warnings);
                request.work.add(work);
                Ok(batch)
            }
            Ok(payload) => match payload.downcast::<RecordBatch>() {
                Some(batch) => Ok(batch.as_ref().clone()),
                None => Err(MySqlError::internal("a coprocessor answer that is no batch")),
            },
            Err(error) => Err(from_storage(error)),
        })
        .boxed()
}

/// A store's error as MySQL's; an error of the endpoint comes back as it was raised there.
pub fn from_storage(error: rutile_kv_client::Error) -> MySqlError {
    if let rutile_kv_client::Error::Endpoint { payload: Some(payload), .. } = &error
        && let Some(raised) = payload.downcast::<MySqlError>()
    {
        return raised.as_ref().clone();
    }
    crate::error::Error::from(error).into_sql()
}
