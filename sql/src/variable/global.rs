//! The server's values.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use rutile_sql_types::{MySqlError, SqlMode, Value, Warnings};

use super::check::check;
use super::definition::{Access, Definition, all, find};
use crate::memory::MemoryLimit;

/// What only the running server knows.
#[derive(Debug, Clone, Default)]
pub struct ServerFacts {
    /// `8.0.x-Rutile-…`
    pub version: String,
    pub hostname: String,
    pub datadir: String,
    pub port: u16,
    pub socket: String,
    pub server_uuid: String,
    /// Variables whose first value the server's configuration gives.
    pub configured: Vec<(&'static str, u64)>,
}

/// Values by name; shared with the sessions that started under it, so never changed in place.
pub(super) type Snapshot = Arc<HashMap<&'static str, Value>>;

/// The global values of all variables that have one.
#[derive(Debug)]
pub struct GlobalVariables {
    values: RwLock<Snapshot>,
}

impl GlobalVariables {
    /// Defaults, and the facts of this server.
    pub fn new(facts: &ServerFacts, memory: MemoryLimit) -> Self {
        let mut values: HashMap<&'static str, Value> =
            all().into_iter().map(|definition| (definition.name, definition.default_value())).collect();
        values.insert("rutile_server_memory_limit", Value::UInt(memory.server_bytes as u64));
        values.insert("version", Value::text(&facts.version));
        values.insert("hostname", Value::text(&facts.hostname));
        values.insert("datadir", Value::text(&facts.datadir));
        values.insert("port", Value::UInt(u64::from(facts.port)));
        values.insert("socket", Value::text(&facts.socket));
        values.insert("server_uuid", Value::text(&facts.server_uuid));
        values.extend(facts.configured.iter().map(|(name, value)| (*name, Value::UInt(*value))));
        Self { values: RwLock::new(Arc::new(values)) }
    }

    /// The values a new session starts with.
    pub(super) fn snapshot(&self) -> Snapshot {
        Arc::clone(&self.values.read())
    }

    pub fn get(&self, definition: &Definition) -> Value {
        self.values.read().get(definition.name).cloned().unwrap_or(Value::Null)
    }

    /// The value of a variable that is a number; 0 for any other.
    pub fn number(&self, name: &str) -> u64 {
        match self.values.read().get(name) {
            Some(Value::UInt(number)) => *number,
            Some(Value::Int(number)) => u64::try_from(*number).unwrap_or(0),
            _ => 0,
        }
    }

    /// The server's configuration was read again and has another value.
    pub fn configure(&self, name: &'static str, value: u64) {
        Arc::make_mut(&mut *self.values.write()).insert(name, Value::UInt(value));
    }

    /// SET GLOBAL. Answers the stored value.
    pub fn set(
        &self,
        definition: &'static Definition,
        value: Option<&Value>,
        sql_mode: SqlMode,
        warnings: &mut Warnings,
    ) -> Result<Value, MySqlError> {
        if definition.access == Access::ReadOnly {
            return Err(MySqlError::incorrect_global_local_variable(definition.name, "read only"));
        }
        if !definition.has_global() {
            return Err(MySqlError::local_variable(definition.name));
        }
        let stored = match value {
            None => definition.default_value(),
            Some(value) => {
                let strict_all = sql_mode.contains(SqlMode::STRICT_ALL_TABLES);
                check(definition, value, &self.get(definition), strict_all, warnings)?
            }
        };
        let mut values = self.values.write();
        let changed = Arc::make_mut(&mut values);
        changed.insert(definition.name, stored.clone());
        for (other, value) in super::session::coupled(definition.name, &stored) {
            changed.insert(other, value);
        }
        Ok(stored)
    }

    /// Takes a value that SET PERSIST stored; a name or value this version does not know is answered.
    pub fn restore(&self, name: &str, text: &str) -> Result<(), MySqlError> {
        let definition = find(name).ok_or_else(|| MySqlError::unknown_system_variable(name))?;
        let value = match definition.default_value() {
            Value::Int(_) | Value::UInt(_) => match text.parse::<u64>() {
                Ok(number) => Value::UInt(number),
                Err(_) => Value::text(text),
            },
            Value::Double(_) => Value::Double(text.parse().unwrap_or(0.0)),
            _ => Value::text(text),
        };
        let mut warnings = Warnings::default();
        self.set(definition, Some(&value), SqlMode::EMPTY, &mut warnings).map(drop)
    }
}
