//! The JSON value. Besides the JSON types it knows MySQL's: decimals, dates, times and opaque bytes.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::field_type::WireType;
use crate::{Decimal, Duration, PackedDatetime};

/// A JSON document or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Double(f64),
    Decimal(Decimal),
    String(String),
    Array(Vec<Json>),
    Object(JsonObject),
    Date(PackedDatetime),
    Datetime(PackedDatetime),
    Timestamp(PackedDatetime),
    Time(Duration),
    /// Bytes of a type without a JSON form (BLOB, BIT ...), printed as `base64:typeN:...`.
    Opaque(WireType, Bytes),
}

/// An object key in MySQL's order: shorter keys first, equal lengths by bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonKey(pub String);

impl Ord for JsonKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.as_bytes().cmp(other.0.as_bytes()))
    }
}

impl PartialOrd for JsonKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Members of an object, sorted as MySQL stores them.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct JsonObject {
    members: BTreeMap<JsonKey, Json>,
}

impl JsonObject {
    pub fn new() -> Self {
        Self::default()
    }

    /// The last of duplicate keys wins.
    pub fn insert(&mut self, key: impl Into<String>, value: Json) -> Option<Json> {
        self.members.insert(JsonKey(key.into()), value)
    }

    pub fn get(&self, key: &str) -> Option<&Json> {
        self.members.get(&JsonKey(key.to_owned()))
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        self.members.get_mut(&JsonKey(key.to_owned()))
    }

    pub fn remove(&mut self, key: &str) -> Option<Json> {
        self.members.remove(&JsonKey(key.to_owned()))
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.members.iter().map(|(k, v)| (k.0.as_str(), v))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Json)> {
        self.members.iter_mut().map(|(k, v)| (k.0.as_str(), v))
    }
}

impl IntoIterator for JsonObject {
    type Item = (String, Json);
    type IntoIter = Box<dyn Iterator<Item = (String, Json)>>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.members.into_iter().map(|(k, v)| (k.0, v)))
    }
}

impl Json {
    /// JSON_TYPE().
    pub fn type_name(&self) -> &'static str {
        match self {
            Json::Null => "NULL",
            Json::Bool(_) => "BOOLEAN",
            Json::Int(_) => "INTEGER",
            Json::UInt(_) => "UNSIGNED INTEGER",
            Json::Double(_) => "DOUBLE",
            Json::Decimal(_) => "DECIMAL",
            Json::String(_) => "STRING",
            Json::Array(_) => "ARRAY",
            Json::Object(_) => "OBJECT",
            Json::Date(_) => "DATE",
            Json::Datetime(_) => "DATETIME",
            Json::Timestamp(_) => "DATETIME",
            Json::Time(_) => "TIME",
            Json::Opaque(WireType::Bit, _) => "BIT",
            Json::Opaque(WireType::Blob | WireType::VarString | WireType::String, _) => "BLOB",
            Json::Opaque(..) => "OPAQUE",
        }
    }

    pub fn memory_size(&self) -> usize {
        size_of::<Json>()
            + match self {
                Json::String(s) => s.len(),
                Json::Opaque(_, bytes) => bytes.len(),
                Json::Array(items) => items.iter().map(Json::memory_size).sum(),
                Json::Object(object) => object.iter().map(|(k, v)| k.len() + v.memory_size()).sum(),
                _ => 0,
            }
    }
}
