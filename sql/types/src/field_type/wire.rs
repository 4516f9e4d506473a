//! The column definition a client sees: type byte, length in bytes, decimals, character set, flags.
//!
//! Values were recorded from MySQL 9.7 with `mysql --column-type-info`. Key flags (primary, unique,
//! multiple, auto increment, no default) belong to the table, not to the type, and are added by the caller.

use super::{FieldType, TypeKind};
use crate::Collation;

/// Type byte of the column definition packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum WireType {
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
    Bit = 16,
    Json = 245,
    NewDecimal = 246,
    Blob = 252,
    VarString = 253,
    String = 254,
}

impl WireType {
    pub fn from_byte(byte: u8) -> Option<WireType> {
        use WireType::*;
        let all = [
            Tiny, Short, Long, Float, Double, Null, Timestamp, LongLong, Int24, Date, Time, Datetime, Year,
            Bit, Json, NewDecimal, Blob, VarString, String,
        ];
        all.into_iter().find(|ty| *ty as u8 == byte)
    }
}

/// Flag bits of the column definition packet.
pub struct WireFlags;

impl WireFlags {
    pub const NOT_NULL: u16 = 1;
    pub const PRI_KEY: u16 = 2;
    pub const UNIQUE_KEY: u16 = 4;
    pub const MULTIPLE_KEY: u16 = 8;
    pub const BLOB: u16 = 16;
    pub const UNSIGNED: u16 = 32;
    pub const ZEROFILL: u16 = 64;
    pub const BINARY: u16 = 128;
    pub const ENUM: u16 = 256;
    pub const AUTO_INCREMENT: u16 = 512;
    pub const TIMESTAMP: u16 = 1024;
    pub const SET: u16 = 2048;
    pub const NO_DEFAULT_VALUE: u16 = 4096;
    pub const ON_UPDATE_NOW: u16 = 8192;
    pub const NUM: u16 = 32768;
}

impl FieldType {
    pub fn wire_type(&self) -> WireType {
        use TypeKind::*;
        match self.kind {
            Null => WireType::Null,
            TinyInt => WireType::Tiny,
            SmallInt => WireType::Short,
            MediumInt => WireType::Int24,
            Int => WireType::Long,
            BigInt => WireType::LongLong,
            Year => WireType::Year,
            Bit => WireType::Bit,
            Float => WireType::Float,
            Double => WireType::Double,
            Decimal => WireType::NewDecimal,
            Date => WireType::Date,
            Time => WireType::Time,
            Datetime => WireType::Datetime,
            Timestamp => WireType::Timestamp,
            Char | Binary | Enum | Set => WireType::String,
            VarChar | VarBinary => WireType::VarString,
            TinyText | Text | MediumText | LongText | TinyBlob | Blob | MediumBlob | LongBlob => {
                WireType::Blob
            }
            Json => WireType::Json,
        }
    }

    /// Length in bytes; `results` is the collation results are sent in (character_set_results).
    pub fn wire_length(&self, results: Collation) -> u32 {
        use TypeKind::*;
        let per_char = results.charset().max_len();
        match self.kind {
            // precision + sign + decimal point
            Decimal => self.length + u32::from(!self.unsigned) + u32::from(self.decimals > 0),
            Char | VarChar | Enum | Set => self.length.saturating_mul(per_char),
            // A TEXT may grow by the wider of the two character sets: 65535 bytes of utf8mb4 report 262140.
            TinyText | Text | MediumText | LongText => self.length.saturating_mul(per_char),
            TinyInt | SmallInt | MediumInt | Int if self.unsigned && !self.zerofill => {
                match (self.kind, self.length) {
                    (TinyInt, 4) => 3,
                    (SmallInt, 6) => 5,
                    (MediumInt, 9) => 8,
                    (Int, 11) => 10,
                    (_, length) => length,
                }
            }
            _ => self.length,
        }
    }

    pub fn wire_decimals(&self) -> u8 {
        self.decimals
    }

    /// Character set id of the column definition: binary (63) for everything that is not text.
    pub fn wire_charset(&self, results: Collation) -> u16 {
        if self.is_text_on_wire() { results.id() } else { Collation::BINARY.id() }
    }

    /// Flags that follow from the type.
    pub fn wire_flags(&self) -> u16 {
        use TypeKind::*;
        let mut flags = 0;
        if self.not_null {
            flags |= WireFlags::NOT_NULL;
        }
        if self.unsigned {
            flags |= WireFlags::UNSIGNED;
        }
        if self.zerofill {
            flags |= WireFlags::ZEROFILL;
        }
        if self.kind.is_lob() || self.kind == Json {
            flags |= WireFlags::BLOB;
        }
        match self.kind {
            Enum => flags |= WireFlags::ENUM,
            Set => flags |= WireFlags::SET,
            _ => {}
        }
        let binary = match self.kind {
            Null | Date | Time | Datetime | Timestamp | Json => true,
            kind if kind.is_numeric() => false,
            _ => self.collation.is_bin(),
        };
        if binary {
            flags |= WireFlags::BINARY;
        }
        flags
    }

    fn is_text_on_wire(&self) -> bool {
        (self.kind.is_text() || matches!(self.kind, TypeKind::Enum | TypeKind::Set))
            && !self.collation.is_binary()
    }
}
