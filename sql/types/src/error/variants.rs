//! Texts that share a number with one in the table: MySQL words 1292 and 1366 differently by place.

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

    /// The Warning MySQL gives when CAST AS UNSIGNED wraps a negative number.
    pub fn cast_to_unsigned_wrapped() -> MySqlError {
        MySqlError::new(
            1105,
            "HY000",
            "Cast to unsigned converted negative integer to its positive complement",
        )
    }
}
