//! The data of a snapshot as a sequence of chunks.
//!
//! ```text
//! crc32 of the rest BE4 | 1 | per pair: family u8 | key compact | value compact
//! crc32 of the rest BE4 | 2 | pairs LEB128 | chunks LEB128 | crc32 over the checksums of all chunks before BE4
//! ```
//! The second kind comes last and tells whether something is missing.
use rutile_kv_engine::{EngineIterator, IterOptions, Snapshot};
use rutile_kv_types::{Cf, Region, codec};

use crate::error::{Error, Result};

const KIND_PAIRS: u8 = 1;
const KIND_END: u8 = 2;
const CRC_BYTES: usize = 4;

/// The families that belong to a region, in the order they are sent.
pub const FAMILIES: [Cf; 3] = [Cf::Default, Cf::Lock, Cf::Write];

fn corrupt(detail: impl Into<String>) -> Error {
    Error::corrupt("snapshot chunk", detail)
}

/// Counts what went by, on both sides.
#[derive(Default)]
struct Totals {
    pairs: u64,
    chunks: u64,
    checksums: crc32fast::Hasher,
}

impl Totals {
    fn add(&mut self, pairs: u64, checksum: u32) {
        self.pairs += pairs;
        self.chunks += 1;
        self.checksums.update(&checksum.to_be_bytes());
    }
}

fn seal(mut chunk: Vec<u8>) -> (Vec<u8>, u32) {
    let checksum = crc32fast::hash(&chunk[CRC_BYTES..]);
    chunk[..CRC_BYTES].copy_from_slice(&checksum.to_be_bytes());
    (chunk, checksum)
}

fn begin(kind: u8) -> Vec<u8> {
    vec![0, 0, 0, 0, kind]
}

/// Cuts the data of a region into chunks.
pub struct Cutter {
    chunk_bytes: usize,
    /// Families not begun yet, last first.
    families: Vec<Cf>,
    now: Option<(Cf, Box<dyn EngineIterator>)>,
    totals: Totals,
    ended: bool,
}

impl Cutter {
    pub fn new(chunk_bytes: usize) -> Cutter {
        let families = FAMILIES.iter().rev().copied().collect();
        Cutter { chunk_bytes, families, now: None, totals: Totals::default(), ended: false }
    }

    /// The next chunk; `None` after the last.
    pub fn next(&mut self, snapshot: &dyn Snapshot, region: &Region) -> Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        let mut chunk = begin(KIND_PAIRS);
        let mut pairs = 0;
        while (pairs == 0 || chunk.len() < self.chunk_bytes) && self.is_on_pair(snapshot, region)? {
            let Some((cf, pair)) = &mut self.now else { break };
            chunk.push(family_to_byte(*cf)?);
            codec::encode_compact_bytes(&mut chunk, pair.key());
            codec::encode_compact_bytes(&mut chunk, pair.value());
            pairs += 1;
            pair.next()?;
        }
        if pairs > 0 {
            let (chunk, checksum) = seal(chunk);
            self.totals.add(pairs, checksum);
            return Ok(Some(chunk));
        }
        self.ended = true;
        let mut chunk = begin(KIND_END);
        codec::encode_var_u64(&mut chunk, self.totals.pairs);
        codec::encode_var_u64(&mut chunk, self.totals.chunks);
        chunk.extend_from_slice(&self.totals.checksums.clone().finalize().to_be_bytes());
        Ok(Some(seal(chunk).0))
    }

    /// Goes on to the next family until there is a pair; false after the last family.
    fn is_on_pair(&mut self, snapshot: &dyn Snapshot, region: &Region) -> Result<bool> {
        while !self.now.as_ref().is_some_and(|(_, pairs)| pairs.valid()) {
            let Some(cf) = self.families.pop() else {
                return Ok(false);
            };
            let bounds =
                IterOptions::range(region.start_key.to_vec(), region.end_key.to_vec()).without_cache();
            let mut pairs = snapshot.iter(cf, bounds);
            pairs.seek(&region.start_key)?;
            self.now = Some((cf, pairs));
        }
        Ok(true)
    }
}

/// Checks chunks as they come.
#[derive(Default)]
pub struct Checker {
    totals: Totals,
    complete: bool,
}

impl Checker {
    /// Checks the next chunk; every key must lie in the region. True when it holds pairs, false when it was the end.
    pub fn check(&mut self, chunk: &[u8], region: &Region) -> Result<bool> {
        if self.complete {
            return Err(corrupt("something follows the end"));
        }
        let (checksum, kind, body) = open(chunk)?;
        if kind == KIND_PAIRS {
            let mut count = 0;
            for pair in Pairs(body) {
                let (_, key, _) = pair?;
                if !region.contains(key) {
                    return Err(corrupt(format!("a key is outside region {}", region.id)));
                }
                count += 1;
            }
            self.totals.add(count, checksum);
            return Ok(true);
        }
        let mut input = body;
        let totals = (codec::decode_var_u64(&mut input)?, codec::decode_var_u64(&mut input)?);
        let checksums = self.totals.checksums.clone().finalize().to_be_bytes();
        if totals != (self.totals.pairs, self.totals.chunks) || input != checksums {
            return Err(corrupt("chunks are missing"));
        }
        self.complete = true;
        Ok(false)
    }

