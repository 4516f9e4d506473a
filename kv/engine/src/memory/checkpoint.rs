//! A checkpoint of the memory engine: one file of length-prefixed pairs under a checksum.

use std::path::Path;

use bytes::Bytes;
use rutile_kv_env::Disk;
use rutile_kv_types::{Cf, codec};

use crate::{Error, Result, WriteBatch};

const FILE_NAME: &str = "memory-checkpoint";
/// Version of the layout, first in the file.
const VERSION: u8 = 1;

pub(super) fn write(disk: &dyn Disk, dir: &Path, pairs: &[(Cf, Bytes, Bytes)]) -> Result<()> {
    let mut content = vec![VERSION];
    for (cf, key, value) in pairs {
        #[expect(clippy::cast_possible_truncation, reason = "there are four column families")]
        let family = cf.index() as u8;
        content.push(family);
        codec::encode_compact_bytes(&mut content, key);
        codec::encode_compact_bytes(&mut content, value);
    }
    let checksum = crc32fast::hash(&content);
    content.extend_from_slice(&checksum.to_be_bytes());
    disk.create_dir_all(dir)?;
    Ok(disk.write_atomic(&dir.join(FILE_NAME), &content)?)
}

pub(super) fn read(disk: &dyn Disk, dir: &Path) -> Result<WriteBatch> {
    let path = dir.join(FILE_NAME);
    let content = disk.read(&path)?;
    let corrupt = |reason: &str| Error::Corruption(format!("{}: {reason}", path.display()));
    let (body, checksum) = content.split_last_chunk::<4>().ok_or_else(|| corrupt("too short"))?;
    if crc32fast::hash(body) != u32::from_be_bytes(*checksum) {
        return Err(corrupt("checksum does not match"));
    }
    let mut rest = body;
    if codec::decode_u8(&mut rest).ok() != Some(VERSION) {
        return Err(corrupt("unknown version"));
    }
    let mut batch = WriteBatch::new();
    while !rest.is_empty() {
        let pair = decode_pair(&mut rest).map_err(|error| corrupt(&error.to_string()))?;
        let cf = Cf::ALL.get(usize::from(pair.0)).ok_or_else(|| corrupt("unknown column family"))?;
        batch.put(*cf, pair.1, pair.2);
    }
    Ok(batch)
}

fn decode_pair<'a>(rest: &mut &'a [u8]) -> rutile_kv_types::Result<(u8, &'a [u8], &'a [u8])> {
    Ok((codec::decode_u8(rest)?, codec::decode_compact_bytes(rest)?, codec::decode_compact_bytes(rest)?))
}
