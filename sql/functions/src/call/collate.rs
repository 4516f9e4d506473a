//! Which collation a result or a comparison has (manual, "Collation Coercibility in Expressions").

use rutile_sql_types::{Charset, Collation, MySqlError, TypeKind};

use super::{ArgInfo, InferContext};

/// How firmly an expression holds its collation; smaller is firmer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Coercibility {
    Explicit = 0,
    None = 1,
    Implicit = 2,
    SystemConstant = 3,
    Coercible = 4,
    Numeric = 5,
    Ignorable = 6,
}

impl Coercibility {
    /// The word in error 1267.
    pub fn word(self) -> &'static str {
        match self {
            Coercibility::Explicit => "EXPLICIT",
            Coercibility::None => "NONE",
            Coercibility::Implicit => "IMPLICIT",
            Coercibility::SystemConstant => "SYSCONST",
            Coercibility::Coercible => "COERCIBLE",
            Coercibility::Numeric => "NUMERIC",
            Coercibility::Ignorable => "IGNORABLE",
        }
    }
}

type Held = (Collation, Coercibility);

/// The collation and firmness an argument brings along; numbers bring the connection's.
fn held(ctx: &InferContext, arg: &ArgInfo<'_>) -> Held {
    if arg.ty.is_string_like() {
        (arg.ty.collation, arg.coercibility)
    } else if arg.ty.kind == TypeKind::Null {
        (ctx.connection_collation, Coercibility::Ignorable)
    } else if arg.ty.kind == TypeKind::Json {
        (Collation::UTF8MB4_BIN, Coercibility::Implicit)
    } else {
        (ctx.connection_collation, Coercibility::Numeric)
    }
}

fn is_unicode(collation: Collation) -> bool {
    matches!(collation.charset(), Charset::Utf8mb4 | Charset::Utf8mb3)
}

/// Merges two; `None` is a conflict.
fn merge(a: Held, b: Held) -> Option<Held> {
    if a.0 == b.0 {
        return Some((a.0, a.1.min(b.1)));
    }
    if a.1 != b.1 {
        let (firm, weak) = if a.1 < b.1 { (a, b) } else { (b, a) };
        // A weaker binary string still makes the result binary unless text was forced explicitly.
        if weak.0.is_binary() && firm.1 > Coercibility::Explicit && weak.1 <= Coercibility::Implicit {
            return Some(weak);
        }
        return Some(firm);
    }
    if a.0.is_binary() || b.0.is_binary() {
        return Some((Collation::BINARY, a.1));
    }
    if a.1 == Coercibility::Explicit {
        return None;
    }
    let same_set = a.0.charset() == b.0.charset();
    if same_set && a.0.is_bin() != b.0.is_bin() {
        return Some(if a.0.is_bin() { a } else { b });
    }
    match (is_unicode(a.0), is_unicode(b.0)) {
        (true, false) => return Some(a),
        (false, true) => return Some(b),
        _ => {}
    }
    match (a.0.charset(), b.0.charset()) {
        (Charset::Utf8mb4, Charset::Utf8mb3) => Some(a),
        (Charset::Utf8mb3, Charset::Utf8mb4) => Some(b),
        (Charset::Ascii, Charset::Latin1) => Some(b),
        (Charset::Latin1, Charset::Ascii) => Some(a),
        _ if a.1 >= Coercibility::Coercible => Some((a.0.charset().bin_collation(), Coercibility::None)),
        _ => None,
    }
}

/// The collation of all text arguments together; 1267 and 1271 on conflict.
pub fn aggregate_collation(
    ctx: &InferContext,
    args: &[ArgInfo<'_>],
    operation: &str,
) -> Result<Held, MySqlError> {
    let mut result: Option<Held> = None;
    for arg in args {
        let next = held(ctx, arg);
        result = match result {
            None => Some(next),
            Some(so_far) => match merge(so_far, next) {
                Some(merged) => Some(merged),
                None if args.len() == 2 => {
                    return Err(MySqlError::illegal_mix_of_collations_2(
                        so_far.0.name(),
                        so_far.1.word(),
                        next.0.name(),
                        next.1.word(),
                        operation,
                    ));
                }
                None => return Err(MySqlError::illegal_mix_of_collations(operation)),
            },
        };
    }
    Ok(result.unwrap_or((ctx.connection_collation, Coercibility::Coercible)))
}

/// Like `aggregate_collation`, and remembers the firmness of the result.
pub fn concat_collation(
    ctx: &mut InferContext,
    args: &[ArgInfo<'_>],
    operation: &str,
) -> Result<Collation, MySqlError> {
    let (collation, firmness) = aggregate_collation(ctx, args, operation)?;
    ctx.coercibility = if firmness == Coercibility::Numeric { Coercibility::Coercible } else { firmness };
    Ok(collation)
}

/// Only functions that compare text care; for the others a conflict is no error.
pub(super) fn comparison_collation(
    name: &str,
    ctx: &InferContext,
    args: &[ArgInfo<'_>],
) -> Result<Collation, MySqlError> {
    const COMPARING: [&str; 26] = [
        "=",
        "<=>",
        "<>",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "like",
        "in",
        "between",
        "strcmp",
        "nullif",
        "greatest",
        "least",
        "locate",
        "instr",
        "position",
        "replace",
        "find_in_set",
        "field",
        "substring_index",
        "regexp",
        "regexp_like",
        "case",
        "interval",
    ];
    let text_args: Vec<ArgInfo<'_>> = args.iter().filter(|a| a.ty.is_string_like()).copied().collect();
    if text_args.is_empty() {
        return Ok(ctx.connection_collation);
    }
    match aggregate_collation(ctx, &text_args, name) {
        Ok((collation, _)) => Ok(collation),
        Err(e) if COMPARING.contains(&name) => Err(e),
        Err(_) => Ok(ctx.connection_collation),
    }
}
