//! What binding needs to know about the session and the catalog.

use std::fmt;
use std::sync::Arc;

use rutile_sql_parser::ast::VariableScope;
use rutile_sql_types::{FieldType, MySqlError, Value};

use crate::catalog::InfoSchema;
use crate::expression::Evaluation;

/// The variables an expression may read. They are read once, when the statement is bound, and are
/// constants from then on.
pub trait SessionValues: Send + Sync {
    /// `@@[scope.]name`: 1193 for an unknown name, 1238 for one without the scope.
    fn system_variable(
        &self,
        scope: Option<VariableScope>,
        name: &str,
    ) -> Result<(Value, FieldType), MySqlError>;

    /// `@name`; NULL if it was never set.
    fn user_variable(&self, name: &str) -> (Value, FieldType);
}

/// The tables the server computes: INFORMATION_SCHEMA and its like.
pub trait VirtualTables: Send + Sync {
    /// Whether the database exists only here (names compare in any case, as MySQL does for these).
    fn has_database(&self, database: &str) -> bool;

    fn table(&self, database: &str, table: &str) -> Option<Arc<dyn VirtualTable>>;
}

/// One computed table.
pub trait VirtualTable: Send + Sync + fmt::Debug {
    fn name(&self) -> &str;

    fn columns(&self) -> Vec<(Arc<str>, FieldType)>;

    /// All rows, as the session that binds the query may see them.
    fn rows(&self) -> Result<Vec<Vec<Value>>, MySqlError>;
}

/// The surroundings of one statement while it is bound.
#[derive(Clone)]
pub struct BindContext<'a> {
    pub catalog: &'a InfoSchema,
    pub current_database: Option<&'a str>,
    pub session: &'a dyn SessionValues,
    pub virtual_tables: &'a dyn VirtualTables,
    /// Values of the placeholders; `None` while preparing, when only types matter.
    pub parameters: Option<&'a [(Value, FieldType)]>,
    /// Placeholders stay, with the types of their values.
    pub keeps_placeholders: bool,
    pub statement: Arc<Evaluation>,
}
