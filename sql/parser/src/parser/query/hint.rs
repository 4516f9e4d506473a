//! Optimizer hints: `/*+ NAME(arguments) NAME ... */`.
//!
//! Arguments are kept as text; the planner reads the few it knows. As in MySQL a malformed hint is no error: reading
//! stops there.

use super::{Parsed, Parser};
use crate::ast::{Hint, Ident, Span};
use crate::lexer::{TokenKind, is_word};

impl Parser<'_> {
    pub(in crate::parser) fn optional_hints(&mut self) -> Parsed<Vec<Hint>> {
        let mut hints = Vec::new();
        while self.at(TokenKind::Hint) {
            let token = self.advance();
            self.read_hints(token.start as usize + 3, token.end as usize - 2, &mut hints)?;
        }
        Ok(hints)
    }

    fn read_hints(&self, start: usize, end: usize, hints: &mut Vec<Hint>) -> Parsed<()> {
        let text = self.text.get(..end).unwrap_or(&[]);
        let mut at = start;
        loop {
            at = skip_while(text, at, |byte| byte.is_ascii_whitespace() || byte == b',');
            let name_end = skip_while(text, at, is_word);
            if name_end == at {
                return Ok(());
            }
            let name = Ident {
                value: self.text_of(text[at..name_end].to_vec())?,
                quoted: false,
                span: Span::new(at as u32, name_end as u32),
            };
            at = skip_while(text, name_end, |byte| byte.is_ascii_whitespace());
            let mut arguments = None;
            if text.get(at) == Some(&b'(') {
                let Some(close) = closing_parenthesis(text, at) else {
                    return Ok(());
                };
                arguments = Some(self.source(at as u32 + 1, close as u32));
                at = close + 1;
            }
            hints.push(Hint { name, arguments });
        }
    }
}

fn skip_while(text: &[u8], from: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or(&[]);
    from + rest.iter().take_while(|byte| wanted(**byte)).count()
}

/// Place of the parenthesis that closes the one at `open`; quotes are respected.
fn closing_parenthesis(text: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    for (offset, byte) in text.get(open..)?.iter().enumerate() {
        match (quote, *byte) {
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"' | b'`') => quote = Some(*byte),
            (None, b'(') => depth += 1,
            (None, b')') => {
                depth -= 1;
                if depth == 0 {
                    return Some(open + offset);
                }
            }
            _ => {}
        }
    }
    None
}
