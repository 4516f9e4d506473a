//! The text format, cut into pieces at every position.

use rutile_sql_parser::ast::FieldFormat;

use super::fields::{FieldReader, Format};

fn format(terminated: &str, enclosed: Option<&str>, lines: &str) -> Format {
    Format::new(&FieldFormat {
        fields_terminated_by: Some(terminated.as_bytes().into()),
        enclosed_by: enclosed.map(|text| text.as_bytes().into()),
        optionally_enclosed: enclosed.is_some(),
        lines_terminated_by: Some(lines.as_bytes().into()),
        ..FieldFormat::default()
    })
}

/// Records as text: fields joined by `|`, NULL as `~`.
fn read(format: &Format, ignore_lines: u64, pieces: &[&[u8]]) -> Vec<String> {
    let mut reader = FieldReader::new(format.clone(), ignore_lines);
    let mut records = Vec::new();
    let mut drain = |reader: &mut FieldReader| {
        while let Some(fields) = reader.next_record() {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| {
                    field.as_ref().map_or("~".to_string(), |f| String::from_utf8_lossy(f).into_owned())
                })
                .collect();
            records.push(fields.join("|"));
        }
    };
    for piece in pieces {
        reader.push(piece);
        drain(&mut reader);
    }
    reader.end();
    drain(&mut reader);
    records
}

fn check(format: &Format, ignore_lines: u64, text: &str, expected: &[&str]) {
    let bytes = text.as_bytes();
    assert_eq!(read(format, ignore_lines, &[bytes]), expected, "whole: {text:?}");
    for cut in 0..bytes.len() {
        assert_eq!(
            read(format, ignore_lines, &[&bytes[..cut], &bytes[cut..]]),
            expected,
            "cut at {cut}: {text:?}"
        );
    }
}

#[test]
fn tabs_and_escapes() {
    let format = Format::new(&FieldFormat::default());
    check(&format, 0, "1\ta\n2\t\\N\n", &["1|a", "2|~"]);
    check(&format, 0, "x\\ty\t\\\\\nlast\t", &["x\ty|\\", "last|"]);
    check(&format, 0, "a\\\nb\tc\n", &["a\nb|c"]);
    check(&format, 1, "head\n1\t2\n", &["1|2"]);
    check(&format, 0, "", &[]);
}

#[test]
fn quoted_fields() {
    let format = format(",", Some("\""), "\n");
    check(&format, 0, "1,\"a,b\",c\n", &["1|a,b|c"]);
    check(&format, 0, "\"say \"\"x\"\"\",NULL\n", &["say \"x\"|~"]);
    check(&format, 0, "\"two\nlines\",2\n\"\",3\n", &["two\nlines|2", "|3"]);
    check(&format, 0, "5\"6,7", &["5\"6|7"]);
}

#[test]
fn long_marks() {
    let format = format("||", None, "|\r\n");
    check(&format, 0, "a||b|\r\nc||d|\r\n", &["a|b", "c|d"]);
}

#[test]
fn lines_that_start_with_a_mark() {
    let format = Format::new(&FieldFormat {
        fields_terminated_by: Some(b",".as_slice().into()),
        lines_starting_by: Some(b"xxx".as_slice().into()),
        ..FieldFormat::default()
    });
    check(&format, 0, "xxx1,2\nnoise\njunk xxx3,4\n", &["1|2", "3|4"]);
}
