//! A reader of calls and literals, enough for the records: bound and evaluated from the inside out.

use rutile_sql_functions::{
    ArgInfo, CallInfo, Coercibility, ColumnarArg, EvalContext, Function, InferContext, eval_arrow, lookup,
};
use rutile_sql_types::arrow::value_at;
use rutile_sql_types::temporal::{DateFlags, parse_datetime, parse_time};
use rutile_sql_types::{Collation, Decimal, FieldType, MySqlError, Value};

/// A value with what a binder knows of it.
struct Term {
    value: Value,
    ty: FieldType,
    coercibility: Coercibility,
}

impl Term {
    fn new(value: Value, ty: FieldType) -> Term {
        let coercibility = if value.is_null() { Coercibility::Ignorable } else { Coercibility::Coercible };
        Term { value, ty, coercibility }
    }

    fn text(text: String) -> Term {
        let ty = FieldType::varchar(text.chars().count() as u32, Collation::DEFAULT).with_not_null();
        Term::new(text.into(), ty)
    }
}

struct Reader<'a> {
    rest: &'a str,
    ctx: &'a mut EvalContext,
}

/// The value of a call and its type.
pub fn evaluate(call: &str, ctx: &mut EvalContext) -> Result<(Value, FieldType), MySqlError> {
    let mut reader = Reader { rest: call, ctx };
    let term = reader.term()?;
    assert!(reader.rest.trim().is_empty(), "left over: {}", reader.rest);
    Ok((term.value, term.ty))
}

