//! Ways into the compilers of patterns for fuzz targets: bytes in, nothing out. What they must not do is panic or hang.

use rutile_sql_types::Collation;

use crate::operators::like::Pattern;
use crate::operators::regexp_compile::{MatchType, Regexp};

/// Pattern and text of LIKE, REGEXP and its relatives; the first byte says where the one ends and how they are read.
pub fn patterns(bytes: &[u8]) {
    let Some((shape, rest)) = bytes.split_first() else { return };
    let (pattern, text) = rest.split_at(rest.len().min(usize::from(shape >> 2)));
    for collation in [Collation::UTF8MB4_0900_AI_CI, Collation::UTF8MB4_BIN, Collation::BINARY] {
        for escape in [Some('\\'), Some('%'), None] {
            Pattern::compile(pattern, escape, collation).matches(text);
        }
    }
    let (Ok(pattern), Ok(text)) = (std::str::from_utf8(pattern), std::str::from_utf8(text)) else { return };
    let letters = ["", "imn", "c", "u"][usize::from(shape & 3)];
    let mode = MatchType::parse(letters, true, "regexp_like");
    let Ok(regexp) = mode.and_then(|mode| Regexp::compile(pattern, mode)) else { return };
    let _ = regexp.is_match(text);
    for (from, to) in regexp.find_all(text).unwrap_or_default() {
        assert!(text.get(from..to).is_some(), "a match is text");
        let _ = regexp.groups(text, from);
    }
}
