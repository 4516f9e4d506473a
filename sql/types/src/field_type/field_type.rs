//! The type of a column or expression, with constructors for the common ones.

use super::elements::Elements;

use super::TypeKind;
use crate::Collation;

/// `decimals` of a FLOAT, DOUBLE or text expression without a fixed number of decimals.
pub const NOT_FIXED_DECIMALS: u8 = 31;

/// A MySQL type with all its attributes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldType {
    pub kind: TypeKind,
    pub unsigned: bool,
    pub zerofill: bool,
    pub not_null: bool,
    /// Integers and YEAR: display width. DECIMAL: precision. BIT: bits. Text: characters. Binary: bytes.
    /// LOBs: most bytes. Temporal: width of the text form.
    pub length: u32,
    /// DECIMAL: scale (<= 30). Temporal: fractional second digits (<= 6). FLOAT/DOUBLE: digits or 31.
    pub decimals: u8,
    pub collation: Collation,
    /// ENUM and SET members, in order; empty for all other kinds.
    pub elements: Elements,
}

impl FieldType {
    fn plain(kind: TypeKind, length: u32, decimals: u8, collation: Collation) -> Self {
        Self {
            kind,
            unsigned: false,
            zerofill: false,
            not_null: false,
            length,
            decimals,
            collation,
            elements: Elements::default(),
        }
    }

    /// The kind with MySQL's default attributes.
    pub fn new(kind: TypeKind) -> Self {
        use TypeKind::*;
        match kind {
            Null => Self::null(),
            TinyInt => Self::plain(kind, 4, 0, Collation::BINARY),
            SmallInt => Self::plain(kind, 6, 0, Collation::BINARY),
            MediumInt => Self::plain(kind, 9, 0, Collation::BINARY),
            Int => Self::plain(kind, 11, 0, Collation::BINARY),
            BigInt => Self::plain(kind, 20, 0, Collation::BINARY),
            Year => Self::year(),
            Bit => Self::bit(1),
            Float => Self::plain(kind, 12, NOT_FIXED_DECIMALS, Collation::BINARY),
            Double => Self::double(),
            Decimal => Self::decimal(10, 0),
            Date => Self::date(),
            Time => Self::time(0),
            Datetime => Self::datetime(0),
            Timestamp => Self::timestamp(0),
            Char | VarChar => Self::plain(kind, 1, 0, Collation::DEFAULT),
            Binary | VarBinary => Self::plain(kind, 1, 0, Collation::BINARY),
            TinyText | Text | MediumText | LongText => {
                Self::plain(kind, kind.lob_max_bytes().unwrap_or(u32::MAX), 0, Collation::DEFAULT)
            }
            TinyBlob | Blob | MediumBlob | LongBlob => {
                Self::plain(kind, kind.lob_max_bytes().unwrap_or(u32::MAX), 0, Collation::BINARY)
            }
            Enum | Set => Self::plain(kind, 0, 0, Collation::DEFAULT),
            Json => Self::json(),
        }
    }

    pub fn null() -> Self {
        Self::plain(TypeKind::Null, 0, 0, Collation::BINARY)
    }

    /// What a comparison returns: an integer of width 1.
    pub fn boolean() -> Self {
        Self::plain(TypeKind::BigInt, 1, 0, Collation::BINARY)
    }

    pub fn int() -> Self {
        Self::new(TypeKind::Int)
    }

    pub fn bigint() -> Self {
        Self::new(TypeKind::BigInt)
    }

    pub fn ubigint() -> Self {
        let mut ty = Self::plain(TypeKind::BigInt, 20, 0, Collation::BINARY);
        ty.unsigned = true;
        ty
    }

    pub fn float() -> Self {
        Self::new(TypeKind::Float)
    }

    pub fn double() -> Self {
        Self::plain(TypeKind::Double, 22, NOT_FIXED_DECIMALS, Collation::BINARY)
    }

    pub fn decimal(precision: u32, scale: u8) -> Self {
        Self::plain(TypeKind::Decimal, precision, scale, Collation::BINARY)
    }

