//! The collations this server has; ids, names and pad attributes are MySQL's.

use super::id::{Charset, PadAttribute};

/// How a collation orders text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Bytes,
    /// ASCII letters folded, everything else by code.
    AsciiGeneral,
    General,
    Latin1Swedish,
    Uca400,
    Uca900AiCi,
    Uca900AsCi,
    Uca900AsCs,
}

pub(super) struct CollationInfo {
    pub id: u16,
    pub name: &'static str,
    pub charset: Charset,
    pub pad: PadAttribute,
    pub sort_len: u8,
    pub family: Family,
}

const fn row(
    id: u16,
    name: &'static str,
    charset: Charset,
    pad: PadAttribute,
    sort_len: u8,
    family: Family,
) -> CollationInfo {
    CollationInfo { id, name, charset, pad, sort_len, family }
}

use Charset::{Ascii, Binary, Latin1, Utf8mb3, Utf8mb4};
use PadAttribute::{NoPad, PadSpace};

/// In order of id.
pub(super) const COLLATIONS: &[CollationInfo] = &[
    row(8, "latin1_swedish_ci", Latin1, PadSpace, 1, Family::Latin1Swedish),
    row(11, "ascii_general_ci", Ascii, PadSpace, 1, Family::AsciiGeneral),
    row(33, "utf8mb3_general_ci", Utf8mb3, PadSpace, 1, Family::General),
    row(45, "utf8mb4_general_ci", Utf8mb4, PadSpace, 1, Family::General),
    row(46, "utf8mb4_bin", Utf8mb4, PadSpace, 1, Family::Bytes),
    row(47, "latin1_bin", Latin1, PadSpace, 1, Family::Bytes),
    row(63, "binary", Binary, NoPad, 1, Family::Bytes),
    row(65, "ascii_bin", Ascii, PadSpace, 1, Family::Bytes),
    row(83, "utf8mb3_bin", Utf8mb3, PadSpace, 1, Family::Bytes),
    row(192, "utf8mb3_unicode_ci", Utf8mb3, PadSpace, 8, Family::Uca400),
    row(224, "utf8mb4_unicode_ci", Utf8mb4, PadSpace, 8, Family::Uca400),
    row(255, "utf8mb4_0900_ai_ci", Utf8mb4, NoPad, 0, Family::Uca900AiCi),
    row(278, "utf8mb4_0900_as_cs", Utf8mb4, NoPad, 0, Family::Uca900AsCs),
    row(305, "utf8mb4_0900_as_ci", Utf8mb4, NoPad, 0, Family::Uca900AsCi),
    row(309, "utf8mb4_0900_bin", Utf8mb4, NoPad, 1, Family::Bytes),
];

pub(super) fn by_id(id: u16) -> Option<&'static CollationInfo> {
    COLLATIONS.binary_search_by_key(&id, |info| info.id).ok().map(|at| &COLLATIONS[at])
}
