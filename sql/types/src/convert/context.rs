//! What a conversion needs from its statement, and where it reports.

use crate::{MySqlError, SqlMode, TimeZone, Warnings};

/// Mode, zone and warning sink of one statement.
#[derive(Clone, Debug)]
pub struct ConvertContext {
    pub sql_mode: SqlMode,
    pub time_zone: TimeZone,
    pub warnings: Warnings,
    /// Row of the INSERT or UPDATE, from 1, for messages.
    pub row: u64,
    /// INSERT IGNORE, UPDATE IGNORE: strict mode's errors become warnings.
    pub ignore: bool,
    /// The statement's date, which a TIME becomes when it is read as a date with time.
    pub current_date: crate::PackedDatetime,
}

impl Default for ConvertContext {
    fn default() -> Self {
        Self {
            sql_mode: SqlMode::default(),
            time_zone: TimeZone::UTC,
            warnings: Warnings::default(),
            row: 1,
            ignore: false,
            current_date: crate::PackedDatetime::date(1970, 1, 1),
        }
    }
}

impl ConvertContext {
    pub fn warn(&mut self, error: MySqlError) {
        self.warnings.warn(error);
    }

    pub fn is_strict(&self) -> bool {
        self.sql_mode.is_strict() && !self.ignore
    }

    /// An error in strict mode, else a warning and the value that fits best.
    pub fn complain<T>(&mut self, error: MySqlError, instead: T) -> Result<T, MySqlError> {
        if self.is_strict() {
            return Err(error);
        }
        self.warn(error);
        Ok(instead)
    }
}
