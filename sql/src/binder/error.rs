//! The errors of binding that need more than `MySqlError`'s table: clause names and the long texts of
//! ONLY_FULL_GROUP_BY.

use rutile_sql_types::MySqlError;

/// Where in the statement a name stands; MySQL names it in 1052 and 1054.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clause {
    FieldList,
    Where,
    On,
    Group,
    Having,
    Order,
    From,
    /// The expression of a generated column.
    Generated,
    /// A partitioning function.
    Partition,
}

impl Clause {
    pub fn name(self) -> &'static str {
        match self {
            Self::FieldList => "field list",
            Self::Where => "where clause",
            Self::On => "on clause",
            Self::Group => "group statement",
            Self::Having => "having clause",
            Self::Order => "order clause",
            Self::From => "from clause",
            Self::Generated => "generated column function",
            Self::Partition => "partition function",
        }
    }

    /// The clause as the texts of 1055 write it.
    fn list_name(self) -> &'static str {
        match self {
            Self::Order => "ORDER BY clause",
            Self::Having => "HAVING clause",
            _ => "SELECT list",
        }
    }
}

/// 1055
pub fn not_in_group_by(position: usize, clause: Clause, column: &str) -> MySqlError {
    MySqlError::new(
        1055,
        "42000",
        format!(
            "Expression #{position} of {} is not in GROUP BY clause and contains nonaggregated column \
             '{column}' which is not functionally dependent on columns in GROUP BY clause; this is \
             incompatible with sql_mode=only_full_group_by",
            clause.list_name()
        ),
    )
}

/// 1140
pub fn mixed_without_group_by(position: usize, clause: Clause, column: &str) -> MySqlError {
    MySqlError::new(
        1140,
        "42000",
        format!(
            "In aggregated query without GROUP BY, expression #{position} of {} contains nonaggregated \
             column '{column}'; this is incompatible with sql_mode=only_full_group_by",
            clause.list_name()
        ),
    )
}

/// 3065
pub fn order_not_in_distinct(position: usize, column: &str) -> MySqlError {
    MySqlError::new(
        3065,
        "HY000",
        format!(
            "Expression #{position} of ORDER BY clause is not in SELECT list, references column '{column}' \
             which is not in SELECT list; this is incompatible with DISTINCT"
        ),
    )
}

/// 1235, for a form of a feature that has no name of its own in MySQL.
pub fn not_supported(feature: &str) -> MySqlError {
    MySqlError::not_supported_yet(feature)
}
