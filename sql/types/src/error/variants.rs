//! Texts that share a number with one in the table: MySQL words 1292, 1366 and others differently by place.

use std::fmt::Display;

use super::MySqlError;

impl MySqlError {
    /// ERROR 1292 (22007): Incorrect {kind} value: '{value}'
    pub fn incorrect_temporal(kind: impl Display, value: impl Display) -> MySqlError {
        MySqlError::new(1292, "22007", format!("Incorrect {kind} value: '{value}'"))
    }

    /// ERROR 1292 (22007): Incorrect {kind} value: '{value}' for column '{column}' at row {row}
    pub fn incorrect_temporal_for_column(
        kind: impl Display,
        value: impl Display,
        column: impl Display,
        row: u64,
    ) -> MySqlError {
        MySqlError::new(
            1292,
            "22007",
            format!("Incorrect {kind} value: '{value}' for column '{column}' at row {row}"),
        )
    }

    /// ERROR 1436 (HY000): Thread stack overrun: views nest deeper than {limit} levels
    pub fn views_too_deep(limit: impl Display) -> MySqlError {
        MySqlError::new(1436, "HY000", format!("Thread stack overrun: views nest deeper than {limit} levels"))
    }

    /// The Warning 1064 for a hint that can not be read: Optimizer hint syntax error near '{near}'
    pub fn hint_syntax(near: impl Display) -> MySqlError {
        MySqlError::new(1064, "42000", format!("Optimizer hint syntax error near '{near}'"))
    }

    /// The Warning MySQL gives when CAST AS UNSIGNED wraps a negative number.
    pub fn cast_to_unsigned_wrapped() -> MySqlError {
        MySqlError::new(
            1105,
            "HY000",
            "Cast to unsigned converted negative integer to its positive complement",
        )
    }
}
