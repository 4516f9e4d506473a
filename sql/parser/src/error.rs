//! Why a text is not a statement, in MySQL's words and numbers.

use thiserror::Error;

/// What the caller can do about an error; every parse error is the user's to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    TellUser,
}

/// The text is no valid statement. `Display` is the message of MySQL's error packet.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ParseError {
    /// 1064. `near` is the text from the offending token on, at most 80 bytes.
    #[error(
        "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the \
         right syntax to use near '{near}' at line {line}"
    )]
    Syntax { near: String, line: u32, offset: u32 },
    /// 1065: nothing but blanks and comments.
    #[error("Query was empty")]
    Empty,
    /// 1436: the statement is nested deeper than [`crate::Limits`] allow.
    #[error("Thread stack overrun: the statement nests {what} deeper than {limit} levels")]
    TooDeep { what: &'static str, limit: u32 },
    /// 3170: the caller has no memory for the tree of so many.
    #[error("Memory capacity for a statement of {limit} tokens exceeded")]
    TooManyTokens { limit: u32 },
    /// 1473.
    #[error("Too high level of nesting for select")]
    QueryNesting,
    /// 1116.
    #[error("Too many tables; MySQL can only use {limit} tables in a join")]
    TooManyTables { limit: u32 },
    /// 1390.
    #[error("Prepared statement contains too many placeholders")]
    TooManyPlaceholders,
    /// 1300: an identifier or a string that must be text is not UTF-8.
    #[error("Invalid utf8mb4 character string: '{text}'")]
    InvalidText { text: String },
    /// 1221.
    #[error("Incorrect usage of {first} and {second}")]
    WrongUsage { first: &'static str, second: &'static str },
    /// Any other error MySQL raises while parsing, with its number and SQLSTATE.
    #[error("{message}")]
    Other { code: u16, sqlstate: &'static str, message: String },
}

impl ParseError {
    /// MySQL's error number.
    pub fn code(&self) -> u16 {
        match self {
            ParseError::Syntax { .. } => 1064,
            ParseError::Empty => 1065,
            ParseError::TooDeep { .. } => 1436,
            ParseError::TooManyTokens { .. } => 3170,
            ParseError::QueryNesting => 1473,
            ParseError::TooManyTables { .. } => 1116,
            ParseError::TooManyPlaceholders => 1390,
            ParseError::InvalidText { .. } => 1300,
            ParseError::WrongUsage { .. } => 1221,
            ParseError::Other { code, .. } => *code,
        }
    }

    /// The five-character SQLSTATE that MySQL pairs with [`ParseError::code`].
    pub fn sqlstate(&self) -> &'static str {
        match self {
            ParseError::Syntax { .. } | ParseError::Empty => "42000",
            ParseError::TooDeep { .. }
            | ParseError::TooManyTokens { .. }
            | ParseError::QueryNesting
            | ParseError::TooManyTables { .. }
            | ParseError::TooManyPlaceholders
            | ParseError::InvalidText { .. }
            | ParseError::WrongUsage { .. } => "HY000",
            ParseError::Other { sqlstate, .. } => sqlstate,
        }
    }

    pub fn class(&self) -> ErrorClass {
        ErrorClass::TellUser
    }
}
