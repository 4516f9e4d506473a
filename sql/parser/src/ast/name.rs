//! Names and where they stand in the text.

use std::fmt;

/// Byte range in the text given to the parser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// The bytes of `text` this span covers; empty if it does not lie within `text`.
    pub fn slice(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or(&[])
    }

    /// The smallest span covering both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// An identifier as typed, without its quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ident {
    pub value: String,
    /// Written in backticks (or in double quotes under `ANSI_QUOTES`).
    pub quoted: bool,
    pub span: Span,
}

impl Ident {
    /// An identifier that stands nowhere in a text.
    pub fn new(value: impl Into<String>) -> Ident {
        Ident { value: value.into(), quoted: false, span: Span::default() }
    }

    pub fn as_str(&self) -> &str {
        &self.value
    }

    /// ASCII case-insensitive comparison, MySQL's rule for function, variable, column and option names.
    pub fn is(&self, name: &str) -> bool {
        self.value.eq_ignore_ascii_case(name)
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)
    }
}

/// `[database.]name` of a table, view, routine, trigger, event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectName {
    pub database: Option<Ident>,
    pub name: Ident,
}

impl ObjectName {
    pub fn span(&self) -> Span {
        self.database.as_ref().map_or(self.name.span, |database| database.span.to(self.name.span))
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.database {
            Some(database) => write!(f, "{database}.{}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

/// `[[database.]table.]column`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ColumnRef {
    pub database: Option<Ident>,
    pub table: Option<Ident>,
    pub column: Ident,
}

impl fmt::Display for ColumnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.database, &self.table].into_iter().flatten() {
            write!(f, "{part}.")?;
        }
        write!(f, "{}", self.column)
    }
}
