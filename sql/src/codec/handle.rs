//! The handle: what names a row inside its table.
//!
//! A table clustered on one integer column, and a table without a usable primary key (hidden row id),
//! have integer handles. A table clustered on anything else has a common handle: the memcomparable
//! datums of its primary key.

use bytes::Bytes;

use super::datum::{self, INT_FLAG};
use super::error::{CodecError, Result};

/// Names a row; order of handles is order of record keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Handle {
    Int(i64),
    /// Encoded datums of the clustered key.
    Common(Bytes),
}

impl Handle {
    /// Appends the part of a record key after `_r`.
    pub fn append_to_record_key(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(handle) => datum::append_i64(out, *handle),
            Self::Common(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// Reads what `append_to_record_key` wrote; `common` says which kind the table has.
    pub fn from_record_suffix(suffix: &[u8], common: bool) -> Result<Self> {
        if common {
            return Ok(Self::Common(Bytes::copy_from_slice(suffix)));
        }
        let bytes: [u8; 8] = suffix
            .try_into()
            .map_err(|_| CodecError::malformed("integer handle", format!("{} bytes", suffix.len())))?;
        Ok(Self::Int(datum::i64_from_memcomparable(bytes)))
    }

    /// Appends the handle as the last datum of a non-unique index key.
    pub fn append_to_index_key(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(handle) => {
                out.push(INT_FLAG);
                datum::append_i64(out, *handle);
            }
            Self::Common(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// Reads the tail of a non-unique index key.
    pub fn from_index_suffix(suffix: &[u8], common: bool) -> Result<Self> {
        if common {
            return Ok(Self::Common(Bytes::copy_from_slice(suffix)));
        }
        match suffix.split_first() {
            Some((&INT_FLAG, rest)) => Self::from_record_suffix(rest, false),
            Some((&flag, _)) => {
                Err(CodecError::malformed("index key handle", format!("flag {flag} in place of an integer")))
            }
            None => Err(CodecError::Truncated { what: "index key handle" }),
        }
    }
}
