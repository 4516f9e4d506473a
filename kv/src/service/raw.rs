//! The raw half of `tikvpb.Tikv`: keys, bounds and time-to-live checked, answers as clients expect them.
//!
//! Raw answers carry their failures as text; only region errors have a field. Requests of API version 1 are refused:
//! their keys would lie between those of transactions.
use async_trait::async_trait;
use bytes::Bytes;
use rutile_kv_proto::{RawService, Status, kvrpcpb};

use super::to_wire::Failure;
use super::{KvService, from_wire};
use crate::error::{Error, Result};
use crate::gc;
use crate::raw::{self, CompareAndSwap, Compared, RawRange, RawValue, RawWrite};
use crate::replica::{RegionContext, Replica};

/// Puts a failure where the response type has a place for it.
macro_rules! answer_raw {
    ($result:expr, $response:ident, $ok:expr) => {
        match $result.map_err(raw_failure) {
            Ok(value) => Ok($ok(value)),
            Err(RawFailure::Region(error)) => {
                Ok(kvrpcpb::$response { region_error: Some(error), ..Default::default() })
            }
            Err(RawFailure::Text(error)) => Ok(kvrpcpb::$response { error, ..Default::default() }),
            Err(RawFailure::Status(status)) => Err(status),
        }
    };
}

/// The same for scans and batch gets, whose responses have no place for a text.
macro_rules! answer_pairs {
    ($result:expr, $response:ident, $pairs:ident) => {
        match $result.map_err(raw_failure) {
            Ok(found) => Ok(kvrpcpb::$response { $pairs: pairs(found), ..Default::default() }),
            Err(RawFailure::Region(error)) => {
                Ok(kvrpcpb::$response { region_error: Some(error), ..Default::default() })
            }
            Err(RawFailure::Text(text)) => Err(Status::invalid_argument(text)),
            Err(RawFailure::Status(status)) => Err(status),
        }
    };
}

enum RawFailure {
    Region(Box<rutile_kv_proto::errorpb::Error>),
    Text(String),
    Status(Status),
}

fn raw_failure(error: Error) -> RawFailure {
    match error {
        Error::Invalid(text) => RawFailure::Text(text),
        error => match Failure::from(error) {
            Failure::Region(error) => RawFailure::Region(error),
            Failure::Key(error) => RawFailure::Text(error.abort),
            Failure::Status(status) => RawFailure::Status(status),
        },
    }
}

fn pairs(found: Vec<(Bytes, Bytes)>) -> Vec<kvrpcpb::KvPair> {
    found.into_iter().map(|(key, value)| kvrpcpb::KvPair { error: None, key, value }).collect()
}

/// Version and column family of a raw request; answers the region.
fn check_head(context: Option<&kvrpcpb::Context>, cf: &str) -> Result<RegionContext, Status> {
    let region = from_wire::region_context(context)?;
    let version = context.map_or(0, |context| context.api_version);
    if version != kvrpcpb::ApiVersion::V2 as i32 {
        return Err(Status::invalid_argument("raw requests need API version 2"));
    }
    if !cf.is_empty() && cf != "default" {
        return Err(Status::invalid_argument(format!("raw requests know no column family {cf:?}")));
    }
    Ok(region)
}

/// Bounds of a scan, low to high.
fn range<'a>(start: &'a [u8], end: &'a [u8], reverse: bool) -> Result<(&'a [u8], &'a [u8])> {
    let (low, high) = if reverse { (end, start) } else { (start, end) };
    raw::check_range(low, high)?;
    Ok((low, high))
}

impl<R: Replica> KvService<R> {
    fn now_s(&self) -> u64 {
        self.env.clock.unix_millis() / 1000
    }

    async fn write_raw(&self, region: &RegionContext, write: RawWrite) -> Result<()> {
        self.scheduler.run(region, write).await
    }

    async fn put_raw(
        &self,
        region: &RegionContext,
        pairs: Vec<kvrpcpb::KvPair>,
        ttls_s: &[u64],
    ) -> Result<()> {
        self.space.check()?;
        let ttl_of = |index: usize| match ttls_s {
            [] => 0,
            [ttl] => *ttl,
            each => each.get(index).copied().unwrap_or(0),
        };
        if ttls_s.len() > 1 && ttls_s.len() != pairs.len() {
            return Err(Error::Invalid(format!("{} pairs and {} ttls", pairs.len(), ttls_s.len())));
        }
        pairs.iter().try_for_each(|pair| raw::check_key(&pair.key))?;
        let now_s = self.now_s();
        let values = pairs
            .into_iter()
            .enumerate()
            .map(|(index, pair)| (pair.key, RawValue::living(pair.value, ttl_of(index), now_s)));
        self.write_raw(region, RawWrite::put(values)).await
    }

