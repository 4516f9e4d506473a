//! Every durable key of the catalog.
//!
//! A string lives at `m{name}s`, a field of a hash at `m{name}h{field}`; names and fields are
//! memcomparable bytes, the type marks are eight bytes wide, so the fields of a hash are one key range.

use bytes::Bytes;
use rutile_kv_types::KeyRange;
use rutile_kv_types::codec::{decode_bytes, encode_bytes, encode_u64};

use crate::catalog::{DatabaseId, TableId};
use crate::codec::CodecError;

/// First byte of every key here.
pub const META_PREFIX: u8 = b'm';
const STRING: u64 = b's' as u64;
const HASH_FIELD: u64 = b'h' as u64;

/// Version of the layout below and of the JSON in it; a reader refuses a newer one.
pub const FORMAT_VERSION: u64 = 1;

fn string(name: &str) -> Bytes {
    Bytes::from(prefix(name, STRING))
}

fn hash_field(name: &str, field: &str) -> Bytes {
    let mut key = prefix(name, HASH_FIELD);
    encode_bytes(&mut key, field.as_bytes());
    Bytes::from(key)
}

fn hash_range(name: &str) -> KeyRange {
    KeyRange::prefix(prefix(name, HASH_FIELD))
}

fn prefix(name: &str, kind: u64) -> Vec<u8> {
    let mut key = vec![META_PREFIX];
    encode_bytes(&mut key, name.as_bytes());
    encode_u64(&mut key, kind);
    key
}

/// The field part of a key of `hash_range(name)`.
pub fn field_of(range: &KeyRange, key: &[u8]) -> Result<String, CodecError> {
    let malformed = |detail: String| CodecError::malformed("catalog key", detail);
    let mut field = key.get(range.start.len()..).ok_or(CodecError::Truncated { what: "catalog key" })?;
    let bytes = decode_bytes(&mut field).map_err(|error| malformed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| malformed(error.to_string()))
}

/// Layout version of the catalog.
pub fn format_version() -> Bytes {
    string("FormatVersion")
}

/// The last id given to a database, table or DDL job.
pub fn next_global_id() -> Bytes {
    string("NextGlobalID")
}

/// The current schema version.
pub fn schema_version() -> Bytes {
    string("SchemaVersionKey")
}

/// What a schema version changed.
pub fn schema_diff(version: i64) -> Bytes {
    string(&format!("Diff:{version}"))
}

/// All databases by id.
pub fn databases() -> KeyRange {
    hash_range("DBs")
}

pub fn database(id: DatabaseId) -> Bytes {
    hash_field("DBs", &format!("DB:{id}"))
}

/// All tables of a database by id.
pub fn tables(database: DatabaseId) -> KeyRange {
    hash_range(&format!("DB:{database}"))
}

pub fn table(database: DatabaseId, table: TableId) -> Bytes {
    hash_field(&format!("DB:{database}"), &format!("Table:{table}"))
}

/// The first AUTO_INCREMENT value nobody reserved.
pub fn auto_increment(table: TableId) -> Bytes {
    hash_field("IID", &table.to_string())
}

/// The first hidden row id nobody reserved.
pub fn row_id(table: TableId) -> Bytes {
    hash_field("TID", &table.to_string())
}

/// Unfinished DDL jobs by id.
pub fn jobs() -> KeyRange {
    hash_range("DDLJobs")
}

pub fn job(id: i64) -> Bytes {
    // Zero padded, so that key order is the order of arrival.
    hash_field("DDLJobs", &format!("{id:020}"))
}

/// Global values of system variables that were set at run time.
pub fn global_variables() -> KeyRange {
    hash_range("GlobalVariables")
}

pub fn global_variable(name: &str) -> Bytes {
    hash_field("GlobalVariables", name)
}

/// SQL nodes by id.
pub fn sql_nodes() -> KeyRange {
    hash_range("SQLNodes")
}

pub fn sql_node(id: u32) -> Bytes {
    // Zero padded, so that key order is the order of ids.
    hash_field("SQLNodes", &format!("{id:04}"))
}

/// The last id given to a SQL node.
pub fn last_sql_node() -> Bytes {
    string("LastSQLNode")
}

/// The SQL node that runs schema changes.
pub fn ddl_owner() -> Bytes {
    string("DDLOwner")
}

/// Tables that SQL nodes hold by LOCK TABLES, by the name of the node's life.
pub fn table_locks() -> KeyRange {
    hash_range("TableLocks")
}

pub fn table_locks_of(node: &str) -> Bytes {
    hash_field("TableLocks", node)
}

/// Rises whenever one of them changes.
pub fn table_locks_version() -> Bytes {
    string("TableLocksVersion")
}

/// Changes whenever there is a letter to the node.
pub fn bell(node: u32) -> Bytes {
    string(&format!("Bell:{node}"))
}

/// Letters to a SQL node by name.
pub fn letters_to(node: u32) -> KeyRange {
    hash_range(&format!("Letters:{node}"))
}

pub fn letter_to(node: u32, name: &str) -> Bytes {
    hash_field(&format!("Letters:{node}"), name)
}

/// Answers to the letters that a SQL node sent, by the name of the letter.
pub fn answers_to(node: u32) -> KeyRange {
    hash_range(&format!("Answers:{node}"))
}

pub fn answer_to(node: u32, name: &str) -> Bytes {
    hash_field(&format!("Answers:{node}"), name)
}

/// Global values of system variables in force on all SQL nodes of a cluster.
pub fn running_variables() -> KeyRange {
    hash_range("RunningVariables")
}

pub fn running_variable(name: &str) -> Bytes {
    hash_field("RunningVariables", name)
}

/// Changes whenever one of them does.
pub fn variables_version() -> Bytes {
    string("RunningVariablesVersion")
}

/// How a user of the cluster proves who he is.
pub fn account(user: &str) -> Bytes {
    hash_field("Accounts", user)
}
