//! Table options of CREATE and ALTER TABLE.
//!
//! Options that only tune MySQL's storage engine (ROW_FORMAT, KEY_BLOCK_SIZE, STATS_* …) change nothing a
//! client can observe in its data and are accepted; options that promise something (ENCRYPTION, COMPRESSION,
//! DATA DIRECTORY, other engines …) are refused.

use rutile_sql_parser::ast::TableOption;
use rutile_sql_types::{Collation, MySqlError};

use super::database::resolve_collation;
use crate::error::{Error, Result};

const COMMENT_CHARS_MAX: usize = 2048;

/// What the options of one statement say.
#[derive(Debug, Default)]
pub(super) struct Options {
    charset: Option<String>,
    collate: Option<String>,
    pub comment: Option<String>,
    pub auto_increment: Option<u64>,
    /// The table is to be of an engine that is not there, and gets one that keeps all it promises.
    pub substitutes_engine: bool,
}

impl Options {
    pub(super) fn read<'a>(
        table: &str,
        options: impl IntoIterator<Item = &'a TableOption>,
    ) -> Result<Options> {
        let mut read = Options::default();
        for option in options {
            read.take(table, option)?;
        }
        Ok(read)
    }

    fn take(&mut self, table: &str, option: &TableOption) -> Result<()> {
        match option {
            TableOption::Engine(name) => self.substitutes_engine = substitutes(name)?,
            TableOption::AutoIncrement(value) => self.auto_increment = Some(*value),
            TableOption::Charset(name) => self.charset = Some(name.value.clone()),
            TableOption::Collate(name) => self.collate = Some(name.value.clone()),
            TableOption::Comment(text) => {
                if text.chars().count() > COMMENT_CHARS_MAX {
                    return Err(MySqlError::new(
                        1628,
                        "HY000",
                        format!("Comment for table '{table}' is too long (max = {COMMENT_CHARS_MAX})"),
                    )
                    .into());
                }
                self.comment = Some(text.clone());
            }
            TableOption::RowFormat(_)
            | TableOption::KeyBlockSize(_)
            | TableOption::StatsPersistent(_)
            | TableOption::StatsAutoRecalc(_)
            | TableOption::StatsSamplePages(_)
            | TableOption::PackKeys(_)
            | TableOption::AvgRowLength(_)
            | TableOption::MaxRows(_)
            | TableOption::MinRows(_)
            | TableOption::Checksum(_)
            | TableOption::DelayKeyWrite(_)
            | TableOption::AutoextendSize(_) => {}
            // What dumps of TiDB carry: hints about placement and allocation, not about meaning.
            TableOption::AutoIdCache(_) | TableOption::PreSplitRegions(_) => {}
            TableOption::Encryption(value) if value.eq_ignore_ascii_case("n") => {}
            TableOption::Compression(value) if value.is_empty() || value.eq_ignore_ascii_case("none") => {}
            other => return Err(Error::unsupported(name_of(other))),
        }
        Ok(())
    }

    pub(super) fn names_collation(&self) -> bool {
        self.charset.is_some() || self.collate.is_some()
    }

    pub(super) fn collation(&self, default: Collation) -> Result<Collation> {
        resolve_collation(self.charset.as_deref(), self.collate.as_deref(), default)
    }
}

/// There is one engine, which answers to InnoDB's name. It stands in for MyISAM, whatever NO_ENGINE_SUBSTITUTION says:
/// old dumps ask for that, and it promises nothing more. Any other known name is refused.
fn substitutes(name: &str) -> Result<bool> {
    if name.eq_ignore_ascii_case("innodb") {
        return Ok(false);
    }
    if name.eq_ignore_ascii_case("myisam") {
        return Ok(true);
    }
    const OTHERS: [&str; 7] = ["memory", "csv", "archive", "blackhole", "federated", "merge", "mrg_myisam"];
    if OTHERS.iter().any(|other| name.eq_ignore_ascii_case(other)) {
        return Err(Error::unsupported(format!("ENGINE={name}")));
    }
    Err(MySqlError::unknown_storage_engine(name).into())
}

fn name_of(option: &TableOption) -> &'static str {
    match option {
        TableOption::SecondaryEngine(_) => "SECONDARY_ENGINE",
        TableOption::Compression(_) => "COMPRESSION",
        TableOption::Encryption(_) => "ENCRYPTION",
        TableOption::Connection(_) => "CONNECTION",
        TableOption::Password(_) => "PASSWORD",
        TableOption::DataDirectory(_) => "DATA DIRECTORY",
        TableOption::IndexDirectory(_) => "INDEX DIRECTORY",
        TableOption::Tablespace(_) => "TABLESPACE",
        TableOption::Storage(_) => "STORAGE",
        TableOption::Union(_) => "UNION",
        TableOption::InsertMethod(_) => "INSERT_METHOD",
        TableOption::EngineAttribute(_) => "ENGINE_ATTRIBUTE",
        TableOption::SecondaryEngineAttribute(_) => "SECONDARY_ENGINE_ATTRIBUTE",
        TableOption::StartTransaction => "START TRANSACTION",
        TableOption::ShardRowIdBits(_) => "SHARD_ROW_ID_BITS",
        TableOption::AutoRandomBase(_) => "AUTO_RANDOM_BASE",
        _ => "this table option",
    }
}