    async fn delete_raw(&self, region: &RegionContext, keys: &[Bytes]) -> Result<()> {
        keys.iter().try_for_each(|key| raw::check_key(key))?;
        self.write_raw(region, RawWrite::delete(keys)).await
    }

    async fn scan_raw(
        &self,
        region: &RegionContext,
        bounds: (&[u8], &[u8]),
        limit: u32,
        (key_only, reverse): (bool, bool),
    ) -> Result<Vec<(Bytes, Bytes)>> {
        let (low, high) = range(bounds.0, bounds.1, reverse)?;
        let range = RawRange { low, high, limit: limit as usize, key_only, reverse };
        raw::scan(&self.scheduler, region, &range, self.now_s()).await
    }
}

#[async_trait]
impl<R: Replica> RawService for KvService<R> {
    async fn raw_get(&self, request: kvrpcpb::RawGetRequest) -> Result<kvrpcpb::RawGetResponse, Status> {
        self.metrics.reads.add(1);
        let region = check_head(request.context.as_ref(), &request.cf)?;
        let work = async {
            raw::check_key(&request.key)?;
            raw::get(&self.scheduler, &region, &request.key, self.now_s()).await
        };
        let result = self.within(request.context.as_ref(), work).await?;
        answer_raw!(result, RawGetResponse, |found: Option<RawValue>| {
            let not_found = found.is_none();
            let value = found.map(|found| found.data).unwrap_or_default();
            kvrpcpb::RawGetResponse { value, not_found, ..Default::default() }
        })
    }

    async fn raw_batch_get(
        &self,
        request: kvrpcpb::RawBatchGetRequest,
    ) -> Result<kvrpcpb::RawBatchGetResponse, Status> {
        self.metrics.reads.add(1);
        let region = check_head(request.context.as_ref(), &request.cf)?;
        let work = async {
            request.keys.iter().try_for_each(|key| raw::check_key(key))?;
            raw::get_many(&self.scheduler, &region, &request.keys, self.now_s()).await
        };
        let result = self.within(request.context.as_ref(), work).await?;
        answer_pairs!(result, RawBatchGetResponse, pairs)
    }

    async fn raw_get_key_ttl(
        &self,
        request: kvrpcpb::RawGetKeyTtlRequest,
    ) -> Result<kvrpcpb::RawGetKeyTtlResponse, Status> {
        self.metrics.reads.add(1);
        let region = check_head(request.context.as_ref(), &request.cf)?;
        let now_s = self.now_s();
        let work = async {
            raw::check_key(&request.key)?;
            raw::get(&self.scheduler, &region, &request.key, now_s).await
        };
        let result = self.within(request.context.as_ref(), work).await?;
        answer_raw!(result, RawGetKeyTtlResponse, |found: Option<RawValue>| {
            let not_found = found.is_none();
            let ttl = found.map_or(0, |found| found.ttl_s(now_s));
            kvrpcpb::RawGetKeyTtlResponse { ttl, not_found, ..Default::default() }
        })
    }

    async fn raw_put(&self, request: kvrpcpb::RawPutRequest) -> Result<kvrpcpb::RawPutResponse, Status> {
        self.metrics.commands.add(1);
        let region = check_head(request.context.as_ref(), &request.cf)?;
        let pair = kvrpcpb::KvPair { error: None, key: request.key, value: request.value };
        let ttl = [request.ttl];
        let work = self.put_raw(&region, vec![pair], &ttl);
        let result = self.within(request.context.as_ref(), work).await?;
        answer_raw!(result, RawPutResponse, |()| kvrpcpb::RawPutResponse::default())
    }

    async fn raw_batch_put(
        &self,
        request: kvrpcpb::RawBatchPutRequest,
    ) -> Result<kvrpcpb::RawBatchPutResponse, Status> {
        self.metrics.commands.add(1);
        let region = check_head(request.context.as_ref(), &request.cf)?;
        let older = [request.ttl];
        let ttls = if request.ttls.is_empty() { &older[..] } else { &request.ttls };
        let work = self.put_raw(&region, request.pairs, ttls);
        let result = self.within(request.context.as_ref(), work).await?;
        answer_raw!(result, RawBatchPutResponse, |()| kvrpcpb::RawBatchPutResponse::default())
    }

