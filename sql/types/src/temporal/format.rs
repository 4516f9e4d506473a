//! Temporal values as text, with exactly `fsp` fractional digits.

use super::{Duration, PackedDatetime};

fn two(value: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]);
}

fn fraction(micros: u32, fsp: u8, out: &mut Vec<u8>) {
    if fsp == 0 {
        return;
    }
    out.push(b'.');
    let mut divisor = 100_000;
    for _ in 0..fsp.min(6) {
        out.push(b'0' + (micros / divisor % 10) as u8);
        divisor /= 10;
    }
}

pub fn format_date(value: PackedDatetime, out: &mut Vec<u8>) {
    let p = value.parts();
    two(p.year / 100, out);
    two(p.year % 100, out);
    out.push(b'-');
    two(p.month, out);
    out.push(b'-');
    two(p.day, out);
}

pub fn format_datetime(value: PackedDatetime, fsp: u8, out: &mut Vec<u8>) {
    let p = value.parts();
    format_date(value, out);
    out.push(b' ');
    two(p.hour, out);
    out.push(b':');
    two(p.minute, out);
    out.push(b':');
    two(p.second, out);
    fraction(p.microsecond, fsp, out);
}

pub fn format_duration(value: Duration, fsp: u8, out: &mut Vec<u8>) {
    let (negative, hours, minutes, seconds, micros) = value.parts();
    if negative {
        out.push(b'-');
    }
    if hours >= 100 {
        out.push(b'0' + (hours / 100) as u8);
    }
    two(hours % 100, out);
    out.push(b':');
    two(minutes, out);
    out.push(b':');
    two(seconds, out);
    fraction(micros, fsp, out);
}
