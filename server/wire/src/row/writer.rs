//! One row: the next value goes to the next column, in the form the format and the column ask for.

use super::{RowFormat, binary, text};
use crate::column::Column;
use crate::error::{Error, Result};
use crate::packet::put;

/// One row being written. Offer exactly one value per column, in order.
pub struct Row<'a> {
    out: &'a mut Vec<u8>,
    columns: &'a [Column],
    format: RowFormat,
    index: usize,
    /// Where the null bitmap of a binary row starts.
    bitmap: usize,
}

/// The null bitmap of a binary row leaves its first two bits unused.
const BITMAP_OFFSET: usize = 2;

impl<'a> Row<'a> {
    pub(crate) fn start(out: &'a mut Vec<u8>, columns: &'a [Column], format: RowFormat) -> Self {
        let mut bitmap = 0;
        if format == RowFormat::Binary {
            out.push(0);
            bitmap = out.len();
            out.resize(bitmap + (columns.len() + BITMAP_OFFSET).div_ceil(8), 0);
        }
        Self { out, columns, format, index: 0, bitmap }
    }

    pub(crate) fn finish(self) -> Result<()> {
        if self.index == self.columns.len() {
            Ok(())
        } else {
            Err(Error::Internal("a row of the wrong width"))
        }
    }

    /// The column the next value is for; past the last one the row is wrong, which `finish` reports.
    fn next(&mut self) -> Option<&'a Column> {
        let column = self.columns.get(self.index);
        self.index += 1;
        column
    }

    pub fn format(&self) -> RowFormat {
        self.format
    }

    pub fn null(&mut self) {
        match self.format {
            RowFormat::Text => self.out.push(0xfb),
            RowFormat::Binary => {
                let bit = self.index + BITMAP_OFFSET;
                if let Some(byte) = self.out.get_mut(self.bitmap + bit / 8) {
                    *byte |= 1 << (bit % 8);
                }
            }
        }
        self.index += 1;
    }

    pub fn int(&mut self, value: i64) {
        let Some(column) = self.next() else { return };
        match self.format {
            RowFormat::Text => text::int(self.out, value),
            RowFormat::Binary => binary::int(self.out, column.kind, value),
        }
    }

    pub fn uint(&mut self, value: u64) {
        let Some(column) = self.next() else { return };
        match self.format {
            RowFormat::Text => text::uint(self.out, value),
            RowFormat::Binary => binary::uint(self.out, column.kind, value),
        }
    }

    pub fn float(&mut self, value: f32) {
        let Some(column) = self.next() else { return };
        match self.format {
            RowFormat::Text => text::float(self.out, value, column.decimals),
            RowFormat::Binary => binary::float(self.out, column, value),
        }
    }

    pub fn double(&mut self, value: f64) {
        let Some(column) = self.next() else { return };
        match self.format {
            RowFormat::Text => text::double(self.out, value, column.decimals),
            RowFormat::Binary => binary::double(self.out, column, value),
        }
    }

    /// Text, blobs, DECIMAL, JSON, ENUM, SET, BIT, and any value the caller has formatted itself in a text row.
    pub fn bytes(&mut self, value: &[u8]) {
        if self.next().is_some() {
            put::lenenc_bytes(self.out, value);
        }
    }

    /// A value formatted in place: `write` appends it, its length prefix is put in front when it is known.
    pub fn formatted(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.next().is_none() {
            return;
        }
        let at = self.out.len();
        self.out.push(0);
        write(self.out);
        let length = self.out.len() - at - 1;
        if length <= 250 {
            if let Some(slot) = self.out.get_mut(at) {
                *slot = length as u8;
            }
        } else {
            let mut prefix = Vec::with_capacity(9);
            put::lenenc_int(&mut prefix, length as u64);
            self.out.splice(at..=at, prefix);
        }
    }

    pub fn date(&mut self, year: u16, month: u8, day: u8) {
        let Some(column) = self.next() else { return };
        match self.format {
            RowFormat::Text => put::short_lenenc(self.out, |out| text::date(out, year, month, day)),
            RowFormat::Binary => binary::date(self.out, column.kind, year, month, day),
        }
    }

    /// `fsp` digits of the fraction are shown in text; the binary form carries all microseconds.
    #[expect(clippy::too_many_arguments, reason = "the fields of a calendar")]
    pub fn datetime(
        &mut self,
        year: u16,
        month: u8,
        day: u8,
        hour: u8,
        minute: u8,
        second: u8,
        micro: u32,
        fsp: u8,
    ) {
        let Some(column) = self.next() else { return };
        let parts = crate::DatetimeParts { year, month, day, hour, minute, second, micro };
        match self.format {
            RowFormat::Text => put::short_lenenc(self.out, |out| text::datetime(out, &parts, fsp)),
            RowFormat::Binary => binary::datetime(self.out, column.kind, &parts, fsp),
        }
    }

    /// `hours` goes to 838; the fraction as in [`Row::datetime`].
    pub fn time(&mut self, negative: bool, hours: u32, minute: u8, second: u8, micro: u32, fsp: u8) {
        let Some(column) = self.next() else { return };
        match self.format {
            RowFormat::Text => put::short_lenenc(self.out, |out| {
                text::time(out, negative, hours, minute, second, micro, fsp)
            }),
            RowFormat::Binary => {
                binary::time(self.out, column.kind, negative, hours, minute, second, micro, fsp)
            }
        }
    }
}