impl Reader<'_> {
    fn accept(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.strip_prefix(token);
        if let Some(found) = found {
            self.rest = found;
        }
        found.is_some()
    }

    fn expect(&mut self, token: &str) {
        assert!(self.accept(token), "expected {token} before {}", self.rest);
    }

    fn word(&mut self) -> &str {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        self.rest = after;
        word
    }

    fn term(&mut self) -> Result<Term, MySqlError> {
        let start = self.rest.trim_start().chars().next().expect("a term");
        match start {
            '\'' => Ok(Term::text(self.string())),
            '-' => {
                self.expect("-");
                Ok(self.number(true))
            }
            '0'..='9' => Ok(self.number(false)),
            _ => self.named(),
        }
    }

    fn string(&mut self) -> String {
        self.expect("'");
        let mut out = String::new();
        let mut chars = self.rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' if chars.peek().is_some_and(|(_, c)| *c == '\'') => {
                    chars.next();
                    out.push('\'');
                }
                '\'' => {
                    self.rest = &self.rest[at + 1..];
                    return out;
                }
                '\\' => out.extend(chars.next().map(|(_, c)| if c == 'n' { '\n' } else { c })),
                c => out.push(c),
            }
        }
        panic!("unclosed string");
    }

    fn number(&mut self, negative: bool) -> Term {
        let rest = self.rest.trim_start();
        let mut end = 0;
        for (at, c) in rest.char_indices() {
            let exponent_sign = c == '-' && rest[..at].ends_with('e');
            if !(c.is_ascii_digit() || c == '.' || c == 'e' || exponent_sign) {
                break;
            }
            end = at + 1;
        }
        let (digits, after) = rest.split_at(end);
        self.rest = after;
        let sign = if negative { "-" } else { "" };
        let shown = format!("{sign}{digits}");
        if digits.contains('e') {
            return Term::new(
                Value::Double(shown.parse().expect("a double")),
                FieldType::double().with_not_null(),
            );
        }
        if let Ok(number) = shown.parse::<i64>() {
            let ty = FieldType::bigint().with_length(digits.len() as u32 + 1).with_not_null();
            return Term::new(Value::Int(number), ty);
        }
        if let Ok(number) = shown.parse::<u64>() {
            return Term::new(Value::UInt(number), FieldType::ubigint().with_not_null());
        }
        let decimal = Decimal::parse_prefix(shown.as_bytes()).value;
        Term::new(
            Value::Decimal(decimal),
            FieldType::decimal(decimal.precision(), decimal.scale()).with_not_null(),
        )
    }

    fn temporal(&mut self, kind: &str) -> Term {
        let text = self.string();
        if kind == "time" {
            let parsed = parse_time(text.as_bytes());
            let ty = FieldType::time(parsed.fractional_digits).with_not_null();
            return Term::new(Value::Duration(parsed.value.expect("a time")), ty);
        }
        let parsed = parse_datetime(text.as_bytes(), DateFlags::FUZZY, false);
        let ty =
            if kind == "date" { FieldType::date() } else { FieldType::datetime(parsed.fractional_digits) };
        Term::new(Value::Datetime(parsed.value.expect("a date")), ty.with_not_null())
    }

    fn named(&mut self) -> Result<Term, MySqlError> {
        let name = self.word().to_owned();
        if self.rest.starts_with('\'') {
            return Ok(self.temporal(&name));
        }
        if name == "null" {
            return Ok(Term::new(Value::Null, FieldType::null()));
        }
        if matches!(name.as_str(), "true" | "false") {
            return Ok(Term::new(Value::bool(name == "true"), FieldType::boolean().with_not_null()));
        }
        self.expect("(");
        let (name, args) = match name.as_str() {
            "extract" => {
                let unit = Term::text(self.word().to_owned());
                self.expect("from");
                (name, vec![unit, self.term()?])
            }
            "trim" => self.trim()?,
            "timestampadd" | "timestampdiff" => {
                let unit = Term::text(self.word().to_owned());
                self.expect(",");
                let mut args = self.arguments()?;
                args.insert(0, unit);
                return self.call(&name, args);
            }
            _ => {
                let args = self.arguments()?;
                return self.call(&name, args);
            }
        };
        self.expect(")");
        self.call(&name, args)
    }

    fn trim(&mut self) -> Result<(String, Vec<Term>), MySqlError> {
        let sides = [("both ", "trim"), ("leading ", "ltrim"), ("trailing ", "rtrim")];
        for (side, name) in sides {
            if self.accept(side) {
                let removed = self.term()?;
                self.expect("from");
                return Ok((name.to_owned(), vec![self.term()?, removed]));
            }
        }
        Ok(("trim".to_owned(), vec![self.term()?]))
    }

    /// Up to the closing parenthesis; `INTERVAL n unit` is two arguments.
    fn arguments(&mut self) -> Result<Vec<Term>, MySqlError> {
        let mut args = Vec::new();
        if self.accept(")") {
            return Ok(args);
        }
        loop {
            if self.accept("interval ") {
                args.push(self.term()?);
                args.push(Term::text(self.word().to_owned()));
            } else {
                args.push(self.term()?);
            }
            if self.accept(")") {
                return Ok(args);
            }
            self.expect(",");
        }
    }

    fn call(&mut self, name: &str, args: Vec<Term>) -> Result<Term, MySqlError> {
        let function = lookup(name).unwrap_or_else(|| panic!("no function {name}"));
        let infos: Vec<ArgInfo<'_>> = args
            .iter()
            .map(|arg| ArgInfo { ty: &arg.ty, constant: Some(&arg.value), coercibility: arg.coercibility })
            .collect();
        let call = CallInfo::bind(function, &mut InferContext::default(), &infos)?;
        let values: Vec<Value> = args.into_iter().map(|arg| arg.value).collect();
        let arrays = (!function.volatile).then(|| self.over_arrays(function, &values, &call));
        let value = (function.eval)(self.ctx, &values, &call)?;
        if let Some(same) = arrays {
            assert_eq!(same, format!("{value:?}"), "{name} over arrays");
        }
        Ok(Term { value, ty: call.result, coercibility: call.coercibility })
    }

    /// The answer of the same call driven over Arrow arrays of one row.
    fn over_arrays(&self, function: &Function, values: &[Value], call: &CallInfo) -> String {
        let mut ctx = self.ctx.clone();
        let args: Vec<ColumnarArg> = values.iter().cloned().map(ColumnarArg::Scalar).collect();
        match eval_arrow(function, &mut ctx, &args, call, 1) {
            Ok(array) => format!(
                "{:?}",
                value_at(array.as_ref(), &call.result, 0).expect("a value of the result type")
            ),
            Err(e) => {
                let scalar = (function.eval)(&mut ctx, values, call);
                assert_eq!(scalar, Err(e), "{} fails over arrays only", function.name);
                String::new()
            }
        }
    }
}
