//! What makes a table a view.

use serde::{Deserialize, Serialize};

/// The query behind a view. Its columns are the table's; it has no rows of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewInfo {
    /// The query's text, as written; names without a database mean the view's database.
    pub query: String,
    /// What the query calls each column of the view, so that one added to a table later is not taken for another.
    pub sources: Vec<String>,
    /// `user@host`
    pub definer: String,
    /// `SQL SECURITY INVOKER`
    #[serde(default)]
    pub invoker_security: bool,
    /// `UNDEFINED`, `MERGE` or `TEMPTABLE`.
    pub algorithm: String,
    pub charset_client: String,
    pub collation_connection: String,
}
