//! QUOTE, SOUNDEX, TO_BASE64 and FROM_BASE64.

use rutile_sql_types::{Collation, FieldType, MySqlError, Value};

use super::length::encoded;
use super::limit::{limited, text_of};
use super::radix::byte_length;
use crate::call::argument::{charset, string, text};
use crate::call::infer::{display_length, sized_text};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("quote", 1, 1, infer_quote, quote),
    Function::new("soundex", 1, 1, infer_soundex, soundex),
    Function::new("to_base64", 1, 1, infer_to_base64, to_base64),
    Function::new("from_base64", 1, 1, infer_from_base64, from_base64),
];

fn infer_quote(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    text_of(ctx, args, "quote", display_length(args[0].ty).saturating_mul(2).saturating_add(2))
}

/// A literal of the text; of NULL the word.
fn quote(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(subject) = text(ctx, args, call, 0) else {
        return Ok(Value::text("NULL"));
    };
    let mut out = Vec::with_capacity(subject.len() + 2);
    out.push(b'\'');
    for byte in &subject {
        match byte {
            b'\\' | b'\'' => out.extend([b'\\', *byte]),
            0 => out.extend(b"\\0"),
            0x1a => out.extend(b"\\Z"),
            _ => out.push(*byte),
        }
    }
    out.push(b'\'');
    Ok(limited(ctx, "quote", out))
}

fn infer_soundex(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    text_of(ctx, args, "soundex", display_length(args[0].ty).max(4))
}

/// Code of a letter; vowels and H, W, Y have none ('0').
fn soundex_code(letter: char) -> char {
    match letter {
        'B' | 'F' | 'P' | 'V' => '1',
        'C' | 'G' | 'J' | 'K' | 'Q' | 'S' | 'X' | 'Z' => '2',
        'D' | 'T' => '3',
        'L' => '4',
        'M' | 'N' => '5',
        'R' => '6',
        _ => '0',
    }
}

/// MySQL's variant: of any length, duplicates are dropped before vowels.
fn soundex(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(subject) = string(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let mut letters = subject.chars().filter(|c| c.is_alphabetic()).map(|c| c.to_ascii_uppercase());
    let Some(first) = letters.next() else {
        return Ok(Value::text(""));
    };
    let mut out = String::from(first);
    let mut last = soundex_code(first);
    let mut count = 1;
    for code in letters.map(soundex_code) {
        if code != '0' && code != last {
            out.push(code);
            count += 1;
            last = code;
        }
    }
    out.extend(std::iter::repeat_n('0', 4usize.saturating_sub(count)));
    Ok(out.into())
}

/// Characters of a line of base 64.
const LINE: usize = 76;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn infer_to_base64(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let plain = byte_length(args[0].ty).div_ceil(3).saturating_mul(4);
    let length = plain.saturating_add(plain.saturating_sub(1) / LINE as u32);
    Ok(sized_text(length, ctx.connection_collation))
}

fn to_base64(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(subject) = text(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let bytes = encoded(charset(call, 0), &subject);
    let mut out = Vec::with_capacity(bytes.len() / 3 * 4 + 4);
    let mut in_line = 0;
    for chunk in bytes.chunks(3) {
        if in_line == LINE {
            out.push(b'\n');
            in_line = 0;
        }
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { digit } else { b'=' });
        }
        in_line += 4;
    }
    Ok(limited(ctx, "to_base64", out))
}

fn infer_from_base64(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(sized_text(byte_length(args[0].ty).saturating_mul(3) / 4, Collation::BINARY))
}

/// White space is skipped; anything else that is not base 64 makes NULL.
fn from_base64(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(subject) = text(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let digits: Vec<u8> = subject.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    Ok(decode(&digits).map(Value::from).into())
}

fn decode(digits: &[u8]) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(4) {
        return None;
    }
    let padding = digits.iter().rev().take_while(|b| **b == b'=').count();
    if padding > 2 {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3);
    let data = &digits[..digits.len() - padding];
    for chunk in data.chunks(4) {
        let mut bits = 0;
        for i in 0..4 {
            let digit = match chunk.get(i) {
                Some(b) => ALPHABET.iter().position(|a| a == b)? as u32,
                None => 0,
            };
            bits = bits << 6 | digit;
        }
        out.extend_from_slice(&bits.to_be_bytes()[1..chunk.len()]);
    }
    Some(out)
}
