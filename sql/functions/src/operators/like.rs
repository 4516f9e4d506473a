//! LIKE: compared character by character under the collation; `%` and `_` and an escape character.
//!
//! A constant pattern is compiled once. Pure ASCII patterns of one of the shapes `abc`, `abc%`, `%abc`,
//! `%abc%` on ASCII text avoid weights altogether.

use rutile_sql_types::{Collation, MySqlError, Value};

use crate::call::argument::text;
use crate::call::infer;
use crate::call::{CallInfo, EvalContext, Function};
use crate::vector;

pub(crate) const FUNCTIONS: &[Function] =
    &[Function::new("like", 2, 3, infer::boolean, like).vector(vector::like)];

/// One element of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Element {
    /// The weights of a character; for binary text a byte.
    Literal(Vec<u8>),
    One,
    Many,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    elements: Vec<Element>,
    collation: Collation,
    plain: Option<Plain>,
}

/// A pattern that is a piece of ASCII text with `%` at most at its ends.
#[derive(Clone, Debug)]
struct Plain {
    needle: Vec<u8>,
    open_start: bool,
    open_end: bool,
    fold_case: bool,
}

impl Pattern {
    /// `escape` is `None` under NO_BACKSLASH_ESCAPES without an ESCAPE clause.
    pub(crate) fn compile(pattern: &[u8], escape: Option<char>, collation: Collation) -> Pattern {
        let mut elements = Vec::new();
        let mut literal = String::new();
        let lossy: Vec<char> = decode(pattern, collation);
        let mut at = 0;
        while let Some(c) = lossy.get(at) {
            at += 1;
            let c = match c {
                c if Some(*c) == escape && at < lossy.len() => {
                    at += 1;
                    lossy[at - 1]
                }
                '%' => {
                    if elements.last() != Some(&Element::Many) {
                        elements.push(Element::Many);
                    }
                    continue;
                }
                '_' => {
                    elements.push(Element::One);
                    continue;
                }
                c => *c,
            };
            literal.push(c);
            elements.push(Element::Literal(weights(c, collation)));
        }
        let plain = plain(&elements, &literal, collation);
        Pattern { elements, collation, plain }
    }

    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        if let Some(plain) = self.plain.as_ref().filter(|_| text.is_ascii()) {
            return plain.matches(text);
        }
        let subject: Vec<Vec<u8>> =
            decode(text, self.collation).into_iter().map(|c| weights(c, self.collation)).collect();
        matches_elements(&self.elements, &subject)
    }
}

/// Characters of a text; bytes of a binary one.
fn decode(text: &[u8], collation: Collation) -> Vec<char> {
    if collation.is_binary() {
        text.iter().map(|b| char::from(*b)).collect()
    } else {
        String::from_utf8_lossy(text).chars().collect()
    }
}

fn weights(c: char, collation: Collation) -> Vec<u8> {
    let mut out = Vec::new();
    collation.character_key(c, &mut out);
    out
}

fn plain(elements: &[Element], literal: &str, collation: Collation) -> Option<Plain> {
    let open_start = elements.first() == Some(&Element::Many);
    let open_end =
        elements.len() > 1 && elements.last() == Some(&Element::Many) || (elements.len() == 1 && open_start);
    let inner = elements.iter().filter(|e| matches!(e, Element::Literal(_))).count();
    let all = inner + usize::from(open_start) + usize::from(open_end && elements.len() > 1);
    // Control characters have no weight under the UCA, so a folded comparison would be wrong for them.
    let printable = literal.bytes().all(|b| (b' '..=b'~').contains(&b));
    let fold_case = collation.folds_ascii_case();
    if all != elements.len() || !printable || !(fold_case || collation.is_bin()) {
        return None;
    }
    let needle = if fold_case { literal.to_ascii_lowercase() } else { literal.to_owned() };
    Some(Plain { needle: needle.into_bytes(), open_start, open_end, fold_case })
}

