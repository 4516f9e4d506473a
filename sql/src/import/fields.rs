//! The text format of LOAD DATA: records and fields out of a byte stream.
//!
//! Follows MySQL's manual, "LOAD DATA Statement", Field and Line Handling: an enclosed field ends at its
//! closing quote before a terminator, a doubled quote stands for one, `ESCAPED BY` takes the next byte
//! (`\0`, `\b`, `\n`, `\r`, `\t`, `\Z`, and `\N` alone for NULL), and the bare word NULL is NULL when fields are
//! enclosed. Input may be cut anywhere; a record is handed out once its end has been seen.

use bytes::{Buf, Bytes, BytesMut};
use rutile_sql_parser::ast::FieldFormat;

/// One field of a record; `None` is NULL.
pub(super) type Field = Option<Bytes>;

/// How fields and lines are marked.
#[derive(Debug, Clone)]
pub(super) struct Format {
    pub field_end: Bytes,
    pub line_end: Bytes,
    pub line_start: Bytes,
    pub quote: Option<u8>,
    pub escape: Option<u8>,
}

impl Format {
    pub fn new(format: &FieldFormat) -> Self {
        let text = |bytes: &Option<Box<[u8]>>, default: &'static [u8]| {
            bytes.as_ref().map_or(Bytes::from_static(default), |bytes| Bytes::copy_from_slice(bytes))
        };
        Self {
            field_end: text(&format.fields_terminated_by, b"\t"),
            line_end: text(&format.lines_terminated_by, b"\n"),
            line_start: text(&format.lines_starting_by, b""),
            quote: format.enclosed_by.as_ref().and_then(|quote| quote.first().copied()),
            escape: match &format.escaped_by {
                Some(escape) => escape.first().copied(),
                None => Some(b'\\'),
            },
        }
    }
}

/// Cuts a stream into records.
pub(super) struct FieldReader {
    format: Format,
    buffer: BytesMut,
    /// Lines still to be skipped (IGNORE n LINES).
    skip: u64,
    /// The mark that starts the record at the head of the buffer has been dropped.
    started: bool,
    ended: bool,
}

/// What the next bytes hold.
enum Step {
    /// A record and the bytes it took.
    Record(Vec<Field>, usize),
    /// The end of the record has not arrived.
    Incomplete,
}

impl FieldReader {
    pub fn new(format: Format, ignore_lines: u64) -> Self {
        Self { format, buffer: BytesMut::new(), skip: ignore_lines, started: false, ended: false }
    }

    pub fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// No more bytes follow: what is left is the last record.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Bytes that wait for the end of their record.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The next complete record.
    pub fn next_record(&mut self) -> Option<Vec<Field>> {
        loop {
            if !self.skip_to_line_start() || self.buffer.is_empty() {
                return None;
            }
            match self.parse() {
                Step::Record(fields, taken) => {
                    self.buffer.advance(taken);
                    self.started = false;
                    if self.skip > 0 {
                        self.skip -= 1;
                        continue;
                    }
                    return Some(fields);
                }
                Step::Incomplete => return None,
            }
        }
    }

    /// LINES STARTING BY: everything up to and with the mark is dropped, a line without it whole.
    fn skip_to_line_start(&mut self) -> bool {
        if self.format.line_start.is_empty() || self.started {
            return true;
        }
        let mark = self.format.line_start.clone();
        match self.buffer.windows(mark.len()).position(|window| window == mark) {
            Some(position) => {
                self.buffer.advance(position + mark.len());
                self.started = true;
                true
            }
            None => {
                let keep = if self.ended { 0 } else { mark.len() - 1 };
                let drop = self.buffer.len().saturating_sub(keep);
                self.buffer.advance(drop);
                false
            }
        }
    }

    fn parse(&self) -> Step {
        let mut fields = Vec::new();
        let mut position = 0;
        loop {
            let Some((field, after)) = self.field(position) else {
                return Step::Incomplete;
            };
            fields.push(field);
            match self.mark_at(after) {
                Some(Mark::FieldEnd) => position = after + self.format.field_end.len(),
                Some(Mark::LineEnd) => return Step::Record(fields, after + self.format.line_end.len()),
                None => return Step::Record(fields, self.buffer.len()),
            }
        }
    }

    /// The field at `position` and where it stops: at a mark, or at the end of the ended input.
    fn field(&self, position: usize) -> Option<(Field, usize)> {
        match (self.format.quote, self.buffer.get(position)) {
            (Some(quote), Some(&first)) if first == quote => self.quoted(position + 1, quote),
            _ => self.plain(position),
        }
    }

    fn plain(&self, start: usize) -> Option<(Field, usize)> {
        let mut value = Vec::new();
        let mut null = false;
        let mut position = start;
        loop {
            if self.might_be_cut(position) {
                return None;
            }
            if position == self.buffer.len() || self.mark_at(position).is_some() {
                let word = self.format.quote.is_some() && value == b"NULL";
                let is_null = word || (null && value.is_empty());
                return Some(((!is_null).then(|| Bytes::from(value)), position));
            }
            let byte = *self.buffer.get(position)?;
            if Some(byte) == self.format.escape && position + 1 < self.buffer.len() {
                let escaped = *self.buffer.get(position + 1)?;
                if escaped == b'N' && position == start {
                    null = true;
                } else {
                    value.push(unescape(escaped));
                }
                position += 2;
            } else {
                value.push(byte);
                position += 1;
            }
        }
    }

    fn quoted(&self, start: usize, quote: u8) -> Option<(Field, usize)> {
        let mut value = Vec::new();
        let mut position = start;
        loop {
            if self.might_be_cut(position) {
                return None;
            }
            let Some(&byte) = self.buffer.get(position) else {
                // The closing quote never came: the rest of the file is the field.
                return Some((Some(Bytes::from(value)), position));
            };
            let next = self.buffer.get(position + 1).copied();
            if byte == quote {
                if next == Some(quote) {
                    value.push(quote);
                    position += 2;
                    continue;
                }
                let after = position + 1;
                if after == self.buffer.len() || self.mark_at(after).is_some() {
                    return Some((Some(Bytes::from(value)), after));
                }
            } else if let (true, Some(escaped)) = (Some(byte) == self.format.escape, next) {
                value.push(unescape(escaped));
                position += 2;
                continue;
            }
            value.push(byte);
            position += 1;
        }
    }

    fn mark_at(&self, position: usize) -> Option<Mark> {
        let rest = self.buffer.get(position..)?;
        // A line end that begins like a field end wins only if it is the longer match.
        let line = !self.format.line_end.is_empty() && rest.starts_with(&self.format.line_end);
        let field = !self.format.field_end.is_empty() && rest.starts_with(&self.format.field_end);
        match (line, field) {
            (true, true) if self.format.field_end.len() > self.format.line_end.len() => Some(Mark::FieldEnd),
            (true, _) => Some(Mark::LineEnd),
            (false, true) => Some(Mark::FieldEnd),
            (false, false) => None,
        }
    }

    /// Whether bytes that are still to come could make the next ones a mark, an escape or a doubled quote.
    fn might_be_cut(&self, position: usize) -> bool {
        let longest = self.format.field_end.len().max(self.format.line_end.len()).max(1);
        !self.ended && position + longest + 1 >= self.buffer.len()
    }
}

enum Mark {
    FieldEnd,
    LineEnd,
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'0' => 0,
        b'b' => 8,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'Z' => 26,
        other => other,
    }
}
