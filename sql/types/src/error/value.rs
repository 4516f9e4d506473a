//! The error and warning values themselves, and the sink that statements collect warnings in.

use std::fmt;

/// What a caller may do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The statement or its data is at fault: show it to the user.
    User,
    /// The transaction lost against another one: the client may run it again (1213, 1205).
    Retry,
    /// The server is at fault.
    Internal,
}

/// One MySQL error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct MySqlError {
    pub code: u16,
    pub sqlstate: &'static str,
    pub message: String,
}

impl fmt::Display for MySqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ERROR {} ({}): {}", self.code, self.sqlstate, self.message)
    }
}

impl MySqlError {
    /// An error whose constructor is not in the table; SQLSTATE HY000 is MySQL's "general error".
    pub fn new(code: u16, sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { code, sqlstate, message: message.into() }
    }

    /// An error that came as text from another process; a SQLSTATE that none of ours has becomes HY000.
    pub fn of_parts(code: u16, sqlstate: &str, message: String) -> Self {
        let sqlstate = super::table::sqlstates().find(|known| *known == sqlstate).unwrap_or("HY000");
        Self { code, sqlstate, message }
    }

    pub fn class(&self) -> ErrorClass {
        match self.code {
            1205 | 1213 => ErrorClass::Retry,
            1105 | 1815 => ErrorClass::Internal,
            _ => ErrorClass::User,
        }
    }

    /// The same text as a warning of the given level.
    pub fn into_warning(self, level: Level) -> Warning {
        Warning { level, code: self.code, message: self.message }
    }
}

/// Level column of SHOW WARNINGS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Note,
    Warning,
    Error,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Note => "Note",
            Level::Warning => "Warning",
            Level::Error => "Error",
        }
    }
}

/// One line of SHOW WARNINGS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub level: Level,
    pub code: u16,
    pub message: String,
}

/// Warnings of one statement. MySQL keeps the first `max_error_count` texts and counts all of them.
#[derive(Clone, Debug)]
pub struct Warnings {
    kept: Vec<Warning>,
    total: u64,
    limit: usize,
}

/// Default of the system variable `max_error_count`.
pub const MAX_ERROR_COUNT: usize = 1024;

impl Default for Warnings {
    fn default() -> Self {
        Self::with_limit(MAX_ERROR_COUNT)
    }
}

impl Warnings {
    pub fn with_limit(limit: usize) -> Self {
        Self { kept: Vec::new(), total: 0, limit }
    }

    pub fn push(&mut self, warning: Warning) {
        self.total = self.total.saturating_add(1);
        if self.kept.len() < self.limit {
            self.kept.push(warning);
        }
    }

    pub fn warn(&mut self, error: MySqlError) {
        self.push(error.into_warning(Level::Warning));
    }

    pub fn note(&mut self, error: MySqlError) {
        self.push(error.into_warning(Level::Note));
    }

    pub fn as_slice(&self) -> &[Warning] {
        &self.kept
    }

    /// All warnings raised, also those whose text was not kept.
    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    pub fn clear(&mut self) {
        self.kept.clear();
        self.total = 0;
    }

    /// Moves all warnings out, for instance from a worker's sink into the statement's.
    pub fn take(&mut self) -> Vec<Warning> {
        self.total = 0;
        std::mem::take(&mut self.kept)
    }
}
