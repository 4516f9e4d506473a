//! Server status flags, sent in every OK, EOF and result terminator.
//!
//! They are data safety: MariaDB's connectors send COMMIT only while the last reply said IN_TRANS.

/// A set of `SERVER_*` status flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerStatus(pub u16);

impl ServerStatus {
    pub const IN_TRANS: Self = Self(1);
    pub const AUTOCOMMIT: Self = Self(2);
    pub const MORE_RESULTS_EXISTS: Self = Self(8);
    pub const NO_GOOD_INDEX_USED: Self = Self(16);
    pub const NO_INDEX_USED: Self = Self(32);
    pub const CURSOR_EXISTS: Self = Self(64);
    pub const LAST_ROW_SENT: Self = Self(128);
    pub const DB_DROPPED: Self = Self(256);
    pub const NO_BACKSLASH_ESCAPES: Self = Self(512);
    pub const METADATA_CHANGED: Self = Self(1024);
    pub const QUERY_WAS_SLOW: Self = Self(2048);
    pub const PS_OUT_PARAMS: Self = Self(4096);
    pub const IN_TRANS_READONLY: Self = Self(8192);
    pub const SESSION_STATE_CHANGED: Self = Self(1 << 14);

    pub const fn with(self, other: Self, on: bool) -> Self {
        if on { Self(self.0 | other.0) } else { Self(self.0 & !other.0) }
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