    pub fn year() -> Self {
        let mut ty = Self::plain(TypeKind::Year, 4, 0, Collation::BINARY);
        ty.unsigned = true;
        ty.zerofill = true;
        ty
    }

    pub fn bit(bits: u32) -> Self {
        let mut ty = Self::plain(TypeKind::Bit, bits, 0, Collation::BINARY);
        ty.unsigned = true;
        ty
    }

    pub fn date() -> Self {
        Self::plain(TypeKind::Date, 10, 0, Collation::BINARY)
    }

    pub fn time(fsp: u8) -> Self {
        Self::plain(TypeKind::Time, 10 + fraction_width(fsp), fsp, Collation::BINARY)
    }

    pub fn datetime(fsp: u8) -> Self {
        Self::plain(TypeKind::Datetime, 19 + fraction_width(fsp), fsp, Collation::BINARY)
    }

    pub fn timestamp(fsp: u8) -> Self {
        Self::plain(TypeKind::Timestamp, 19 + fraction_width(fsp), fsp, Collation::BINARY)
    }

    pub fn char(chars: u32, collation: Collation) -> Self {
        Self::plain(TypeKind::Char, chars, 0, collation)
    }

    pub fn varchar(chars: u32, collation: Collation) -> Self {
        Self::plain(TypeKind::VarChar, chars, 0, collation)
    }

    pub fn binary(bytes: u32) -> Self {
        Self::plain(TypeKind::Binary, bytes, 0, Collation::BINARY)
    }

    pub fn varbinary(bytes: u32) -> Self {
        Self::plain(TypeKind::VarBinary, bytes, 0, Collation::BINARY)
    }

    pub fn text(collation: Collation) -> Self {
        Self { collation, ..Self::new(TypeKind::Text) }
    }

    pub fn long_text(collation: Collation) -> Self {
        Self { collation, ..Self::new(TypeKind::LongText) }
    }

    pub fn blob() -> Self {
        Self::new(TypeKind::Blob)
    }

    pub fn enumeration(elements: impl Into<Elements>, collation: Collation) -> Self {
        let elements = elements.into();
        let length = elements.iter().map(|e| e.chars().count() as u32).max().unwrap_or(0);
        Self { elements, ..Self::plain(TypeKind::Enum, length, 0, collation) }
    }

    pub fn set(elements: impl Into<Elements>, collation: Collation) -> Self {
        let elements = elements.into();
        let chars: usize = elements.iter().map(|e| e.chars().count()).sum();
        let length = (chars + elements.len().saturating_sub(1)) as u32;
        Self { elements, ..Self::plain(TypeKind::Set, length, 0, collation) }
    }

    pub fn json() -> Self {
        Self::plain(TypeKind::Json, u32::MAX, 0, Collation::UTF8MB4_BIN)
    }

    #[must_use]
    pub fn with_not_null(mut self) -> Self {
        self.not_null = true;
        self
    }

    #[must_use]
    pub fn with_nullable(mut self) -> Self {
        self.not_null = false;
        self
    }

    #[must_use]
    pub fn with_unsigned(mut self) -> Self {
        self.unsigned = true;
        self
    }

    #[must_use]
    pub fn with_length(mut self, length: u32) -> Self {
        self.length = length;
        self
    }

    #[must_use]
    pub fn with_collation(mut self, collation: Collation) -> Self {
        self.collation = collation;
        self
    }

    /// Text whose order is not that of its bytes, so that keys must be compared.
    pub fn needs_collation_key(&self) -> bool {
        self.kind.is_text() && !self.collation.is_binary()
    }

    /// ENUM and SET behave as text in most expressions.
    pub fn is_string_like(&self) -> bool {
        self.kind.is_string() || matches!(self.kind, TypeKind::Enum | TypeKind::Set)
    }

    /// Fractional second digits of a temporal type, 0 for others.
    pub fn fsp(&self) -> u8 {
        if self.kind.is_temporal() { self.decimals.min(6) } else { 0 }
    }
}

fn fraction_width(fsp: u8) -> u32 {
    if fsp == 0 { 0 } else { u32::from(fsp) + 1 }
}
