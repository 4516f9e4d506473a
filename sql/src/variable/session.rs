//! One session's values, and the settings that the rest of the SQL layer asks for.

use std::collections::HashMap;

use rutile_kv_client::ReplicaRead;
use rutile_sql_types::{Charset, Collation, MySqlError, SqlMode, TimeZone, Value, Warnings};

use super::check::check;
use super::definition::{Access, Definition, Kind, find};
use super::global::{GlobalVariables, Snapshot};
use crate::meta::auto_id::Progression;

/// The variable that lists what the client wants to be told of.
const TRACKED: &str = "session_track_system_variables";

/// What SET NAMES and SET CHARACTER SET assign.
const CLIENT_CHARSETS: [&str; 3] =
    ["character_set_client", "character_set_connection", "character_set_results"];

/// Isolation levels the transaction layer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement reads its own snapshot.
    ReadCommitted,
    /// One snapshot for the transaction.
    RepeatableRead,
}

impl Isolation {
    /// A level by the name its variable prints. READ UNCOMMITTED may read more than it asks for; SERIALIZABLE
    /// promises what is not there and is refused.
    pub fn from_name(name: &str) -> Result<Self, MySqlError> {
        match name {
            "READ-UNCOMMITTED" | "READ-COMMITTED" => Ok(Self::ReadCommitted),
            "REPEATABLE-READ" => Ok(Self::RepeatableRead),
            other => Err(MySqlError::not_supported_yet(format!("isolation level {other}"))),
        }
    }
}

/// How a transaction is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Characteristics {
    pub isolation: Isolation,
    pub read_only: bool,
    /// Rows are locked when a statement writes them, instead of being checked at COMMIT.
    pub pessimistic: bool,
}

/// What the variables decide, ready to use.
#[derive(Debug, Clone)]
pub struct Settings {
    pub autocommit: bool,
    pub sql_mode: SqlMode,
    pub time_zone: TimeZone,
    pub isolation: Isolation,
    pub read_only: bool,
    /// `rutile_txn_mode`
    pub pessimistic: bool,
    /// `rutile_replica_read`: the peers that plain reads go to.
    pub replica_read: ReplicaRead,
    /// `rutile_mem_quota_query`; 0: no more than the server has.
    pub mem_quota_query_bytes: u64,
    /// `rutile_pushdown`
    pub pushdown: bool,
    pub charset_client: Charset,
    /// `None`: results are sent as they are stored.
    pub charset_results: Option<Charset>,
    pub collation_connection: Collation,
    pub collation_server: Collation,
    pub progression: Progression,
    pub sql_select_limit: u64,
    pub sql_safe_updates: bool,
    pub sql_auto_is_null: bool,
    pub sql_notes: bool,
    pub sql_quote_show_create: bool,
    pub unique_checks: bool,
    pub foreign_key_checks: bool,
    pub explicit_defaults_for_timestamp: bool,
    pub div_precision_increment: u32,
    pub default_week_format: u32,
    pub group_concat_max_len: u64,
    pub cte_max_recursion_depth: u64,
    pub max_allowed_packet: u64,
    pub max_execution_time_ms: u64,
    pub max_error_count: u64,
    pub lock_wait_timeout_s: u64,
    pub innodb_lock_wait_timeout_s: u64,
    pub wait_timeout_s: u64,
    pub net_read_timeout_s: u64,
    pub net_write_timeout_s: u64,
    /// `timestamp`, in microseconds, if it was set.
    pub fixed_now_micros: Option<u64>,
    pub completion_chain: bool,
    pub completion_release: bool,
}

/// The variables of one session.
#[derive(Debug, Clone)]
pub struct SessionVariables {
    started_with: Snapshot,
    own: HashMap<&'static str, Value>,
    settings: Settings,
    /// What SET has assigned since the client was told; for session tracking.
    assigned: Vec<&'static str>,
    /// SET TRANSACTION without a scope: holds for the next transaction only.
    next_isolation: Option<Isolation>,
    next_read_only: Option<bool>,
}

