//! Result-set metadata: column types, flags and the column definition packet.

use std::sync::Arc;

use crate::packet::put;

/// `enum_field_types` of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ColumnType {
    Decimal = 0,
    Tiny = 1,
    Short = 2,
    Long = 3,
    Float = 4,
    Double = 5,
    Null = 6,
    Timestamp = 7,
    LongLong = 8,
    Int24 = 9,
    Date = 10,
    Time = 11,
    Datetime = 12,
    Year = 13,
    NewDate = 14,
    VarChar = 15,
    Bit = 16,
    Vector = 242,
    Bool = 244,
    Json = 245,
    NewDecimal = 246,
    Enum = 247,
    Set = 248,
    TinyBlob = 249,
    MediumBlob = 250,
    LongBlob = 251,
    Blob = 252,
    VarString = 253,
    String = 254,
    Geometry = 255,
}

impl ColumnType {
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Decimal,
            1 => Self::Tiny,
            2 => Self::Short,
            3 => Self::Long,
            4 => Self::Float,
            5 => Self::Double,
            6 => Self::Null,
            7 => Self::Timestamp,
            8 => Self::LongLong,
            9 => Self::Int24,
            10 => Self::Date,
            11 => Self::Time,
            12 => Self::Datetime,
            13 => Self::Year,
            14 => Self::NewDate,
            15 => Self::VarChar,
            16 => Self::Bit,
            242 => Self::Vector,
            244 => Self::Bool,
            245 => Self::Json,
            246 => Self::NewDecimal,
            247 => Self::Enum,
            248 => Self::Set,
            249 => Self::TinyBlob,
            250 => Self::MediumBlob,
            251 => Self::LongBlob,
            252 => Self::Blob,
            253 => Self::VarString,
            254 => Self::String,
            255 => Self::Geometry,
            _ => return None,
        })
    }
}

/// Flags of a column definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnFlags(pub u16);

impl ColumnFlags {
    pub const NOT_NULL: Self = Self(1);
    pub const PRI_KEY: Self = Self(2);
    pub const UNIQUE_KEY: Self = Self(4);
    pub const MULTIPLE_KEY: Self = Self(8);
    pub const BLOB: Self = Self(16);
    pub const UNSIGNED: Self = Self(32);
    pub const ZEROFILL: Self = Self(64);
    pub const BINARY: Self = Self(128);
    pub const ENUM: Self = Self(256);
    pub const AUTO_INCREMENT: Self = Self(512);
    pub const TIMESTAMP: Self = Self(1024);
    pub const SET: Self = Self(2048);
    pub const NO_DEFAULT_VALUE: Self = Self(4096);
    pub const ON_UPDATE_NOW: Self = Self(8192);

    pub const fn with(self, other: Self, on: bool) -> Self {
        if on { Self(self.0 | other.0) } else { self }
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Decimals value that means "as many as the number needs".
pub const DECIMALS_NOT_FIXED: u8 = 31;

/// One column as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub schema: Arc<str>,
    pub table: Arc<str>,
    pub org_table: Arc<str>,
    pub name: Arc<str>,
    pub org_name: Arc<str>,
    /// Collation id; 63 is binary.
    pub collation: u16,
    /// Display length in bytes of the result character set.
    pub length: u32,
    pub kind: ColumnType,
    pub flags: ColumnFlags,
    pub decimals: u8,
}

impl Column {
    /// A column without a table behind it.
    pub fn named(name: impl Into<Arc<str>>, kind: ColumnType) -> Self {
        let empty: Arc<str> = Arc::from("");
        Self {
            schema: Arc::clone(&empty),
            table: Arc::clone(&empty),
            org_table: Arc::clone(&empty),
            name: name.into(),
            org_name: empty,
            collation: 63,
            length: 0,
            kind,
            flags: ColumnFlags::default(),
            decimals: 0,
        }
    }

    /// Writes the payload of a `ColumnDefinition41` packet.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put::lenenc_bytes(out, b"def");
        for text in [&self.schema, &self.table, &self.org_table, &self.name, &self.org_name] {
            put::lenenc_bytes(out, text.as_bytes());
        }
        out.push(0x0c);
        out.extend_from_slice(&self.collation.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out.push(self.kind as u8);
        out.extend_from_slice(&self.flags.0.to_le_bytes());
        out.push(self.decimals);
        out.extend_from_slice(&[0, 0]);
    }
}