    async fn raw_delete(
        &self,
        request: kvrpcpb::RawDeleteRequest,
    ) -> Result<kvrpcpb::RawDeleteResponse, Status> {
        self.metrics.commands.add(1);
        let region = check_head(request.context.as_ref(), &request.cf)?;
        let work = self.delete_raw(&region, std::slice::from_ref(&request.key));
        let result = self.within(request.context.as_ref(), work).await?;
        answer_raw!(result, RawDeleteResponse, |()| kvrpcpb::RawDeleteResponse::default())
    }

    async fn raw_batch_delete(
        &self,
        request: kvrpcpb::RawBatchDeleteRequest,
    ) -> Result<kvrpcpb::RawBatchDeleteResponse, Status> {
        self.metrics.commands.add(1);
        let region = check_head(request.context.as_ref(), &request.cf)?;
        let work = self.delete_raw(&region, &request.keys);
        let result = self.within(request.context.as_ref(), work).await?;
        answer_raw!(result, RawBatchDeleteResponse, |()| kvrpcpb::RawBatchDeleteResponse::default())
    }

    async fn raw_scan(&self, request: kvrpcpb::RawScanRequest) -> Result<kvrpcpb::RawScanResponse, Status> {
        self.metrics.reads.add(1);
        let region = check_head(request.context.as_ref(), &request.cf)?;
        let bounds = (&*request.start_key, &*request.end_key);
        let work = self.scan_raw(&region, bounds, request.limit, (request.key_only, request.reverse));
        let result = self.within(request.context.as_ref(), work).await?;
        answer_pairs!(result, RawScanResponse, kvs)
    }

    async fn raw_batch_scan(
        &self,
        request: kvrpcpb::RawBatchScanRequest,
    ) -> Result<kvrpcpb::RawBatchScanResponse, Status> {
        self.metrics.reads.add(1);
        let region = check_head(request.context.as_ref(), &request.cf)?;
        let how = (request.key_only, request.reverse);
        let work = async {
            let mut found = Vec::new();
            for range in &request.ranges {
                let bounds = (&*range.start_key, &*range.end_key);
                found.extend(self.scan_raw(&region, bounds, request.each_limit, how).await?);
            }
            Ok(found)
        };
        let result = self.within(request.context.as_ref(), work).await?;
        answer_pairs!(result, RawBatchScanResponse, kvs)
    }

    async fn raw_delete_range(
        &self,
        request: kvrpcpb::RawDeleteRangeRequest,
    ) -> Result<kvrpcpb::RawDeleteRangeResponse, Status> {
        self.metrics.commands.add(1);
        let region = check_head(request.context.as_ref(), &request.cf)?;
        let work = async {
            raw::check_range(&request.start_key, &request.end_key)?;
            let (start, end) = (from_wire::bound(&request.start_key), from_wire::bound(&request.end_key));
            gc::delete_range(&self.scheduler, &region, &start, &end).await
        };
        let result = self.within(request.context.as_ref(), work).await?;
        answer_raw!(result, RawDeleteRangeResponse, |()| kvrpcpb::RawDeleteRangeResponse::default())
    }

    async fn raw_compare_and_swap(
        &self,
        request: kvrpcpb::RawCasRequest,
    ) -> Result<kvrpcpb::RawCasResponse, Status> {
        self.metrics.commands.add(1);
        let region = check_head(request.context.as_ref(), &request.cf)?;
        let work = async {
            self.space.check()?;
            raw::check_key(&request.key)?;
            let now_s = self.now_s();
            let expected = (!request.previous_not_exist).then_some(request.previous_value);
            let value = RawValue::living(request.value, request.ttl, now_s);
            self.scheduler.run(&region, CompareAndSwap::new(&request.key, expected, value, now_s)).await
        };
        let result = self.within(request.context.as_ref(), work).await?;
        answer_raw!(result, RawCasResponse, |compared: Compared| kvrpcpb::RawCasResponse {
            succeed: compared.swapped,
            previous_not_exist: compared.previous.is_none(),
            previous_value: compared.previous.unwrap_or_default(),
            ..Default::default()
        })
    }

    async fn raw_coprocessor(
        &self,
        request: kvrpcpb::RawCoprocessorRequest,
    ) -> Result<kvrpcpb::RawCoprocessorResponse, Status> {
        let error = format!("coprocessor plug-ins are not supported: {:?}", request.copr_name);
        Ok(kvrpcpb::RawCoprocessorResponse { error, ..Default::default() })
    }
}
