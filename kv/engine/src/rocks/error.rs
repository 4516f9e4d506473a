//! RocksDB's messages as our errors.

use std::io;
use std::path::Path;

use rocksdb::ErrorKind;

use crate::Error;

/// `path` is added when the message does not name a file below it.
pub(super) fn from_rocks(path: &Path, error: rocksdb::Error) -> Error {
    let kind = error.kind();
    let mut text = error.into_string();
    let path = path.display().to_string();
    if !text.contains(&path) {
        text = format!("{path}: {text}");
    }
    match kind {
        ErrorKind::Corruption => Error::Corruption(text),
        ErrorKind::IOError if text.contains("No space left") => {
            Error::Io(io::Error::new(io::ErrorKind::StorageFull, text))
        }
        ErrorKind::IOError => Error::Io(io::Error::other(text)),
        _ => Error::Engine(text),
    }
}
