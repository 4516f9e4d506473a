//! Values of text rows.

use crate::command::DatetimeParts;
use crate::packet::put;
use crate::row::number;

pub(super) fn int(out: &mut Vec<u8>, value: i64) {
    put::lenenc_bytes(out, itoa::Buffer::new().format(value).as_bytes());
}

pub(super) fn uint(out: &mut Vec<u8>, value: u64) {
    put::lenenc_bytes(out, itoa::Buffer::new().format(value).as_bytes());
}

/// A double with many fixed decimals is the one number that outgrows a one-byte length: 309 digits and 30 more.
pub(super) fn double(out: &mut Vec<u8>, value: f64, decimals: u8) {
    let mut text = Vec::with_capacity(24);
    number::double(&mut text, value, decimals);
    put::lenenc_bytes(out, &text);
}

pub(super) fn float(out: &mut Vec<u8>, value: f32, decimals: u8) {
    put::short_lenenc(out, |out| number::float(out, value, decimals));
}

fn two_digits(out: &mut Vec<u8>, value: u8) {
    out.extend_from_slice(&[b'0' + value / 10 % 10, b'0' + value % 10]);
}

fn fraction(out: &mut Vec<u8>, micro: u32, fsp: u8) {
    if fsp == 0 {
        return;
    }
    out.push(b'.');
    let mut unit = 100_000;
    for _ in 0..fsp.min(6) {
        out.push(b'0' + (micro / unit % 10) as u8);
        unit /= 10;
    }
}

pub(super) fn date(out: &mut Vec<u8>, year: u16, month: u8, day: u8) {
    two_digits(out, (year / 100 % 100) as u8);
    two_digits(out, (year % 100) as u8);
    out.push(b'-');
    two_digits(out, month);
    out.push(b'-');
    two_digits(out, day);
}

pub(super) fn datetime(out: &mut Vec<u8>, parts: &DatetimeParts, fsp: u8) {
    date(out, parts.year, parts.month, parts.day);
    out.push(b' ');
    two_digits(out, parts.hour);
    out.push(b':');
    two_digits(out, parts.minute);
    out.push(b':');
    two_digits(out, parts.second);
    fraction(out, parts.micro, fsp);
}

pub(super) fn time(
    out: &mut Vec<u8>,
    negative: bool,
    hours: u32,
    minute: u8,
    second: u8,
    micro: u32,
    fsp: u8,
) {
    if negative {
        out.push(b'-');
    }
    if hours < 100 {
        two_digits(out, hours as u8);
    } else {
        out.extend_from_slice(itoa::Buffer::new().format(hours).as_bytes());
    }
    out.push(b':');
    two_digits(out, minute);
    out.push(b':');
    two_digits(out, second);
    fraction(out, micro, fsp);
}
