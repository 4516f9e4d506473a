//! What type inference and evaluation need from the statement and the session.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rutile_sql_types::{Collation, ConvertContext, MySqlError, PackedDatetime, SqlMode, TimeZone, Value};

use super::Coercibility;

/// Session settings that decide result types.
#[derive(Clone, Debug)]
pub struct InferContext {
    pub sql_mode: SqlMode,
    pub div_precision_increment: u32,
    pub group_concat_max_len: u64,
    /// collation_connection: what numbers become when they are turned into text.
    pub connection_collation: Collation,
    /// Set by `infer`: how firmly the result holds its collation.
    pub coercibility: Coercibility,
}

impl Default for InferContext {
    fn default() -> Self {
        Self {
            sql_mode: SqlMode::default(),
            div_precision_increment: 4,
            group_concat_max_len: 1024,
            connection_collation: Collation::DEFAULT,
            coercibility: Coercibility::Coercible,
        }
    }
}

/// Source of random bytes; the server hands in its environment's.
pub type Entropy = Box<dyn Fn(&mut [u8]) + Send + Sync>;

/// What expressions may ask of their session and its server. It outlives statements, which share it.
pub struct SessionConstants {
    pub connection_id: u64,
    /// `user@host` as the client logged in, and the account it was matched to.
    pub user: String,
    pub current_user: String,
    pub current_role: String,
    pub version: String,
    /// The wall clock for SYSDATE(), in microseconds since the epoch.
    pub wall_clock: Option<Box<dyn Fn() -> i64 + Send + Sync>>,
    pub entropy: Entropy,
    /// Set while the session's running statement is to stop.
    pub killed: Arc<AtomicBool>,
}

impl fmt::Debug for SessionConstants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionConstants")
    }
}

impl Default for SessionConstants {
    fn default() -> Self {
        Self {
            connection_id: 0,
            user: String::new(),
            current_user: String::new(),
            current_role: "NONE".to_owned(),
            version: "8.4.0-rutile".to_owned(),
            wall_clock: None,
            // Zeros: a caller that needs randomness hands its source in.
            entropy: Box::new(|bytes| bytes.fill(0)),
            killed: Arc::default(),
        }
    }
}

/// Says whether a statement may hold more; the SQL layer hands its quota in.
pub trait MemoryCheck: Send + Sync {
    /// Error 3170 unless so many more bytes fit.
    fn check(&self, bytes: usize) -> Result<(), MySqlError>;
}

/// State of MySQL's RAND(seed) generator.
#[derive(Clone, Copy, Debug)]
pub struct RandomState {
    pub seed1: u64,
    pub seed2: u64,
}

/// Everything a running expression may ask for.
#[derive(Clone)]
pub struct EvalContext {
    pub session: Arc<SessionConstants>,
    pub convert: ConvertContext,
    /// Start of the statement in microseconds since the epoch: NOW() does not move within a statement.
    pub statement_micros: i64,
    pub database: Option<Arc<str>>,
    pub last_insert_id: u64,
    /// Set by LAST_INSERT_ID(expr).
    pub new_last_insert_id: Option<u64>,
    pub row_count: i64,
    pub found_rows: u64,
    pub div_precision_increment: u32,
    pub group_concat_max_len: u64,
    pub max_allowed_packet: usize,
    pub default_week_format: i64,
    /// INSERT, UPDATE or DELETE: division by zero is an error under strict mode.
    pub changes_data: bool,
    /// `None`: no bounds.
    pub memory: Option<Arc<dyn MemoryCheck>>,
    pub random: Option<RandomState>,
    pub uuid_counter: u64,
}

impl Default for EvalContext {
    fn default() -> Self {
        Self::of(Arc::default())
    }
}

impl EvalContext {
    /// The context of a session with MySQL's defaults.
    pub fn of(session: Arc<SessionConstants>) -> Self {
        Self {
            session,
            convert: ConvertContext::default(),
            statement_micros: 0,
            database: None,
            last_insert_id: 0,
            new_last_insert_id: None,
            row_count: 0,
            found_rows: 0,
            div_precision_increment: 4,
            group_concat_max_len: 1024,
            max_allowed_packet: 64 << 20,
            default_week_format: 0,
            changes_data: false,
            memory: None,
            random: None,
            uuid_counter: 0,
        }
    }

    /// Sets the statement's time and with it the date that a TIME belongs to.
    pub fn set_time(&mut self, statement_micros: i64, time_zone: TimeZone) {
        self.statement_micros = statement_micros;
        self.convert.time_zone = time_zone;
        self.convert.current_date = self.now(0).date_only();
    }

    pub fn sql_mode(&self) -> SqlMode {
        self.convert.sql_mode
    }

    pub fn warn(&mut self, error: MySqlError) {
        self.convert.warn(error);
    }

    /// The wall clock now, in microseconds since the epoch.
    pub fn wall_micros(&self) -> i64 {
        self.session.wall_clock.as_ref().map_or(self.statement_micros, |clock| clock())
    }

    /// The statement's local time, cut to `fsp` digits.
    pub fn now(&self, fsp: u8) -> PackedDatetime {
        self.local(self.convert.time_zone, self.statement_micros, fsp)
    }

    pub fn local(&self, zone: TimeZone, micros: i64, fsp: u8) -> PackedDatetime {
        let at = zone.from_unix_micros(micros).unwrap_or_default();
        at.round_to_fsp(fsp, 0, true).unwrap_or(at)
    }

    /// Fails with 1317 once the statement was killed.
    pub fn check_killed(&self) -> Result<(), MySqlError> {
        if self.session.killed.load(Ordering::Relaxed) {
            return Err(MySqlError::query_interrupted());
        }
        Ok(())
    }

    /// Fails with 3170 if so many more bytes are too much for the statement.
    pub fn check_memory(&self, bytes: usize) -> Result<(), MySqlError> {
        match &self.memory {
            Some(memory) => memory.check(bytes),
            None => Ok(()),
        }
    }

    /// Division by zero: NULL, a warning, or an error, by sql_mode.
    pub fn division_by_zero(&mut self) -> Result<Value, MySqlError> {
        if self.sql_mode().contains(SqlMode::ERROR_FOR_DIVISION_BY_ZERO) {
            if self.changes_data && self.convert.is_strict() {
                return Err(MySqlError::division_by_zero());
            }
            self.warn(MySqlError::division_by_zero());
        }
        Ok(Value::Null)
    }

    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.session.entropy)(&mut bytes);
        bytes
    }
}
