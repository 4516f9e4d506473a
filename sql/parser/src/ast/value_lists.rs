//! The rows of `INSERT ... VALUES`.
//!
//! The tree of a row takes some ten times the text it was read from. Of a long list only the first rows are kept as
//! trees: the others have been checked, stay in the text and are read again, a batch at a time, when they are needed.

use std::borrow::Cow;

use super::Expr;
use crate::error::ParseError;
use crate::options::ParseOptions;

/// A row may be empty: every column takes its default. [`super::ExprKind::Default`] may stand for a value.
pub type ValueList = Vec<Expr>;

#[derive(Clone, Debug, PartialEq)]
pub struct ValueLists {
    pub(crate) batches: Vec<ValueBatch>,
    pub(crate) options: ParseOptions,
}

/// Some rows that follow one another.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueBatch {
    pub(crate) rows: BatchRows,
    pub(crate) count: usize,
    /// How many values each row has, if all have as many.
    pub(crate) width: Option<usize>,
    /// There is nothing but constants, placeholders and DEFAULT.
    pub(crate) plain: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum BatchRows {
    Kept(Vec<ValueList>),
    /// From the offset `at` of the text on; so many placeholders stand before it.
    InText {
        at: u32,
        placeholders: u32,
    },
}

impl ValueLists {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.batches.iter().map(|batch| batch.count).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.batches.iter().all(|batch| batch.count == 0)
    }

    /// In their order.
    pub fn batches(&self) -> &[ValueBatch] {
        &self.batches
    }

    /// The rows of a batch; `text` is what the statement was parsed from.
    pub fn rows<'a>(&self, batch: &'a ValueBatch, text: &[u8]) -> Result<Cow<'a, [ValueList]>, ParseError> {
        match &batch.rows {
            BatchRows::Kept(rows) => Ok(Cow::Borrowed(rows)),
            BatchRows::InText { at, placeholders } => {
                crate::parser::value_rows(text, &self.options, *at, *placeholders, batch.count)
                    .map(Cow::Owned)
            }
        }
    }
}

impl ValueBatch {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many values each row has, if that is known without looking and the values are nothing but constants,
    /// placeholders and DEFAULT.
    pub fn plain_width(&self) -> Option<usize> {
        self.width.filter(|_| self.plain)
    }
}