impl SessionVariables {
    pub fn new(global: &GlobalVariables) -> Self {
        let started_with = global.snapshot();
        let own = HashMap::new();
        let settings = derive(&started_with, &own);
        Self { started_with, own, settings, assigned: Vec::new(), next_isolation: None, next_read_only: None }
    }

    /// COM_RESET_CONNECTION: back to the global values of now.
    pub fn reset(&mut self, global: &GlobalVariables) {
        *self = Self::new(global);
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The session value of a variable that has one, else the value at the session's start.
    pub fn get(&self, definition: &Definition) -> Value {
        value_of(&self.started_with, &self.own, definition.name)
    }

    /// SET SESSION; `None` is DEFAULT, the global value.
    pub fn set(
        &mut self,
        definition: &'static Definition,
        value: Option<&Value>,
        global: &GlobalVariables,
        warnings: &mut Warnings,
    ) -> Result<(), MySqlError> {
        let name = definition.name;
        match definition.access {
            Access::ReadOnly => {
                return Err(MySqlError::incorrect_global_local_variable(name, "read only"));
            }
            Access::SessionReadOnly => {
                return Err(MySqlError::new(
                    1621,
                    "HY000",
                    format!("SESSION variable '{name}' is read-only. Use SET GLOBAL to assign the value"),
                ));
            }
            Access::ReadWrite => {}
        }
        if !definition.has_session() {
            return Err(MySqlError::global_variable(name));
        }
        let stored = match value {
            None if matches!(name, "identity" | "last_insert_id" | "insert_id") => {
                return Err(MySqlError::no_default(name));
            }
            None if definition.has_global() => global.get(definition),
            None => definition.default_value(),
            Some(value) => {
                let strict_all = self.settings.sql_mode.contains(SqlMode::STRICT_ALL_TABLES);
                check(definition, value, &self.get(definition), strict_all, warnings)?
            }
        };
        if definition.kind == Kind::Isolation {
            Isolation::from_name(&shown(&stored))?;
        }
        if name == TRACKED {
            warn_of_unknown(&stored, warnings);
        }
        self.assigned.push(name);
        self.store(name, stored);
        Ok(())
    }

    /// Takes a value that another variable already checked.
    pub fn follow(&mut self, definition: &'static Definition, value: Value) {
        self.store(definition.name, value);
    }

    /// Writes a value that needs no check any more.
    fn store(&mut self, name: &'static str, value: Value) {
        for (other, value) in coupled(name, &value) {
            self.own.insert(other, value);
        }
        self.own.insert(name, value);
        self.settings = derive(&self.started_with, &self.own);
    }

    /// SET NAMES: client, connection and results together.
    pub fn set_names(&mut self, charset: &str, collation: Option<&str>) -> Result<(), MySqlError> {
        let charset = Charset::from_name(charset)?;
        let collation = match collation {
            None => charset.default_collation(),
            Some(name) => {
                let collation = Collation::from_name(name)?;
                if collation.charset() != charset {
                    return Err(MySqlError::collation_charset_mismatch(collation.name(), charset.name()));
                }
                collation
            }
        };
        self.set_client_charset(charset, collation);
        self.assigned.extend(CLIENT_CHARSETS);
        Ok(())
    }

    /// SET CHARACTER SET: client and results as named, the connection as the database.
    pub fn set_character_set(&mut self, charset: &str, database: Collation) -> Result<(), MySqlError> {
        let charset = Charset::from_name(charset)?;
        self.set_client_charset(charset, database);
        self.assigned.extend(CLIENT_CHARSETS);
        Ok(())
    }

    /// What the handshake or SET NAMES says.
    pub fn set_client_charset(&mut self, charset: Charset, connection: Collation) {
        self.own.insert("character_set_client", Value::text(charset.name()));
        self.own.insert("character_set_results", Value::text(charset.name()));
        self.own.insert("character_set_connection", Value::text(connection.charset().name()));
        self.own.insert("collation_connection", Value::text(connection.name()));
        self.settings = derive(&self.started_with, &self.own);
    }

    /// USE: the variables that follow the current database.
    pub fn set_database_collation(&mut self, collation: Collation) {
        self.own.insert("character_set_database", Value::text(collation.charset().name()));
        self.own.insert("collation_database", Value::text(collation.name()));
    }

    /// What was assigned since this was asked last, by name.
    pub(crate) fn take_assigned(&mut self) -> Vec<&'static str> {
        let mut assigned = std::mem::take(&mut self.assigned);
        assigned.sort_unstable();
        assigned.dedup();
        assigned
    }

