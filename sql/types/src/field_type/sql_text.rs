//! The type as SHOW CREATE TABLE and information_schema.COLUMNS.COLUMN_TYPE print it.

use std::fmt::{self, Write};

use super::{FieldType, NOT_FIXED_DECIMALS, TypeKind};

impl FieldType {
    /// COLUMN_TYPE: `int unsigned`, `decimal(10,2)`, `enum('a','b')`; no character set, no NOT NULL.
    pub fn sql_text(&self) -> String {
        let mut text = String::new();
        self.write_sql(&mut text).expect("writing into a String cannot fail");
        text
    }

    fn write_sql(&self, out: &mut String) -> fmt::Result {
        use TypeKind::*;
        match self.kind {
            TinyInt if self.length == 1 && !self.unsigned => out.push_str("tinyint(1)"),
            Bit | Char | VarChar | Binary | VarBinary => {
                write!(out, "{}({})", self.data_type(), self.length)?
            }
            Decimal => write!(out, "decimal({},{})", self.length, self.decimals)?,
            Float | Double if self.decimals != NOT_FIXED_DECIMALS => {
                write!(out, "{}({},{})", self.data_type(), self.length, self.decimals)?;
            }
            Time | Datetime | Timestamp if self.decimals > 0 => {
                write!(out, "{}({})", self.data_type(), self.decimals)?
            }
            Enum | Set => self.write_members(out),
            _ if self.zerofill && self.kind.is_integer() => {
                write!(out, "{}({})", self.data_type(), self.length)?
            }
            _ => out.push_str(self.data_type()),
        }
        if self.unsigned && !matches!(self.kind, Year | Bit | Enum | Set) {
            out.push_str(" unsigned");
        }
        if self.zerofill && self.kind != Year {
            out.push_str(" zerofill");
        }
        Ok(())
    }

    fn write_members(&self, out: &mut String) {
        out.push_str(self.data_type());
        out.push('(');
        for (i, element) in self.elements.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push('\'');
            out.push_str(&element.replace('\'', "''"));
            out.push('\'');
        }
        out.push(')');
    }

    /// DATA_TYPE of information_schema.COLUMNS: the bare name.
    pub fn data_type(&self) -> &'static str {
        use TypeKind::*;
        match self.kind {
            Null => "null",
            TinyInt => "tinyint",
            SmallInt => "smallint",
            MediumInt => "mediumint",
            Int => "int",
            BigInt => "bigint",
            Year => "year",
            Bit => "bit",
            Float => "float",
            Double => "double",
            Decimal => "decimal",
            Date => "date",
            Time => "time",
            Datetime => "datetime",
            Timestamp => "timestamp",
            Char => "char",
            VarChar => "varchar",
            Binary => "binary",
            VarBinary => "varbinary",
            TinyText => "tinytext",
            Text => "text",
            MediumText => "mediumtext",
            LongText => "longtext",
            TinyBlob => "tinyblob",
            Blob => "blob",
            MediumBlob => "mediumblob",
            LongBlob => "longblob",
            Enum => "enum",
            Set => "set",
            Json => "json",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Collation;

    #[test]
    fn prints_like_show_create_table() {
        assert_eq!(FieldType::int().with_unsigned().sql_text(), "int unsigned");
        assert_eq!(FieldType::new(TypeKind::TinyInt).with_length(1).sql_text(), "tinyint(1)");
        assert_eq!(FieldType::decimal(10, 2).sql_text(), "decimal(10,2)");
        assert_eq!(FieldType::datetime(6).sql_text(), "datetime(6)");
        assert_eq!(FieldType::varchar(20, Collation::DEFAULT).sql_text(), "varchar(20)");
        let members: std::sync::Arc<[std::sync::Arc<str>]> =
            std::sync::Arc::from(["a".into(), "it's".into()]);
        assert_eq!(FieldType::enumeration(members, Collation::DEFAULT).sql_text(), "enum('a','it''s')");
        let zerofill = FieldType { zerofill: true, unsigned: true, length: 5, ..FieldType::int() };
        assert_eq!(zerofill.sql_text(), "int(5) unsigned zerofill");
        assert_eq!(FieldType::year().sql_text(), "year");
    }
}
