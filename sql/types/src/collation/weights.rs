//! Reads the recorded weight tables (see `data/record_weights.py` for their format).

use std::sync::LazyLock;

/// Weights of one code point: a range of the shared weight array, three levels one after the other.
#[derive(Clone, Copy, Default)]
struct Entry {
    start: u32,
    primary: u8,
    secondary: u8,
    tertiary: u8,
    explicit: bool,
}

/// A decoded table. Code points without an entry have implicit weights.
pub(super) struct WeightTable {
    pages: Vec<Option<Box<[Entry; 256]>>>,
    weights: Vec<u16>,
}

/// The three weight levels of one code point.
pub(super) struct Levels<'a> {
    pub primary: &'a [u16],
    pub secondary: &'a [u16],
    pub tertiary: &'a [u16],
}

impl WeightTable {
    pub(super) fn get(&self, code: u32) -> Option<Levels<'_>> {
        let entry = self.pages.get((code >> 8) as usize)?.as_ref()?[(code & 0xFF) as usize];
        if !entry.explicit {
            return None;
        }
        let start = entry.start as usize;
        let (p, s, t) = (entry.primary as usize, entry.secondary as usize, entry.tertiary as usize);
        let all = self.weights.get(start..start + p + s + t)?;
        Some(Levels { primary: &all[..p], secondary: &all[p..p + s], tertiary: &all[p + s..] })
    }

    fn decode(data: &[u8], levels: usize) -> WeightTable {
        let mut reader = Reader { data, at: 0 };
        let mut table = WeightTable { pages: (0..0x1100).map(|_| None).collect(), weights: Vec::new() };
        let (mut code, mut last) = (0u32, 0i64);
        while reader.at < data.len() {
            code += reader.unsigned() as u32;
            let start = table.weights.len() as u32;
            let primary = reader.unsigned() as u8;
            for _ in 0..primary {
                last += reader.signed();
                table.weights.push(last as u16);
            }
            let (mut secondary, mut tertiary) = (0, 0);
            if levels == 3 {
                secondary = reader.level(&mut table.weights, 0x20, primary);
                tertiary = reader.level(&mut table.weights, 2, primary);
            }
            let page =
                table.pages[(code >> 8) as usize].get_or_insert_with(|| Box::new([Entry::default(); 256]));
            page[(code & 0xFF) as usize] = Entry { start, primary, secondary, tertiary, explicit: true };
        }
        table
    }
}

struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn unsigned(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        while let Some(byte) = self.data.get(self.at) {
            self.at += 1;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                break;
            }
            shift += 7;
        }
        value
    }

    fn signed(&mut self) -> i64 {
        let raw = self.unsigned();
        if raw & 1 == 0 { (raw >> 1) as i64 } else { -((raw >> 1) as i64) - 1 }
    }

    fn level(&mut self, weights: &mut Vec<u16>, common: u16, count: u8) -> u8 {
        match self.unsigned() {
            0 => {
                weights.extend(std::iter::repeat_n(common, usize::from(count)));
                count
            }
            n => {
                for _ in 1..n {
                    let weight = self.unsigned() as u16;
                    weights.push(weight);
                }
                (n - 1) as u8
            }
        }
    }
}

/// UCA 9.0.0 (utf8mb4_0900_*).
pub(super) static UCA900: LazyLock<WeightTable> =
    LazyLock::new(|| WeightTable::decode(include_bytes!("../../data/uca900.bin"), 3));

/// UCA 4.0.0 (utf8mb4_unicode_ci).
pub(super) static UCA400: LazyLock<WeightTable> =
    LazyLock::new(|| WeightTable::decode(include_bytes!("../../data/uca400.bin"), 1));

/// Weight of each BMP code point in general_ci.
pub(super) static GENERAL: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let mut weights: Vec<u16> = (0..=u16::MAX).collect();
    let data: &[u8] = include_bytes!("../../data/general.bin");
    let mut reader = Reader { data, at: 0 };
    let mut code = 0u64;
    while reader.at < data.len() {
        code += reader.unsigned();
        let delta = reader.signed();
        if let Some(weight) = weights.get_mut(code as usize) {
            *weight = (code as i64 + delta) as u16;
        }
    }
    weights
});

/// Weight of each cp1252 byte in latin1_swedish_ci.
pub(super) static LATIN1: &[u8; 256] = include_bytes!("../../data/latin1.bin");
