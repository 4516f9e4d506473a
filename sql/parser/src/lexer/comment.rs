//! Blanks and comments.
//!
//! `/*!NNNNN ... */` is text if our version is at least NNNNN (five or six digits; none: always), else a comment.
//! `/*T![feature] ... */` is TiDB's twin: text if the feature is one of ours. `/*M! ... */` (MariaDB) is a comment.

use super::Lexer;
use crate::options::VERSION_ID;

/// TiDB's feature ids whose syntax this parser has.
const FEATURES: [&str; 4] = ["auto_rand", "auto_rand_base", "auto_id_cache", "clustered_index"];

pub(super) enum Skipped {
    Blanks,
    /// A `/*+ ... */` where one may stand; the lexer is behind it.
    Hint {
        start: usize,
    },
    Unclosed {
        start: usize,
    },
}

impl Lexer<'_> {
    /// Moves to the next byte that is neither blank nor comment.
    pub(super) fn skip_blanks(&mut self, hint_allowed: bool) -> Skipped {
        loop {
            match self.byte(0) {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'#' => self.skip_line(),
                b'-' if self.byte(1) == b'-' && self.ends_dashes(self.at + 2) => self.skip_line(),
                b'*' if self.in_version_comment && self.byte(1) == b'/' => {
                    self.in_version_comment = false;
                    self.at += 2;
                }
                b'/' if self.byte(1) == b'*' => {
                    let start = self.at;
                    let hint = hint_allowed && self.byte(2) == b'+';
                    if hint || !self.enter_gate() {
                        if !self.skip_comment() {
                            return Skipped::Unclosed { start };
                        }
                        if hint {
                            return Skipped::Hint { start };
                        }
                    }
                }
                _ => return Skipped::Blanks,
            }
        }
    }

    /// `--` opens a comment only before a blank, a control character, or the end.
    fn ends_dashes(&self, at: usize) -> bool {
        self.text.get(at).is_none_or(|byte| *byte == b' ' || byte.is_ascii_control())
    }

    fn skip_line(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or(&[]);
        self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }

    /// Whether `/*` opens text for us; if so the lexer is behind the gate.
    fn enter_gate(&mut self) -> bool {
        let open = if self.byte(2) == b'!' {
            let digits = (3..9).take_while(|offset| self.byte(*offset).is_ascii_digit()).count();
            match digits {
                0..5 => Some(3),
                _ => self.version(digits).filter(|version| *version <= VERSION_ID).map(|_| 3 + digits),
            }
        } else if self.byte(2) == b'T' && self.byte(3) == b'!' {
            self.feature_gate()
        } else {
            None
        };
        let Some(length) = open else { return false };
        self.at += length;
        self.in_version_comment = true;
        true
    }

    fn version(&self, digits: usize) -> Option<u32> {
        let text = self.text.get(self.at + 3..self.at + 3 + digits)?;
        std::str::from_utf8(text).ok()?.parse().ok()
    }

    /// Length of `/*T!` or `/*T![known,known]`.
    fn feature_gate(&self) -> Option<usize> {
        if self.byte(4) != b'[' {
            return Some(4);
        }
        let rest = self.text.get(self.at + 5..)?;
        let length = rest.iter().position(|byte| *byte == b']')?;
        let known = rest[..length]
            .split(|byte| *byte == b',')
            .all(|feature| FEATURES.iter().any(|name| name.as_bytes() == feature.trim_ascii()));
        known.then_some(6 + length)
    }

    /// Skips `/* ... */`; comments within one that a version gate closed are skipped with it. False: it never ends.
    fn skip_comment(&mut self) -> bool {
        let gated = self.byte(2) == b'!';
        self.at += 2;
        loop {
            let rest = self.text.get(self.at..).unwrap_or(&[]);
            let Some(offset) = rest.iter().position(|byte| matches!(byte, b'*' | b'/')) else {
                return false;
            };
            self.at += offset;
            match (self.byte(0), self.byte(1)) {
                (b'*', b'/') => {
                    self.at += 2;
                    return true;
                }
                (b'/', b'*') if gated => {
                    // One level is all MySQL allows; the inner comment is plain.
                    let Some(end) = find_comment_end(self.text, self.at + 2) else {
                        return false;
                    };
                    self.at = end;
                }
                _ => self.at += 1,
            }
        }
    }
}

fn find_comment_end(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.windows(2).position(|pair| pair == b"*/").map(|offset| from + offset + 2)
}
