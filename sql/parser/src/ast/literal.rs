//! Constants as written.

/// A constant. Signs are not part of it: `-1` is [`super::UnaryOperator::Minus`] over `Integer(1)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Literal {
    Null,
    /// `TRUE` and `FALSE`: integers 1 and 0 in every respect but their column title.
    Boolean(bool),
    /// Digits that fit 64 bits. BIGINT when they fit `i64`, else BIGINT UNSIGNED.
    Integer(u64),
    /// Digits with a point, or integers beyond 64 bits: text as written (`1.`, `.5`, `18446744073709551616`).
    Decimal(Box<str>),
    /// Digits with an exponent: DOUBLE, text as written (`1e0`, `.5E-3`).
    Float(Box<str>),
    /// `'...'` (adjacent ones joined) with escapes undone, in the connection's character set.
    String(Box<[u8]>),
    /// `N'...'`: a string in utf8mb3.
    National(Box<[u8]>),
    /// `x'4142'` and `0x4142`: a binary string that is a number in numeric context.
    Hex(Box<[u8]>),
    /// `b'101'` and `0b101`: as [`Literal::Hex`], the bits right-aligned in the fewest bytes.
    Bit(Box<[u8]>),
    /// `_utf8mb4'...'`, `_binary x'41'`.
    Introduced(Box<IntroducedLiteral>),
    /// `DATE '2024-01-31'` and `{d '2024-01-31'}`; the value is checked by the binder (1525).
    Date(Box<[u8]>),
    /// `TIME '10:00:00'` and `{t '...'}`.
    Time(Box<[u8]>),
    /// `TIMESTAMP '...'` and `{ts '...'}`: a DATETIME.
    Timestamp(Box<[u8]>),
}

/// A string, hexadecimal or bit literal with a character set introducer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IntroducedLiteral {
    /// Character set without the underscore, lower case; always one MySQL knows.
    pub charset: Box<str>,
    /// The bytes in that character set.
    pub value: Box<[u8]>,
    /// Written as hexadecimal or bit literal.
    pub from_number: bool,
}
