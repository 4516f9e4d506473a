//! FORMAT: a number with grouped thousands.

use std::fmt::Write;

use rutile_sql_types::{FieldType, MySqlError, TypeKind, Value};

use crate::call::argument::{decimal, double, int, string};
use crate::call::infer::{NumberClass, display_length, number_class};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};
use crate::numeric::round_double;

pub(super) const FUNCTIONS: &[Function] = &[Function::new("format", 2, 3, infer, format)];

/// Most decimals FORMAT shows.
const MAX_DECIMALS: i64 = 30;

/// Decimal point, thousands separator and size of the groups after the first of the locales that differ from en_US.
const LOCALES: [(&str, char, &str, usize); 12] = [
    ("en_us", '.', ",", 3),
    ("en_gb", '.', ",", 3),
    ("ja_jp", '.', ",", 3),
    ("zh_cn", '.', ",", 3),
    ("ko_kr", '.', ",", 3),
    ("de_de", ',', ".", 3),
    ("es_es", ',', "", 3),
    ("fr_fr", ',', "", 3),
    ("it_it", ',', "", 3),
    ("nl_nl", ',', "", 3),
    ("pt_br", ',', ".", 3),
    ("de_ch", '.', "'", 3),
];

fn infer(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let chars = match args[0].ty.kind {
        TypeKind::Double | TypeKind::Float => 23,
        _ => display_length(args[0].ty),
    };
    let length = chars.saturating_add(chars / 3 + 2 + MAX_DECIMALS as u32);
    Ok(crate::call::infer::sized_text(length, ctx.connection_collation))
}

fn format(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(decimals) = int(ctx, args, call, 1).filter(|_| !args[0].is_null()) else {
        return Ok(Value::Null);
    };
    let decimals = decimals.clamp(0, MAX_DECIMALS) as u8;
    let plain = match number_class(&call.args[0]) {
        NumberClass::Double => {
            let Some(v) = double(ctx, args, call, 0) else {
                return Ok(Value::Null);
            };
            format!("{:.*}", usize::from(decimals), round_double(v, i64::from(decimals), false))
        }
        _ => {
            let Some(v) = decimal(ctx, args, call, 0) else {
                return Ok(Value::Null);
            };
            v.round_to(decimals).unwrap_or(v).to_string()
        }
    };
    let (point, separator, group) = locale(ctx, args, call);
    Ok(grouped(&plain, point, separator, group).into())
}

/// An unknown locale is en_US with a warning.
fn locale(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> (char, &'static str, usize) {
    let english = ('.', ",", 3);
    let Some(name) = string(ctx, args, call, 2) else {
        return english;
    };
    match LOCALES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(&name)) {
        Some((_, point, separator, group)) => (*point, separator, *group),
        None => {
            ctx.warn(MySqlError::new(1649, "HY000", format!("Unknown locale: '{name}'")));
            english
        }
    }
}

fn grouped(plain: &str, point: char, separator: &str, group: usize) -> String {
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", plain),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let mut out = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % group == 0 {
            out.push_str(separator);
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        write!(out, "{point}{fraction}").expect("writing into a String cannot fail");
    }
    out
}
