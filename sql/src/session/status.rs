//! Counters behind SHOW STATUS and the metrics endpoint, and the classes that statements are counted by.

use std::sync::atomic::{AtomicU64, Ordering};

use rutile_sql_parser::StatementKind;

macro_rules! counters {
    ($($field:ident $name:literal;)*) => {
        /// One counter per line; all only rise.
        #[derive(Debug, Default)]
        pub struct StatusCounters { $(pub $field: AtomicU64,)* }

        impl StatusCounters {
            /// Names as SHOW STATUS prints them, and values.
            pub fn list(&self) -> Vec<(&'static str, u64)> {
                vec![$(($name, self.$field.load(Ordering::Relaxed)),)*]
            }
        }
    };
}

counters! {
    com_begin "Com_begin";
    com_commit "Com_commit";
    com_delete "Com_delete";
    com_insert "Com_insert";
    com_replace "Com_replace";
    com_rollback "Com_rollback";
    com_select "Com_select";
    com_set_option "Com_set_option";
    com_show "Com_show_status";
    com_update "Com_update";
    connections "Connections";
    handler_commit "Handler_commit";
    handler_rollback "Handler_rollback";
    questions "Queries";
    slow "Slow_queries";
}

impl StatusCounters {
    /// Counts a statement by its kind.
    pub(super) fn count(&self, kind: &StatementKind) {
        bump(&self.questions);
        let counter = match kind {
            StatementKind::Query(_) => &self.com_select,
            StatementKind::Insert(insert) if insert.replace => &self.com_replace,
            StatementKind::Insert(_) => &self.com_insert,
            StatementKind::Update(_) => &self.com_update,
            StatementKind::Delete(_) => &self.com_delete,
            StatementKind::Begin(_) => &self.com_begin,
            StatementKind::Commit(_) => &self.com_commit,
            StatementKind::Rollback(_) => &self.com_rollback,
            StatementKind::Set(_) => &self.com_set_option,
            StatementKind::Show(_) => &self.com_show,
            _ => return,
        };
        bump(counter);
    }
}

pub(super) fn bump(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

macro_rules! classes {
    ($($variant:ident $name:literal;)*) => {
        /// What a statement is about, for latencies by kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum StatementClass { $($variant,)* }

        impl StatementClass {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

classes! {
    Select "select";
    Insert "insert";
    Replace "replace";
    Update "update";
    Delete "delete";
    Begin "begin";
    Commit "commit";
    Rollback "rollback";
    Set "set";
    Show "show";
    Other "other";
}

impl StatementClass {
    pub(super) fn of(kind: &StatementKind) -> Self {
        match kind {
            StatementKind::Query(_) => Self::Select,
            StatementKind::Insert(insert) if insert.replace => Self::Replace,
            StatementKind::Insert(_) => Self::Insert,
            StatementKind::Update(_) => Self::Update,
            StatementKind::Delete(_) => Self::Delete,
            StatementKind::Begin(_) => Self::Begin,
            StatementKind::Commit(_) => Self::Commit,
            StatementKind::Rollback(_) => Self::Rollback,
            StatementKind::Set(_) => Self::Set,
            StatementKind::Show(_) => Self::Show,
            _ => Self::Other,
        }
    }
}