    /// Whether the end came.
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

/// The pairs of a chunk that was checked before.
pub fn pairs(chunk: &[u8]) -> Result<Pairs<'_>> {
    match open(chunk)? {
        (_, KIND_PAIRS, body) => Ok(Pairs(body)),
        _ => Err(corrupt("no pairs")),
    }
}

/// Checksum, kind and body.
fn open(chunk: &[u8]) -> Result<(u32, u8, &[u8])> {
    let Some((checksum, rest)) = chunk.split_first_chunk::<CRC_BYTES>() else {
        return Err(corrupt("shorter than its checksum"));
    };
    let checksum = u32::from_be_bytes(*checksum);
    if crc32fast::hash(rest) != checksum {
        return Err(corrupt("checksum does not fit"));
    }
    match rest.split_first() {
        Some((kind @ (&KIND_PAIRS | &KIND_END), body)) => Ok((checksum, *kind, body)),
        _ => Err(corrupt("unknown kind")),
    }
}

/// Walks the pairs of a chunk.
pub struct Pairs<'a>(&'a [u8]);

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(Cf, &'a [u8], &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let pair = decode_pair(&mut self.0);
        if pair.is_err() {
            self.0 = &[];
        }
        Some(pair)
    }
}

fn decode_pair<'a>(input: &mut &'a [u8]) -> Result<(Cf, &'a [u8], &'a [u8])> {
    let cf = family_from_byte(codec::decode_u8(input)?)?;
    Ok((cf, codec::decode_compact_bytes(input)?, codec::decode_compact_bytes(input)?))
}

fn family_to_byte(cf: Cf) -> Result<u8> {
    match cf {
        Cf::Default => Ok(0),
        Cf::Lock => Ok(1),
        Cf::Write => Ok(2),
        Cf::Raft => Err(corrupt("the raft family is no part of a region")),
    }
}

fn family_from_byte(byte: u8) -> Result<Cf> {
    FAMILIES.get(usize::from(byte)).copied().ok_or_else(|| corrupt(format!("unknown family {byte}")))
}

#[cfg(test)]
mod tests {
    use rutile_kv_engine::{Engine, MemoryEngine, WriteBatch};

    use super::*;

    fn region() -> Region {
        Region { id: 2, start_key: "b".into(), end_key: "d".into(), ..Region::default() }
    }

    fn chunks(chunk_bytes: usize) -> Vec<Vec<u8>> {
        let engine = MemoryEngine::new();
        let mut batch = WriteBatch::new();
        for key in ["a", "b", "c1", "c2", "d"] {
            batch.put(Cf::Default, key, "long");
            batch.put(Cf::Write, key, "record");
        }
        batch.put(Cf::Lock, "c1", "lock");
        batch.put(Cf::Raft, "c", "not sent");
        engine.write(batch, false).expect("in memory");
        let (snapshot, mut cutter) = (engine.snapshot(), Cutter::new(chunk_bytes));
        std::iter::from_fn(|| cutter.next(&*snapshot, &region()).expect("readable")).collect()
    }

    #[test]
    fn chunks_hold_the_region_and_nothing_else() {
        for (chunk_bytes, expected) in [(1, 8), (30, 4), (1 << 20, 2)] {
            let chunks = chunks(chunk_bytes);
            assert_eq!(chunks.len(), expected, "of {chunk_bytes} bytes, with the end");
            let mut checker = Checker::default();
            let mut found = Vec::new();
            for chunk in &chunks {
                if checker.check(chunk, &region()).expect("whole") {
                    let of_chunk = pairs(chunk).expect("pairs");
                    found.extend(
                        of_chunk.map(|pair| pair.map(|(cf, key, _)| (cf, key.to_vec())).expect("whole")),
                    );
                }
            }
            assert!(checker.is_complete());
            let keys: Vec<(Cf, Vec<u8>)> = [
                (Cf::Default, "b"),
                (Cf::Default, "c1"),
                (Cf::Default, "c2"),
                (Cf::Lock, "c1"),
                (Cf::Write, "b"),
                (Cf::Write, "c1"),
                (Cf::Write, "c2"),
            ]
            .map(|(cf, key)| (cf, key.as_bytes().to_vec()))
            .into();
            assert_eq!(found, keys);
        }
    }

    #[test]
    fn what_is_damaged_missing_or_foreign_is_refused() {
        let whole = chunks(1);
        let mut flipped = whole[0].clone();
        *flipped.last_mut().expect("not empty") ^= 1;
        assert!(Checker::default().check(&flipped, &region()).is_err(), "a bit flipped");
        assert!(Checker::default().check(&whole[0][..3], &region()).is_err(), "cut short");
        let elsewhere = Region { start_key: "c".into(), ..region() };
        assert!(Checker::default().check(&whole[0], &elsewhere).is_err(), "a key outside");
        let mut checker = Checker::default();
        for chunk in &whole[1..whole.len() - 1] {
            checker.check(chunk, &region()).expect("whole");
        }
        assert!(checker.check(&whole[whole.len() - 1], &region()).is_err(), "the first is missing");
        assert!(!checker.is_complete());
    }
}