impl Plain {
    fn matches(&self, text: &[u8]) -> bool {
        let folded;
        let text = if self.fold_case {
            folded = text.to_ascii_lowercase();
            &folded
        } else {
            text
        };
        let needle = &self.needle[..];
        match (self.open_start, self.open_end) {
            (false, false) => text == needle,
            (false, true) => text.starts_with(needle),
            (true, false) => text.ends_with(needle),
            (true, true) => needle.is_empty() || text.windows(needle.len()).any(|w| w == needle),
        }
    }
}

/// Greedy matching with one point of return, the last `%`.
fn matches_elements(elements: &[Element], text: &[Vec<u8>]) -> bool {
    let (mut e, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() || e < elements.len() {
        match elements.get(e) {
            Some(Element::Many) => {
                retry = Some((e, t));
                e += 1;
                continue;
            }
            Some(Element::One) if t < text.len() => {
                (e, t) = (e + 1, t + 1);
                continue;
            }
            Some(Element::Literal(w)) if text.get(t) == Some(w) => {
                (e, t) = (e + 1, t + 1);
                continue;
            }
            _ => {}
        }
        match retry {
            Some((many, from)) if from < text.len() => {
                retry = Some((many, from + 1));
                (e, t) = (many + 1, from + 1);
            }
            _ => return false,
        }
    }
    true
}

/// The escape character of a call: the third argument, else a backslash.
pub(crate) fn escape_of(
    ctx: &EvalContext,
    args: &[Value],
    call: &CallInfo,
) -> Result<Option<char>, MySqlError> {
    if call.args.len() < 3 || args.get(2).is_none_or(Value::is_null) {
        let backslash = !ctx.sql_mode().contains(rutile_sql_types::SqlMode::NO_BACKSLASH_ESCAPES);
        return Ok(backslash.then_some('\\'));
    }
    let escape = text(ctx, args, call, 2).unwrap_or_default();
    let escape = String::from_utf8_lossy(&escape).into_owned();
    let mut chars = escape.chars();
    match (chars.next(), chars.next()) {
        (first, None) => Ok(first),
        _ => Err(MySqlError::wrong_arguments("ESCAPE")),
    }
}

fn like(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(subject), Some(pattern)) = (text(ctx, args, call, 0), text(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    let constant = call.constant(1).is_some() && (call.args.len() < 3 || call.constant(2).is_some());
    let escape = escape_of(ctx, args, call)?;
    let matched = if constant {
        call.prepared(|| Ok(Pattern::compile(&pattern, escape, call.collation)))?.matches(&subject)
    } else {
        Pattern::compile(&pattern, escape, call.collation).matches(&subject)
    };
    Ok(Value::bool(matched))
}

/// The pattern of a call whose pattern and escape are constants; `None` if the pattern is NULL.
pub(crate) fn constant_pattern(
    ctx: &EvalContext,
    call: &CallInfo,
) -> Result<Option<std::sync::Arc<Pattern>>, MySqlError> {
    let constants: Vec<Value> = call.constants.iter().map(|c| c.clone().unwrap_or(Value::Null)).collect();
    let Some(pattern) = text(ctx, &constants, call, 1) else {
        return Ok(None);
    };
    let escape = escape_of(ctx, &constants, call)?;
    call.prepared(|| Ok(Pattern::compile(&pattern, escape, call.collation))).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_follow_the_collation() {
        let ci = Collation::UTF8MB4_0900_AI_CI;
        let check = |p: &str, t: &str, c| Pattern::compile(p.as_bytes(), Some('\\'), c).matches(t.as_bytes());
        assert!(
            check("a%C", "AbbbC", ci)
                && check("_é%", "xE", ci)
                && check("%", "", ci)
                && check("a\\%", "a%", ci)
        );
        assert!(
            !check("a\\%", "ab", ci) && !check("a_", "a", ci) && !check("a", "a ", Collation::UTF8MB4_BIN)
        );
        assert!(!check("ABC", "abc", Collation::UTF8MB4_BIN) && check("%bb%cc%", "abbxcc", ci));
    }
}
