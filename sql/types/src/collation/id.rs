//! Collation and character set ids; everything about them is looked up in the table.

use super::table::{self, COLLATIONS, CollationInfo};
use crate::MySqlError;

/// A collation by its MySQL id (the id that goes over the wire).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Collation(u16);

/// A character set; text of all of them but `Binary` and `Latin1` is held as UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Charset {
    Binary,
    Utf8mb4,
    Utf8mb3,
    Latin1,
    Ascii,
}

/// Whether trailing spaces count in comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadAttribute {
    PadSpace,
    NoPad,
}

impl Collation {
    pub const LATIN1_SWEDISH_CI: Collation = Collation(8);
    pub const ASCII_GENERAL_CI: Collation = Collation(11);
    pub const UTF8MB3_GENERAL_CI: Collation = Collation(33);
    pub const UTF8MB4_GENERAL_CI: Collation = Collation(45);
    pub const UTF8MB4_BIN: Collation = Collation(46);
    pub const LATIN1_BIN: Collation = Collation(47);
    pub const BINARY: Collation = Collation(63);
    pub const ASCII_BIN: Collation = Collation(65);
    pub const UTF8MB3_BIN: Collation = Collation(83);
    pub const UTF8MB3_UNICODE_CI: Collation = Collation(192);
    pub const UTF8MB4_UNICODE_CI: Collation = Collation(224);
    pub const UTF8MB4_0900_AI_CI: Collation = Collation(255);
    pub const UTF8MB4_0900_AS_CS: Collation = Collation(278);
    pub const UTF8MB4_0900_BIN: Collation = Collation(309);
    /// The server default.
    pub const DEFAULT: Collation = Self::UTF8MB4_0900_AI_CI;

    /// The collation of this id if we support it.
    pub fn from_id(id: u16) -> Option<Collation> {
        table::by_id(id).map(|info| Collation(info.id))
    }

    /// Case-insensitive; `utf8_*` names the `utf8mb3_*` collation.
    pub fn from_name(name: &str) -> Result<Collation, MySqlError> {
        let lower = name.to_ascii_lowercase();
        let canonical = match lower.strip_prefix("utf8_") {
            Some(rest) => format!("utf8mb3_{rest}"),
            None => lower,
        };
        COLLATIONS
            .iter()
            .find(|info| info.name == canonical)
            .map(|info| Collation(info.id))
            .ok_or_else(|| MySqlError::unknown_collation(name))
    }

    /// All supported collations in order of id, for SHOW COLLATION.
    pub fn all() -> impl Iterator<Item = Collation> {
        COLLATIONS.iter().map(|info| Collation(info.id))
    }

    pub(super) fn info(self) -> &'static CollationInfo {
        table::by_id(self.0).expect("a Collation is only made from the table's ids")
    }

    pub const fn id(self) -> u16 {
        self.0
    }

    pub fn name(self) -> &'static str {
        self.info().name
    }

    pub fn charset(self) -> Charset {
        self.info().charset
    }

    pub fn pad(self) -> PadAttribute {
        self.info().pad
    }

    pub fn sort_len(self) -> u8 {
        self.info().sort_len
    }

    /// The `binary` collation: bytes, not text.
    pub const fn is_binary(self) -> bool {
        self.0 == 63
    }

    /// `binary` or a `_bin` collation: equal only if the code points are equal.
    pub fn is_bin(self) -> bool {
        self.is_binary() || self.name().ends_with("_bin")
    }

    pub fn is_case_insensitive(self) -> bool {
        self.name().ends_with("_ci")
    }

    pub fn is_default(self) -> bool {
        self.charset().default_collation() == self
    }
}

impl Default for Collation {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Charset {
    pub const ALL: [Charset; 5] =
        [Charset::Ascii, Charset::Binary, Charset::Latin1, Charset::Utf8mb3, Charset::Utf8mb4];

    pub fn from_name(name: &str) -> Result<Charset, MySqlError> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "binary" => Charset::Binary,
            "utf8mb4" => Charset::Utf8mb4,
            "utf8mb3" | "utf8" => Charset::Utf8mb3,
            "latin1" => Charset::Latin1,
            "ascii" => Charset::Ascii,
            _ => return Err(MySqlError::unknown_character_set(name)),
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Charset::Binary => "binary",
            Charset::Utf8mb4 => "utf8mb4",
            Charset::Utf8mb3 => "utf8mb3",
            Charset::Latin1 => "latin1",
            Charset::Ascii => "ascii",
        }
    }

    /// The Description column of SHOW CHARACTER SET.
    pub fn description(self) -> &'static str {
        match self {
            Charset::Binary => "Binary pseudo charset",
            Charset::Utf8mb4 => "UTF-8 Unicode",
            Charset::Utf8mb3 => "UTF-8 Unicode",
            Charset::Latin1 => "cp1252 West European",
            Charset::Ascii => "US ASCII",
        }
    }

    /// Most bytes one character takes.
    pub fn max_len(self) -> u32 {
        match self {
            Charset::Utf8mb4 => 4,
            Charset::Utf8mb3 => 3,
            Charset::Binary | Charset::Latin1 | Charset::Ascii => 1,
        }
    }

    pub fn default_collation(self) -> Collation {
        match self {
            Charset::Binary => Collation::BINARY,
            Charset::Utf8mb4 => Collation::UTF8MB4_0900_AI_CI,
            Charset::Utf8mb3 => Collation::UTF8MB3_GENERAL_CI,
            Charset::Latin1 => Collation::LATIN1_SWEDISH_CI,
            Charset::Ascii => Collation::ASCII_GENERAL_CI,
        }
    }

    pub fn bin_collation(self) -> Collation {
        match self {
            Charset::Binary => Collation::BINARY,
            Charset::Utf8mb4 => Collation::UTF8MB4_BIN,
            Charset::Utf8mb3 => Collation::UTF8MB3_BIN,
            Charset::Latin1 => Collation::LATIN1_BIN,
            Charset::Ascii => Collation::ASCII_BIN,
        }
    }

    /// Bytes of the character starting at the front of `text` (1 for a broken sequence), 0 at the end.
    /// Text of every character set but `binary` is held in UTF-8.
    pub fn char_len(self, text: &[u8]) -> usize {
        let Some(&first) = text.first() else { return 0 };
        if self == Charset::Binary || first < 0x80 {
            return 1;
        }
        let len = match first {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        match text.get(1..len) {
            Some(rest) if rest.iter().all(|b| b & 0xC0 == 0x80) => len,
            _ => 1,
        }
    }

    /// Characters in `text`.
    pub fn count_chars(self, text: &[u8]) -> usize {
        if self == Charset::Binary || text.is_ascii() {
            return text.len();
        }
        let (mut at, mut count) = (0, 0);
        while at < text.len() {
            at += self.char_len(&text[at..]);
            count += 1;
        }
        count
    }

    /// Byte offset of the character number `chars`, at most `text.len()`.
    pub fn offset_of(self, text: &[u8], chars: usize) -> usize {
        if self == Charset::Binary || text.is_ascii() {
            return chars.min(text.len());
        }
        let mut at = 0;
        for _ in 0..chars {
            if at >= text.len() {
                break;
            }
            at += self.char_len(&text[at..]);
        }
        at
    }
}