    /// Whether the client wants to be told of this variable.
    pub(crate) fn is_tracked(&self, name: &str) -> bool {
        let tracked = value_of(&self.started_with, &self.own, TRACKED);
        tracked_names(&shown(&tracked)).any(|tracked| tracked == "*" || tracked.eq_ignore_ascii_case(name))
    }

    /// SET TRANSACTION without a scope.
    pub fn set_next_transaction(&mut self, isolation: Option<Isolation>, read_only: Option<bool>) {
        self.next_isolation = isolation.or(self.next_isolation);
        self.next_read_only = read_only.or(self.next_read_only);
    }

    /// Those of a transaction that starts now; one-shot settings are used up.
    pub fn take_transaction_characteristics(&mut self) -> Characteristics {
        let characteristics = self.transaction_characteristics();
        (self.next_isolation, self.next_read_only) = (None, None);
        characteristics
    }

    /// The same without using them up, for statements outside a transaction.
    pub fn transaction_characteristics(&self) -> Characteristics {
        Characteristics {
            isolation: self.next_isolation.unwrap_or(self.settings.isolation),
            read_only: self.next_read_only.unwrap_or(self.settings.read_only),
            pessimistic: self.settings.pessimistic,
        }
    }
}

fn tracked_names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// Names that are no variables are kept and mean nothing, as in MySQL.
fn warn_of_unknown(list: &Value, warnings: &mut Warnings) {
    for name in tracked_names(&shown(list)) {
        if name != "*" && find(&name.to_ascii_lowercase()).is_none() {
            let text = format!("{name} is not a valid system variable and will be ignored.");
            warnings.warn(MySqlError::new(1231, "42000", text));
        }
    }
}

/// Variables that change together with `name`.
pub(super) fn coupled(name: &str, value: &Value) -> Vec<(&'static str, Value)> {
    let text = shown(value);
    let charset =
        |target| Collation::from_name(&text).ok().map(|c| (target, Value::text(c.charset().name())));
    let collation =
        |target| Charset::from_name(&text).ok().map(|c| (target, Value::text(c.default_collation().name())));
    let pair = match name {
        "character_set_connection" => collation("collation_connection"),
        "character_set_database" => collation("collation_database"),
        "character_set_server" => collation("collation_server"),
        "collation_connection" => charset("character_set_connection"),
        "collation_database" => charset("character_set_database"),
        "collation_server" => charset("character_set_server"),
        "tx_isolation" => Some(("transaction_isolation", value.clone())),
        "transaction_isolation" => Some(("tx_isolation", value.clone())),
        "tx_read_only" => Some(("transaction_read_only", value.clone())),
        "transaction_read_only" => Some(("tx_read_only", value.clone())),
        "identity" => Some(("last_insert_id", value.clone())),
        "last_insert_id" => Some(("identity", value.clone())),
        _ => None,
    };
    pair.into_iter().collect()
}

