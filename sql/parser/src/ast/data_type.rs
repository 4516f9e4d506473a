//! Types: of columns, and of CAST.

use super::{Ident, Span};

/// A column type with its synonyms resolved: BOOL is `TinyInt` of length 1, `INTEGER` is `Int`, `REAL` is `Double` (or
/// `Float` under `REAL_AS_FLOAT`), `FLOAT(30)` is `Double`, `LONG VARCHAR` is `MediumText`, `CHAR BYTE` is `Binary`.
/// SERIAL is `BigInt` unsigned; the attributes it implies are set on the column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataType {
    pub kind: DataTypeKind,
    /// Display width, characters, bytes, bits, precision, or fractional seconds, as the kind has it.
    pub length: Option<u64>,
    /// Digits after the point of DECIMAL, FLOAT, DOUBLE.
    pub decimals: Option<u64>,
    pub unsigned: bool,
    pub zerofill: bool,
    /// `CHARACTER SET x`; `ASCII` is latin1, `UNICODE` is ucs2, NATIONAL is utf8mb3.
    pub charset: Option<Ident>,
    pub collation: Option<Ident>,
    /// The `BINARY` attribute of a character type: its charset's `_bin` collation.
    pub binary_collation: bool,
    /// Of ENUM and SET, escapes undone.
    pub elements: Vec<Box<[u8]>>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataTypeKind {
    TinyInt,
    SmallInt,
    MediumInt,
    Int,
    BigInt,
    Decimal,
    Float,
    Double,
    Bit,
    Year,
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
    Vector,
    Geometry,
    Point,
    LineString,
    Polygon,
    MultiPoint,
    MultiLineString,
    MultiPolygon,
    GeometryCollection,
}

/// Target of CAST, CONVERT and JSON_VALUE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CastType {
    Signed,
    Unsigned,
    /// `CHAR[(n)] [CHARACTER SET x]`; `ASCII` and `UNICODE` are charsets, `BINARY` asks for the `_bin` collation
    Char {
        length: Option<u64>,
        charset: Option<Ident>,
        binary_collation: bool,
    },
    /// `NCHAR[(n)]`: in utf8mb3
    NChar {
        length: Option<u64>,
    },
    Binary {
        length: Option<u64>,
    },
    Date,
    Time {
        fsp: Option<u64>,
    },
    Datetime {
        fsp: Option<u64>,
    },
    Year,
    Decimal {
        precision: Option<u64>,
        scale: Option<u64>,
    },
    /// `FLOAT[(p)]`; p above 24 is DOUBLE
    Float {
        precision: Option<u64>,
    },
    /// `DOUBLE`; `REAL` is this or Float as `REAL_AS_FLOAT` says
    Double,
    Json,
    Vector {
        length: Option<u64>,
    },
    /// One of the geometry kinds.
    Geometry(DataTypeKind),
}
