//! A database (schema): a name, an id and the collation its tables inherit.

use rutile_sql_types::Collation;
use serde::{Deserialize, Serialize};

use super::{DatabaseId, stored};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatabaseInfo {
    pub id: DatabaseId,
    pub name: String,
    #[serde(with = "stored::collation")]
    pub collation: Collation,
}
