//! Rows byte for byte, and numbers as MySQL 9.7 prints them.

use super::*;
use crate::column::{Column, ColumnType, DECIMALS_NOT_FIXED};

fn columns(kinds: &[ColumnType]) -> Vec<Column> {
    kinds.iter().map(|kind| Column { decimals: DECIMALS_NOT_FIXED, ..Column::named("c", *kind) }).collect()
}

fn encode(kinds: &[ColumnType], format: RowFormat, fill: impl FnOnce(&mut Row<'_>)) -> Vec<u8> {
    let columns = columns(kinds);
    let mut out = Vec::new();
    let mut row = Row::start(&mut out, &columns, format);
    fill(&mut row);
    row.finish().expect("as many values as columns");
    out
}

#[test]
fn numbers_read_as_on_mysql() {
    // Both columns of `SELECT d, f` over a table (d DOUBLE, f FLOAT) on MySQL 9.7.
    let cases: [(f64, &str, f32, &str); 18] = [
        (1e15, "1e15", 1e15, "1e15"),
        (1e14, "100000000000000", 1e14, "100000000000000"),
        (123456789012345680.0, "1.2345678901234568e17", 16777217.0, "16777200"),
        (1e-15, "0.000000000000001", 1e-15, "0.000000000000001"),
        (1e-16, "1e-16", 1e-16, "1e-16"),
        (0.1, "0.1", 0.1, "0.1"),
        (-0.0, "-0", -0.0, "-0"),
        (1.5e-20, "1.5e-20", 1.5e-20, "1.5e-20"),
        (3.4028235e38, "3.4028235e38", 3.4028234e38, "3.40282e38"),
        (0.000012345678901234567, "0.000012345678901234568", 0.000_012_345_679, "0.0000123457"),
        (1e22, "1e22", 123456.7, "123457"),
        (100.0, "100", 999999.5, "1000000"),
        (1234567.0, "1234567", 1234567.0, "1234570"),
        (1e-10, "0.0000000001", 1e-10, "0.0000000001"),
        (123456789.125, "123456789.125", 123456789.0, "123457000"),
        (2.5, "2.5", 2.7182817, "2.71828"),
        (1.7976931348623157e308, "1.7976931348623157e308", 1e10, "10000000000"),
        (5e-324, "5e-324", 1e-38, "1e-38"),
    ];
    for (double, double_text, float, float_text) in cases {
        let mut out = Vec::new();
        number::double(&mut out, double, DECIMALS_NOT_FIXED);
        assert_eq!(String::from_utf8_lossy(&out), double_text);
        out.clear();
        number::float(&mut out, float, DECIMALS_NOT_FIXED);
        assert_eq!(String::from_utf8_lossy(&out), float_text);
    }
    let mut out = Vec::new();
    number::double(&mut out, 1234.5, 2);
    assert_eq!(out, b"1234.50");
}

#[test]
fn a_text_row_is_strings() {
    let kinds =
        [ColumnType::Long, ColumnType::LongLong, ColumnType::Double, ColumnType::VarString, ColumnType::Date];
    let row = encode(&kinds, RowFormat::Text, |row| {
        row.int(-12);
        row.uint(u64::MAX);
        row.double(0.5);
        row.bytes(b"a\0");
        row.null();
    });
    assert_eq!(row, b"\x03-12\x1418446744073709551615\x030.5\x02a\0\xfb");
    let kinds =
        [ColumnType::Date, ColumnType::Datetime, ColumnType::Time, ColumnType::Time, ColumnType::VarString];
    let row = encode(&kinds, RowFormat::Text, |row| {
        row.date(0, 0, 0);
        row.datetime(2024, 2, 29, 1, 2, 3, 45_000, 3);
        row.time(true, 838, 59, 59, 0, 0);
        row.time(false, 5, 6, 7, 123_456, 6);
        row.formatted(|out| out.extend_from_slice(&[b'x'; 300]));
    });
    let expected = [
        &b"\x0a0000-00-00\x172024-02-29 01:02:03.045\x0a-838:59:59\x0f05:06:07.123456\xfc\x2c\x01"[..],
        &[b'x'; 300],
    ]
    .concat();
    assert_eq!(row, expected);
}

#[test]
fn a_binary_row_has_a_bitmap_and_fixed_widths() {
    let kinds = [
        ColumnType::Tiny,
        ColumnType::Short,
        ColumnType::Int24,
        ColumnType::LongLong,
        ColumnType::Float,
        ColumnType::Double,
        ColumnType::NewDecimal,
    ];
    let row = encode(&kinds, RowFormat::Binary, |row| {
        row.int(-1);
        row.null();
        row.uint(3);
        row.int(-4);
        row.float(1.5);
        row.double(-2.0);
        row.bytes(b"1.20");
    });
    let expected = [
        &[0u8, 0b0000_1000, 0][..],
        &[0xff],
        &[3, 0, 0, 0],
        &(-4i64).to_le_bytes(),
        &1.5f32.to_le_bytes(),
        &(-2f64).to_le_bytes(),
        b"\x041.20",
    ]
    .concat();
    assert_eq!(row, expected);
}

#[test]
fn binary_dates_take_the_shortest_form() {
    let kinds = [
        ColumnType::Datetime,
        ColumnType::Datetime,
        ColumnType::Timestamp,
        ColumnType::Date,
        ColumnType::Time,
        ColumnType::Time,
    ];
    let row = encode(&kinds, RowFormat::Binary, |row| {
        row.datetime(0, 0, 0, 0, 0, 0, 0, 6);
        row.datetime(2024, 2, 29, 0, 0, 0, 0, 0);
        row.datetime(2024, 2, 29, 1, 2, 3, 4, 6);
        row.date(1999, 12, 31);
        row.time(true, 838, 59, 58, 0, 0);
        row.time(false, 0, 0, 0, 0, 0);
    });
    let expected = [
        &[0u8, 0][..],
        &[0],
        &[4, 0xe8, 7, 2, 29],
        &[11, 0xe8, 7, 2, 29, 1, 2, 3, 4, 0, 0, 0],
        &[4, 0xcf, 7, 12, 31],
        &[8, 1, 34, 0, 0, 0, 22, 59, 58],
        &[0],
    ]
    .concat();
    assert_eq!(row, expected);
}

#[test]
fn a_value_of_another_type_goes_out_as_text() {
    let kinds = [ColumnType::VarString, ColumnType::VarString, ColumnType::VarString, ColumnType::Double];
    let row = encode(&kinds, RowFormat::Binary, |row| {
        row.int(42);
        row.double(0.25);
        row.date(2024, 1, 2);
        row.int(3);
    });
    let expected = [&b"\0\0\x0242\x040.25\x0a2024-01-02"[..], &3f64.to_le_bytes()].concat();
    assert_eq!(row, expected);
}

#[test]
fn a_row_of_the_wrong_width_is_an_error() {
    let columns = columns(&[ColumnType::Long]);
    for count in [0, 2] {
        let mut out = Vec::new();
        let mut row = Row::start(&mut out, &columns, RowFormat::Binary);
        for _ in 0..count {
            row.int(1);
        }
        assert!(row.finish().is_err());
    }
}
