//! Keys, comparison and hashing of text under a collation.

use std::cmp::Ordering;
use std::hash::Hasher;

use super::table::Family;
use super::{Charset, Collation, PadAttribute, simple, uca};

impl Collation {
    /// Appends the key of `text`: keys compare as bytes.
    pub fn key(self, text: &[u8], out: &mut Vec<u8>) {
        match self.info().family {
            Family::Bytes => out.extend_from_slice(self.unpadded(text)),
            Family::AsciiGeneral => simple::ascii_general_key(text, out),
            Family::General => simple::general_key(text, out),
            Family::Latin1Swedish => simple::latin1_key(text, out),
            Family::Uca400 => uca::unicode400_key(text, out),
            Family::Uca900AiCi => uca::primary900_key(text, out),
            Family::Uca900AsCi => uca::accents900_key(text, false, out),
            Family::Uca900AsCs => uca::accents900_key(text, true, out),
        }
    }

    /// `text` without trailing spaces if the collation is PAD SPACE.
    pub fn unpadded(self, text: &[u8]) -> &[u8] {
        match self.pad() {
            PadAttribute::PadSpace => simple::cut_trailing_spaces(text),
            PadAttribute::NoPad => text,
        }
    }

    pub fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        let family = self.info().family;
        if family == Family::Uca900AiCi
            && let Some(order) = first_difference900(a, b)
        {
            return order;
        }
        match family {
            Family::Bytes => self.unpadded(a).cmp(self.unpadded(b)),
            _ if a == b => Ordering::Equal,
            Family::Uca900AiCi if a.is_ascii() && b.is_ascii() => compare_ascii900(a, b),
            Family::General | Family::AsciiGeneral if a.is_ascii() && b.is_ascii() => {
                let fold = |text| simple::cut_trailing_spaces(text).iter().map(u8::to_ascii_uppercase);
                fold(a).cmp(fold(b))
            }
            _ => {
                let (mut x, mut y) = (Vec::with_capacity(a.len() * 2), Vec::with_capacity(b.len() * 2));
                self.key(a, &mut x);
                self.key(b, &mut y);
                x.cmp(&y)
            }
        }
    }

    pub fn equal(self, a: &[u8], b: &[u8]) -> bool {
        self.compare(a, b) == Ordering::Equal
    }

    /// Equal text hashes alike.
    pub fn hash(self, text: &[u8], state: &mut impl Hasher) {
        if self.info().family == Family::Bytes {
            state.write(self.unpadded(text));
            return;
        }
        let mut key = Vec::with_capacity(text.len() * 2);
        self.key(text, &mut key);
        state.write(&key);
    }

    /// Appends the weights of one character, for LIKE and substring search. Equal weights match.
    pub fn character_key(self, c: char, out: &mut Vec<u8>) {
        match self.info().family {
            Family::Bytes => {
                let mut buffer = [0; 4];
                out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            }
            Family::AsciiGeneral => out.extend(c.to_ascii_uppercase().to_string().as_bytes()),
            Family::General => out.extend_from_slice(&simple::general_weight(c).to_be_bytes()),
            Family::Latin1Swedish => out.push(simple::latin1_weight(c)),
            Family::Uca400 => uca::character400(c, out),
            Family::Uca900AiCi => uca::character900(c, out),
            Family::Uca900AsCi | Family::Uca900AsCs => {
                let mut buffer = [0; 4];
                self.key(c.encode_utf8(&mut buffer).as_bytes(), out);
            }
        }
    }

    /// Whether text that is pure ASCII compares equal exactly if it is equal without regard to letter case,
    /// so that a search may fold case instead of building weights. (Control characters are the exception
    /// under the UCA, callers check for them.)
    pub fn folds_ascii_case(self) -> bool {
        matches!(
            self.info().family,
            Family::AsciiGeneral
                | Family::General
                | Family::Latin1Swedish
                | Family::Uca900AiCi
                | Family::Uca400
        )
    }
}

