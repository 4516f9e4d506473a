//! The rows of a request: visible pairs of its ranges, clipped to the region, in order.
//!
//! One pair of iterators, bounded by the first start and the last end, serves all ranges, because opening an
//! iterator costs more than moving one.
use bytes::Bytes;
use rutile_kv_proto::coprocessor::KeyRange;
use rutile_kv_proto::endpoint::{RangeScanner, ScanError, next_key};
use rutile_kv_types::Region;

use crate::error::{Error, Result};
use crate::mvcc::{ForwardScanner, ReadOptions, Versions};
use crate::service::{Failure, bound};
use crate::txn::clip;

/// Encoded bounds of one range that has a part in the region.
struct Encoded {
    start: Vec<u8>,
    end: Vec<u8>,
}

/// Walks the ranges of one request.
pub struct MvccRangeScanner<'s> {
    scanner: ForwardScanner<'s>,
    ranges: Vec<Encoded>,
    /// The range the scanner is in.
    current: usize,
    /// End of the last range as the request gave it, for the resume point.
    last_end: Bytes,
    /// Where a scan that stops now must go on; `None` before the first row means the first start.
    after: Option<Vec<u8>>,
    first_start: Bytes,
    exhausted: bool,
    /// Rows so far, and their size.
    pub rows: u64,
    pub bytes: u64,
}

impl<'s> MvccRangeScanner<'s> {
    /// A scanner of ascending, disjoint ranges of user keys.
    pub fn new(
        versions: Versions<'s>,
        region: &Region,
        options: &'s ReadOptions,
        ranges: &[KeyRange],
    ) -> Result<Self> {
        check_ascending(ranges)?;
        let clipped: Vec<Encoded> = ranges.iter().filter_map(|range| encode(region, range)).collect();
        let lower = clipped.first().map_or(&[][..], |range| &range.start);
        let upper = clipped.last().map_or(&[][..], |range| &range.end);
        let mut scanner = ForwardScanner::new(versions, options, lower, upper, false)?;
        if let Some(first) = clipped.first() {
            scanner.enter(&first.start, &first.end)?;
        }
        Ok(MvccRangeScanner {
            scanner,
            exhausted: clipped.is_empty(),
            ranges: clipped,
            current: 0,
            last_end: ranges.last().map(|range| range.end.clone()).unwrap_or_default(),
            after: None,
            first_start: ranges.first().map(|range| range.start.clone()).unwrap_or_default(),
            rows: 0,
            bytes: 0,
        })
    }

    fn advance(&mut self) -> Result<bool> {
        while !self.exhausted {
            if self.scanner.next()? {
                let key = self.scanner.key();
                self.rows += 1;
                self.bytes += (key.len() + self.scanner.value().len()) as u64;
                let after = self.after.get_or_insert_with(Vec::new);
                after.clear();
                after.extend_from_slice(key);
                return Ok(true);
            }
            self.current += 1;
            match self.ranges.get(self.current) {
                Some(range) => self.scanner.enter(&range.start, &range.end)?,
                None => self.exhausted = true,
            }
        }
        Ok(false)
    }
}

impl RangeScanner for MvccRangeScanner<'_> {
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>, ScanError> {
        match self.advance() {
            Ok(true) => Ok(Some((self.scanner.key(), self.scanner.value()))),
            Ok(false) => Ok(None),
            Err(error) => Err(scan_error(error)),
        }
    }

    fn resume_point(&self) -> Option<KeyRange> {
        if self.exhausted {
            return None;
        }
        let start = match &self.after {
            Some(key) => next_key(key),
            None => self.first_start.clone(),
        };
        Some(KeyRange { start, end: self.last_end.clone() })
    }
}

/// Encoded bounds around all ranges; an empty end has no bound.
pub fn bounds(ranges: &[KeyRange]) -> (Vec<u8>, Vec<u8>) {
    let start = ranges.first().map_or(&[][..], |range| &range.start);
    let end = ranges.last().map_or(&[][..], |range| &range.end);
    (bound(start), bound(end))
}

/// The part of a range that lies in the region.
fn encode(region: &Region, range: &KeyRange) -> Option<Encoded> {
    let (mut start, mut end) = (bound(&range.start), bound(&range.end));
    clip(region, &mut start, &mut end);
    (end.is_empty() || start < end).then_some(Encoded { start, end })
}

/// The shared iterators only move forward.
fn check_ascending(ranges: &[KeyRange]) -> Result<()> {
    let inverted = ranges.iter().any(|range| !range.end.is_empty() && range.start > range.end);
    let disordered = ranges.windows(2).any(|pair| match pair {
        [left, right] => left.end.is_empty() || left.end > right.start,
        _ => false,
    });
    if inverted || disordered {
        return Err(Error::Invalid("coprocessor ranges must be ascending and disjoint".to_owned()));
    }
    Ok(())
}

fn scan_error(error: Error) -> ScanError {
    match Failure::from(error) {
        Failure::Region(error) => ScanError::Region(error),
        Failure::Key(error) => match error.locked {
            Some(lock) => ScanError::Locked(Box::new(lock)),
            None => ScanError::Other(format!("{error:?}")),
        },
        Failure::Status(status) => ScanError::Other(status.message),
    }
}
