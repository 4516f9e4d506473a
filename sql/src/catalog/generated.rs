//! What the catalog holds of a generated column, and the bound expressions that belong to one definition.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rutile_sql_types::MySqlError;
use serde::{Deserialize, Serialize};

use super::ColumnId;
use crate::generation::Generation;

/// `[GENERATED ALWAYS] AS (expression)`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedColumn {
    /// The canonical text, as MySQL prints it.
    pub expression: String,
    /// STORED: the value is in the row. VIRTUAL: it is computed when the row is read.
    pub stored: bool,
    /// The columns of the table that the expression names. Ids, because while a definition changes there may be
    /// two columns of a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<ColumnId>,
}

/// The bound expressions of one definition: bound when first asked for, shared by all who hold the definition. A copy
/// of the definition, which is about to be changed, starts without.
#[derive(Default)]
pub struct GenerationCell(OnceLock<Result<Option<Arc<Generation>>, MySqlError>>);

impl GenerationCell {
    pub(super) fn get_or_bind(
        &self,
        bind: impl FnOnce() -> Result<Option<Generation>, MySqlError>,
    ) -> Result<Option<&Arc<Generation>>, MySqlError> {
        match self.0.get_or_init(|| Ok(bind()?.map(Arc::new))) {
            Ok(generation) => Ok(generation.as_ref()),
            Err(error) => Err(error.clone()),
        }
    }
}

impl Clone for GenerationCell {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for GenerationCell {
    /// Definitions are equal by what they say.
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl fmt::Debug for GenerationCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GenerationCell")
    }
}
