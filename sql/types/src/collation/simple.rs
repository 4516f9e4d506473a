//! Orders with one weight per character: bytes, general_ci, latin1_swedish_ci, ascii_general_ci.

use super::weights::{GENERAL, LATIN1};

/// PAD SPACE: trailing spaces do not count.
pub(super) fn cut_trailing_spaces(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|b| *b != b' ').map_or(0, |at| at + 1);
    &text[..end]
}

/// MySQL gives every supplementary character the weight of U+FFFD.
pub(super) fn general_weight(c: char) -> u16 {
    GENERAL.get(c as usize).copied().unwrap_or(0xFFFD)
}

pub(super) fn general_key(text: &[u8], out: &mut Vec<u8>) {
    let text = cut_trailing_spaces(text);
    if text.is_ascii() {
        for byte in text {
            out.extend_from_slice(&[0, byte.to_ascii_uppercase()]);
        }
        return;
    }
    for c in String::from_utf8_lossy(text).chars() {
        out.extend_from_slice(&general_weight(c).to_be_bytes());
    }
}

pub(super) fn ascii_general_key(text: &[u8], out: &mut Vec<u8>) {
    out.extend(cut_trailing_spaces(text).iter().map(u8::to_ascii_uppercase));
}

pub(super) fn latin1_weight(c: char) -> u8 {
    LATIN1[usize::from(cp1252(c).unwrap_or(b'?'))]
}

pub(super) fn latin1_key(text: &[u8], out: &mut Vec<u8>) {
    let text = cut_trailing_spaces(text);
    if text.is_ascii() {
        out.extend(text.iter().map(|b| LATIN1[usize::from(*b)]));
    } else {
        out.extend(String::from_utf8_lossy(text).chars().map(latin1_weight));
    }
}

/// The 0x80..0x9F part of MySQL's latin1, which is cp1252; undefined bytes map to the control characters.
const CP1252_HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

/// The latin1 byte of a character, if there is one.
pub(super) fn cp1252(c: char) -> Option<u8> {
    match c as u32 {
        code @ (0..=0x7F | 0xA0..=0xFF) => Some(code as u8),
        _ => CP1252_HIGH.iter().position(|high| *high == c).map(|at| 0x80 + at as u8),
    }
}

/// The character of a latin1 byte.
pub(super) fn from_cp1252(byte: u8) -> char {
    match byte {
        0x80..=0x9F => CP1252_HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}
