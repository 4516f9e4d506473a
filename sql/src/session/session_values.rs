//! The session as the binder sees it: variables, and the tables the server computes.

use std::sync::Arc;

use rutile_sql_parser::ast::VariableScope;
use rutile_sql_types::{FieldType, Level, MySqlError, Value};

use super::instance::Instance;
use super::state::SessionState;
use crate::binder::{SessionValues, VirtualTable, VirtualTables};
use crate::catalog::InfoSchema;
use crate::infoschema;
use crate::variable::{self, Definition};

/// A view of a session for one statement.
pub struct SessionView<'s> {
    instance: &'s Instance,
    state: &'s SessionState,
    infoschema: Option<Arc<InfoSchema>>,
}

impl<'s> SessionView<'s> {
    pub fn new(instance: &'s Instance, state: &'s SessionState) -> Self {
        Self { instance, state, infoschema: None }
    }

    /// Computed tables show this snapshot of the catalog instead of the newest.
    #[must_use]
    pub fn with_infoschema(mut self, infoschema: Arc<InfoSchema>) -> Self {
        self.infoschema = Some(infoschema);
        self
    }

    /// The value of a variable as the session sees it, also of those that are computed.
    pub fn session_value(&self, definition: &Definition) -> Value {
        match definition.name {
            "warning_count" => Value::UInt(self.state.warnings.total()),
            "error_count" => {
                let errors = self.state.warnings.as_slice().iter().filter(|w| w.level == Level::Error);
                Value::UInt(errors.count() as u64)
            }
            "last_insert_id" | "identity" => Value::UInt(self.state.last_insert_id),
            "insert_id" => Value::UInt(self.state.next_insert_id.unwrap_or(0)),
            #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 fit 53 bits until 2255")]
            "timestamp" => Value::Double(self.state.statement_micros as f64 / 1e6),
            _ if definition.has_session() => self.state.variables.get(definition),
            _ => self.instance.global_variables().get(definition),
        }
    }
}

impl SessionValues for SessionView<'_> {
    fn system_variable(
        &self,
        scope: Option<VariableScope>,
        name: &str,
    ) -> Result<(Value, FieldType), MySqlError> {
        let definition = variable::find(name).ok_or_else(|| MySqlError::unknown_system_variable(name))?;
        let wrong_scope = |kind| MySqlError::incorrect_global_local_variable(definition.name, kind);
        let value = match scope {
            Some(VariableScope::Global | VariableScope::Persist | VariableScope::PersistOnly) => {
                if !definition.has_global() {
                    return Err(wrong_scope("SESSION"));
                }
                self.instance.global_variables().get(definition)
            }
            Some(VariableScope::Session) if !definition.has_session() => return Err(wrong_scope("GLOBAL")),
            Some(VariableScope::Session) | None => self.session_value(definition),
        };
        Ok((value, definition.ty()))
    }

    fn user_variable(&self, name: &str) -> (Value, FieldType) {
        self.state.user_variable(name)
    }
}

impl VirtualTables for SessionView<'_> {
    fn has_database(&self, database: &str) -> bool {
        infoschema::is_virtual_database(database)
    }

    fn table(&self, database: &str, table: &str) -> Option<Arc<dyn VirtualTable>> {
        let schema = match &self.infoschema {
            Some(schema) => Arc::clone(schema),
            None => self.instance.infoschema(),
        };
        infoschema::virtual_table(database, table, self.instance, self.state, schema)
    }
}