fn value_of(started_with: &Snapshot, own: &HashMap<&'static str, Value>, name: &str) -> Value {
    own.get(name).or_else(|| started_with.get(name)).cloned().unwrap_or(Value::Null)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

fn replica_read(peers: &str) -> ReplicaRead {
    match peers {
        "follower" => ReplicaRead::Follower,
        "leader-and-follower" => ReplicaRead::LeaderAndFollower,
        _ => ReplicaRead::Leader,
    }
}

fn derive(started_with: &Snapshot, own: &HashMap<&'static str, Value>) -> Settings {
    let value = |name: &str| value_of(started_with, own, name);
    let flag = |name: &str| matches!(value(name), Value::Int(v) if v != 0);
    let number = |name: &str| match value(name) {
        Value::UInt(v) => v,
        Value::Int(v) => u64::try_from(v).unwrap_or(0),
        _ => 0,
    };
    let small = |name: &str| u32::try_from(number(name)).unwrap_or(u32::MAX);
    let text = |name: &str| shown(&value(name));
    let charset = |name: &str| Charset::from_name(&text(name)).unwrap_or(Charset::Utf8mb4);
    let collation = |name: &str| Collation::from_name(&text(name)).unwrap_or(Collation::DEFAULT);
    let completion = text("completion_type");
    Settings {
        autocommit: flag("autocommit"),
        sql_mode: SqlMode::parse(&text("sql_mode")).unwrap_or_default(),
        time_zone: time_zone(&text("time_zone")),
        isolation: Isolation::from_name(&text("transaction_isolation")).unwrap_or(Isolation::RepeatableRead),
        read_only: flag("transaction_read_only"),
        pessimistic: text("rutile_txn_mode") == "PESSIMISTIC",
        replica_read: replica_read(&text("rutile_replica_read")),
        mem_quota_query_bytes: number("rutile_mem_quota_query"),
        pushdown: flag("rutile_pushdown"),
        charset_client: charset("character_set_client"),
        charset_results: match value("character_set_results") {
            Value::Null => None,
            _ => Some(charset("character_set_results")),
        },
        collation_connection: collation("collation_connection"),
        collation_server: collation("collation_server"),
        progression: Progression {
            increment: number("auto_increment_increment").max(1),
            offset: number("auto_increment_offset").max(1),
        },
        sql_select_limit: number("sql_select_limit"),
        sql_safe_updates: flag("sql_safe_updates"),
        sql_auto_is_null: flag("sql_auto_is_null"),
        sql_notes: flag("sql_notes"),
        sql_quote_show_create: flag("sql_quote_show_create"),
        unique_checks: flag("unique_checks"),
        foreign_key_checks: flag("foreign_key_checks"),
        explicit_defaults_for_timestamp: flag("explicit_defaults_for_timestamp"),
        div_precision_increment: small("div_precision_increment"),
        default_week_format: small("default_week_format"),
        group_concat_max_len: number("group_concat_max_len"),
        cte_max_recursion_depth: number("cte_max_recursion_depth"),
        max_allowed_packet: number("max_allowed_packet"),
        max_execution_time_ms: number("max_execution_time"),
        max_error_count: number("max_error_count"),
        lock_wait_timeout_s: number("lock_wait_timeout"),
        innodb_lock_wait_timeout_s: number("innodb_lock_wait_timeout"),
        wait_timeout_s: number("wait_timeout"),
        net_read_timeout_s: number("net_read_timeout"),
        net_write_timeout_s: number("net_write_timeout"),
        fixed_now_micros: match value("timestamp") {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked to be in range"
            )]
            Value::Double(seconds) if seconds > 0.0 => Some((seconds * 1e6) as u64),
            _ => None,
        },
        completion_chain: completion == "CHAIN",
        completion_release: completion == "RELEASE",
    }
}

/// The system's zone is UTC: nothing outside decides what a TIMESTAMP means.
fn time_zone(text: &str) -> TimeZone {
    if text.eq_ignore_ascii_case("SYSTEM") {
        return TimeZone::UTC;
    }
    TimeZone::parse(text).unwrap_or(TimeZone::UTC)
}
