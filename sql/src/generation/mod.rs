//! Generated columns: from the expressions in the catalog to values.
//!
//! One design for both kinds. A STORED value is a column of the row like any other; it is computed by whoever writes
//! the row. A VIRTUAL value is nowhere: it is computed *where a row is decoded* — in `storeside` for scans at the
//! store, in the decoder of short reads, and in [`decode_row`] for everything that writes. So every operator above,
//! pushed down or not, every filter, index range and index entry sees it as an ordinary column, and ADD COLUMN of a
//! virtual one touches no row. (A projection above the scans would have had to be made again for each of the paths,
//! and would have left the writers, which need old values for index entries, without.)
//!
//! ```text
//! bind.rs      the expressions of one table definition, bound once and kept with it (`TableInfo::generation`)
//! formula.rs   one expression: its value, for a writer and for a reader
//! writer.rs    completes a row that is about to be written
//! reader.rs    the virtual columns of a stored row
//! row.rs       a stored row with all its columns
//! partition.rs the partition of a row, found when it is written
//! ```
//!
//! A value must be the same whoever computes it, or an index entry would not be found again. So expressions are bound
//! and run with MySQL's default modes, not with the session's; a session chooses only whether what does not fit is an
//! error or a warning (strict mode, IGNORE, division by zero). What depends on the session's time zone or date all the
//! same — TIMESTAMP, TIME that may become a date, FROM_UNIXTIME — is computed with the reader's, as in MySQL, and for
//! that reason such a virtual column cannot be indexed here ([`Generation::depends_on_session`]).
//!
//! Deliberately missing: indexes on expressions, and finding the index of a generated column by its expression.

mod bind;
mod formula;
mod partition;
mod reader;
mod row;
#[cfg(test)]
mod tests;
mod writer;

use formula::Formula;
use partition::PartitionRule;

pub use bind::{bind_constant, bind_partition};
pub use reader::VirtualReader;
pub use row::decode_row;
pub use writer::{complete, unless_left_out};

/// The bound expressions of a table.
#[derive(Debug)]
pub struct Generation {
    /// Of its generated columns, each behind those it reads.
    formulas: Vec<Formula>,
    partition: Option<PartitionRule>,
}

impl Generation {
    /// Whether the value of the column at `offset` is computed with what the session of the reader says.
    pub fn depends_on_session(&self, offset: usize) -> bool {
        self.formulas.iter().any(|formula| formula.offset == offset && formula.depends_on_session)
    }

    /// Whether the column at `offset` is computed from any of the columns that `test` holds for, also over others.
    pub fn depends_on(&self, offset: usize, test: &impl Fn(usize) -> bool) -> bool {
        let formula = self.formulas.iter().find(|formula| formula.offset == offset);
        formula.is_some_and(|formula| {
            formula.reads.iter().any(|read| test(*read) || (*read != offset && self.depends_on(*read, test)))
        })
    }
}
