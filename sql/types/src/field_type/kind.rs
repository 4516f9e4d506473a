//! The kinds of types, and the questions one asks about a kind alone.

/// A MySQL column type without its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TypeKind {
    Null,
    TinyInt,
    SmallInt,
    MediumInt,
    Int,
    BigInt,
    Year,
    Bit,
    Float,
    Double,
    Decimal,
    Date,
    Time,
    Datetime,
    Timestamp,
    Char,
    VarChar,
    Binary,
    VarBinary,
    TinyText,
    Text,
    MediumText,
    LongText,
    TinyBlob,
    Blob,
    MediumBlob,
    LongBlob,
    Enum,
    Set,
    Json,
}

impl TypeKind {
    /// TINYINT to BIGINT.
    pub fn is_integer(self) -> bool {
        use TypeKind::*;
        matches!(self, TinyInt | SmallInt | MediumInt | Int | BigInt)
    }

    /// Integers, YEAR and BIT: what computes as a 64-bit integer.
    pub fn is_integer_like(self) -> bool {
        self.is_integer() || matches!(self, TypeKind::Year | TypeKind::Bit)
    }

    pub fn is_real(self) -> bool {
        matches!(self, TypeKind::Float | TypeKind::Double)
    }

    pub fn is_numeric(self) -> bool {
        self.is_integer_like() || self.is_real() || self == TypeKind::Decimal
    }

    pub fn is_temporal(self) -> bool {
        matches!(self, TypeKind::Date | TypeKind::Time | TypeKind::Datetime | TypeKind::Timestamp)
    }

    /// DATE, DATETIME, TIMESTAMP.
    pub fn has_date(self) -> bool {
        matches!(self, TypeKind::Date | TypeKind::Datetime | TypeKind::Timestamp)
    }

    /// CHAR, VARCHAR and the TEXT family.
    pub fn is_text(self) -> bool {
        use TypeKind::*;
        matches!(self, Char | VarChar | TinyText | Text | MediumText | LongText)
    }

    /// BINARY, VARBINARY and the BLOB family.
    pub fn is_bytes(self) -> bool {
        use TypeKind::*;
        matches!(self, Binary | VarBinary | TinyBlob | Blob | MediumBlob | LongBlob)
    }

    /// Anything whose value is `Value::Bytes`.
    pub fn is_string(self) -> bool {
        self.is_text() || self.is_bytes()
    }

    /// TEXT and BLOB families (also JSON on the wire, but not here).
    pub fn is_lob(self) -> bool {
        use TypeKind::*;
        matches!(self, TinyText | Text | MediumText | LongText | TinyBlob | Blob | MediumBlob | LongBlob)
    }

    /// Bytes of the integer types in MySQL; 8 for all others that compute as integers.
    pub fn integer_bytes(self) -> u32 {
        match self {
            TypeKind::TinyInt => 1,
            TypeKind::SmallInt => 2,
            TypeKind::MediumInt => 3,
            TypeKind::Int => 4,
            _ => 8,
        }
    }

    /// Most bytes a TEXT or BLOB of this kind holds.
    pub fn lob_max_bytes(self) -> Option<u32> {
        use TypeKind::*;
        Some(match self {
            TinyText | TinyBlob => 255,
            Text | Blob => 65_535,
            MediumText | MediumBlob => 16_777_215,
            LongText | LongBlob => u32::MAX,
            _ => return None,
        })
    }
}
