//! What one system variable is.

use rutile_sql_types::{FieldType, TypeKind, Value};

use super::{known, table};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Global,
    Session,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    ReadWrite,
    ReadOnly,
    /// Settable globally; the session value only follows (error 1621).
    SessionReadOnly,
}

/// The values a variable takes and how they are checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Bool,
    Integer {
        min: u64,
        max: u64,
    },
    Signed {
        min: i64,
        max: i64,
    },
    Double,
    Text,
    NullableText,
    Enum(&'static [&'static str]),
    SqlMode,
    Charset,
    NullableCharset,
    Collation,
    TimeZone,
    Isolation,
    Engine,
    OptimizerSwitch,
    /// Seconds since 1970 with a fraction; 0 follows the clock.
    Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Definition {
    pub name: &'static str,
    pub scope: Scope,
    pub access: Access,
    pub kind: Kind,
    /// As SHOW VARIABLES prints it; `NULL` is the NULL of a nullable kind.
    pub default: &'static str,
}

pub(super) const fn define(
    name: &'static str,
    scope: Scope,
    access: Access,
    kind: Kind,
    default: &'static str,
) -> Definition {
    Definition { name, scope, access, kind, default }
}

/// A variable by name, in any case.
pub fn find(name: &str) -> Option<&'static Definition> {
    let name = name.to_ascii_lowercase();
    let search = |list: &'static [Definition]| {
        list.binary_search_by(|definition| definition.name.cmp(&name)).ok().and_then(|at| list.get(at))
    };
    search(table::FIRST).or_else(|| search(known::KNOWN))
}

/// All variables in order of name.
pub fn all() -> Vec<&'static Definition> {
    let mut all: Vec<_> = table::FIRST.iter().chain(known::KNOWN).collect();
    all.sort_by_key(|definition| definition.name);
    all
}

impl Definition {
    pub fn has_global(&self) -> bool {
        self.scope != Scope::Session
    }

    pub fn has_session(&self) -> bool {
        self.scope != Scope::Global
    }

    /// The default as a stored value.
    pub fn default_value(&self) -> Value {
        match self.kind {
            Kind::Bool => Value::Int(i64::from(self.default == "ON")),
            Kind::Integer { .. } => Value::UInt(self.default.parse().unwrap_or(0)),
            Kind::Signed { .. } => Value::Int(self.default.parse().unwrap_or(0)),
            Kind::Double | Kind::Timestamp => Value::Double(self.default.parse().unwrap_or(0.0)),
            Kind::NullableText | Kind::NullableCharset if self.default == "NULL" => Value::Null,
            _ => Value::text(self.default),
        }
    }

    /// The type of `SELECT @@name`, as MySQL reports it.
    pub fn ty(&self) -> FieldType {
        match self.kind {
            Kind::Bool => FieldType::boolean(),
            Kind::Integer { .. } => FieldType::ubigint(),
            Kind::Signed { .. } => FieldType::bigint(),
            Kind::Double | Kind::Timestamp => FieldType { decimals: 6, ..FieldType::new(TypeKind::Double) },
            _ => FieldType::varchar(TEXT_LENGTH, rutile_sql_types::Collation::DEFAULT),
        }
    }

    /// The value as SHOW VARIABLES prints it.
    pub fn show(&self, value: &Value) -> String {
        match (self.kind, value) {
            (_, Value::Null) => String::new(),
            (Kind::Bool, Value::Int(v)) => if *v == 0 { "OFF" } else { "ON" }.to_owned(),
            (_, Value::Int(v)) => v.to_string(),
            (_, Value::UInt(v)) => v.to_string(),
            (_, Value::Double(v)) => format!("{v:.6}"),
            (_, Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            (_, other) => format!("{other:?}"),
        }
    }
}

/// Characters of a text variable in result metadata.
const TEXT_LENGTH: u32 = 1024;