/// The order where the first bytes that differ are ASCII characters of unlike weight, as those of most texts are: what
/// is in front of them is the same text and weighs the same, and what follows does not count.
fn first_difference900(a: &[u8], b: &[u8]) -> Option<Ordering> {
    let (x, y) = a.iter().zip(b).find(|(x, y)| x != y)?;
    if !x.is_ascii() || !y.is_ascii() {
        return None;
    }
    let (x, y) = (uca::ascii_weight(*x), uca::ascii_weight(*y));
    (x != 0 && y != 0 && x != y).then(|| x.cmp(&y))
}

fn compare_ascii900(a: &[u8], b: &[u8]) -> Ordering {
    fn weights(text: &[u8]) -> impl Iterator<Item = u16> {
        text.iter().copied().map(uca::ascii_weight).filter(|weight| *weight != 0)
    }
    // The common case differs early; only then is an allocation avoided by comparing in step.
    let mut at = 0;
    while at < a.len() && at < b.len() {
        let (x, y) = (uca::ascii_weight(a[at]), uca::ascii_weight(b[at]));
        if x == 0 || y == 0 {
            return weights(&a[at..]).cmp(weights(&b[at..]));
        }
        if x != y {
            return x.cmp(&y);
        }
        at += 1;
    }
    weights(&a[at..]).cmp(weights(&b[at..]))
}

impl Charset {
    /// Text held as UTF-8 as bytes of this character set; characters it lacks become `?`.
    pub fn encode(self, text: &[u8]) -> (Vec<u8>, bool) {
        if matches!(self, Charset::Binary | Charset::Utf8mb4) || text.is_ascii() {
            return (text.to_vec(), true);
        }
        let mut exact = true;
        let mut out = Vec::with_capacity(text.len());
        for c in String::from_utf8_lossy(text).chars() {
            let byte = match self {
                Charset::Latin1 => simple::cp1252(c),
                Charset::Utf8mb3 if (c as u32) <= 0xFFFF => {
                    let mut buffer = [0; 4];
                    out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                    continue;
                }
                _ => None,
            };
            exact &= byte.is_some();
            out.push(byte.unwrap_or(b'?'));
        }
        (out, exact)
    }

    /// Bytes of this character set as UTF-8; `None` if they are not text of it.
    pub fn decode(self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Charset::Binary => Some(bytes.to_vec()),
            Charset::Latin1 => {
                Some(bytes.iter().map(|b| simple::from_cp1252(*b)).collect::<String>().into_bytes())
            }
            Charset::Ascii => bytes.is_ascii().then(|| bytes.to_vec()),
            Charset::Utf8mb4 => std::str::from_utf8(bytes).ok().map(|s| s.as_bytes().to_vec()),
            Charset::Utf8mb3 => std::str::from_utf8(bytes)
                .ok()
                .filter(|s| s.chars().all(|c| (c as u32) <= 0xFFFF))
                .map(|s| s.as_bytes().to_vec()),
        }
    }

    /// Length of the longest prefix of `text` (held as UTF-8) that is text of this character set.
    pub fn valid_prefix(self, text: &[u8]) -> usize {
        if self == Charset::Binary {
            return text.len();
        }
        let valid = match std::str::from_utf8(text) {
            Ok(s) => s,
            Err(e) => std::str::from_utf8(&text[..e.valid_up_to()]).unwrap_or(""),
        };
        let fits = |c: char| match self {
            Charset::Binary | Charset::Utf8mb4 => true,
            Charset::Utf8mb3 => (c as u32) <= 0xFFFF,
            Charset::Latin1 => simple::cp1252(c).is_some(),
            Charset::Ascii => c.is_ascii(),
        };
        valid.char_indices().find(|(_, c)| !fits(*c)).map_or(valid.len(), |(at, _)| at)
    }
}
