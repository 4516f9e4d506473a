//! The Unicode collation algorithm over the recorded weight tables.

use std::sync::LazyLock;

use super::weights::{UCA400, UCA900, WeightTable};

/// Primary weights of ASCII in UCA 9.0.0; 0 is ignorable.
static ASCII900: LazyLock<[u16; 128]> = LazyLock::new(|| {
    let mut weights = [0; 128];
    for (code, weight) in weights.iter_mut().enumerate() {
        *weight = UCA900.get(code as u32).and_then(|levels| levels.primary.first().copied()).unwrap_or(0);
    }
    weights
});

/// Calls `emit` with every primary weight of the character.
fn primaries900(c: char, emit: &mut impl FnMut(u16)) {
    let code = c as u32;
    if (0xAC00..=0xD7A3).contains(&code) {
        for jamo in hangul(code).into_iter().flatten() {
            for weight in UCA900.get(jamo).into_iter().flat_map(|levels| levels.primary) {
                emit(*weight);
            }
        }
        return;
    }
    match UCA900.get(code) {
        Some(levels) => levels.primary.iter().for_each(|w| emit(*w)),
        None => implicit900(code).into_iter().for_each(emit),
    }
}

/// Leading consonant, vowel and trailing consonant of a Hangul syllable (Unicode standard 3.12).
fn hangul(code: u32) -> [Option<u32>; 3] {
    let index = code - 0xAC00;
    let tail = index % 28;
    [Some(0x1100 + index / 588), Some(0x1161 + index % 588 / 28), (tail > 0).then_some(0x11A7 + tail)]
}

fn implicit900(code: u32) -> [u16; 2] {
    const COMPATIBILITY: [u32; 12] =
        [0xFA0E, 0xFA0F, 0xFA11, 0xFA13, 0xFA14, 0xFA1F, 0xFA21, 0xFA23, 0xFA24, 0xFA27, 0xFA28, 0xFA29];
    let base = match code {
        0x17000..=0x18AFF => return [0xFB00, (code - 0x17000) as u16 | 0x8000],
        0x4E00..=0x9FD5 => 0xFB40,
        _ if COMPATIBILITY.contains(&code) => 0xFB40,
        0x3400..=0x4DB5 | 0x20000..=0x2A6D6 | 0x2A700..=0x2B734 | 0x2B740..=0x2B81D | 0x2B820..=0x2CEA1 => {
            0xFB80
        }
        _ => 0xFBC0,
    };
    [base + (code >> 15) as u16, (code & 0x7FFF) as u16 | 0x8000]
}

fn implicit400(code: u32) -> [u16; 2] {
    let base = match code {
        0x4E00..=0x9FA5 => 0xFB40,
        0x3400..=0x4DB5 => 0xFB80,
        _ => 0xFBC0,
    };
    [base + (code >> 15) as u16, (code & 0x7FFF) as u16 | 0x8000]
}

pub(super) fn ascii_weight(byte: u8) -> u16 {
    ASCII900[usize::from(byte & 0x7F)]
}

/// Primary key, the whole key of 0900_ai_ci.
pub(super) fn primary900_key(text: &[u8], out: &mut Vec<u8>) {
    if text.is_ascii() {
        let weights = &*ASCII900;
        let start = out.len();
        out.resize(start + text.len() * 2, 0);
        let (places, _) = out.split_at_mut(start).1.as_chunks_mut::<2>();
        let mut filled = 0;
        for byte in text {
            let weight = weights[usize::from(*byte & 0x7F)];
            if let Some(place) = places.get_mut(filled) {
                *place = weight.to_be_bytes();
            }
            // The next one is written over the place of an ignorable character.
            filled += usize::from(weight != 0);
        }
        out.truncate(start + filled * 2);
        return;
    }
    for c in String::from_utf8_lossy(text).chars() {
        primaries900(c, &mut |weight| out.extend_from_slice(&weight.to_be_bytes()));
    }
}

/// Further levels of as_ci (secondary) and as_cs (secondary and tertiary), each after a zero word.
pub(super) fn accents900_key(text: &[u8], with_case: bool, out: &mut Vec<u8>) {
    primary900_key(text, out);
    let lossy = String::from_utf8_lossy(text);
    level(&UCA900, &lossy, false, out);
    if with_case {
        level(&UCA900, &lossy, true, out);
    }
}

fn level(table: &WeightTable, text: &str, tertiary: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, 0]);
    let common: u16 = if tertiary { 2 } else { 0x20 };
    let mut one = |code: u32| match table.get(code) {
        Some(levels) => {
            let weights = if tertiary { levels.tertiary } else { levels.secondary };
            weights.iter().for_each(|w| out.extend_from_slice(&w.to_be_bytes()));
        }
        None => out.extend_from_slice(&common.to_be_bytes()),
    };
    for c in text.chars() {
        if ('\u{AC00}'..='\u{D7A3}').contains(&c) {
            hangul(c as u32).into_iter().flatten().for_each(&mut one);
        } else {
            one(c as u32);
        }
    }
}

/// The weights of one character under 0900_ai_ci, for LIKE and searching.
pub(super) fn character900(c: char, out: &mut Vec<u8>) {
    primaries900(c, &mut |weight| out.extend_from_slice(&weight.to_be_bytes()));
}

/// Key of unicode_ci; supplementary characters all weigh as U+FFFD.
pub(super) fn unicode400_key(text: &[u8], out: &mut Vec<u8>) {
    for c in String::from_utf8_lossy(super::simple::cut_trailing_spaces(text)).chars() {
        character400(c, out);
    }
}

pub(super) fn character400(c: char, out: &mut Vec<u8>) {
    let code = c as u32;
    if code > 0xFFFF {
        out.extend_from_slice(&[0xFF, 0xFD]);
        return;
    }
    match UCA400.get(code) {
        Some(levels) => levels.primary.iter().for_each(|w| out.extend_from_slice(&w.to_be_bytes())),
        None => implicit400(code).iter().for_each(|w| out.extend_from_slice(&w.to_be_bytes())),
    }
}
