//! What commands ask of PD: its HTTP pages, and changes through them. Tests answer in its place.

use std::path::Path;

use rutile_kv_env::BoxFuture;
use serde_json::Value;

/// Where pages come from.
pub(super) trait Pages: Sync {
    /// The page behind `/pd/api/v1`; an error is one line.
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, String>>;

    /// Changes something there.
    fn change<'a>(&'a self, change: Change<'a>) -> BoxFuture<'a, Result<Value, String>>;

    /// A file on this machine.
    fn read_file(&self, path: &Path) -> Result<Vec<u8>, String>;

    fn write_file(&self, path: &Path, content: &[u8]) -> Result<(), String>;
}

/// A request that changes something.
pub(super) struct Change<'a> {
    /// `POST` or `DELETE`.
    pub(super) method: &'static str,
    pub(super) path: &'a str,
    /// JSON; null for none.
    pub(super) body: Value,
}

impl<'a> Change<'a> {
    pub(super) fn post(path: &'a str, body: Value) -> Change<'a> {
        Change { method: "POST", path, body }
    }

    pub(super) fn delete(path: &'a str) -> Change<'a> {
        Change { method: "DELETE", path, body: Value::Null }
    }

    pub(super) fn text(&self) -> String {
        if self.body.is_null() { String::new() } else { self.body.to_string() }
    }
}
