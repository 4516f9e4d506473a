//! CHARACTER_SETS, COLLATIONS and how they belong together.

use rutile_sql_types::collation::PadAttribute;
use rutile_sql_types::{Charset, Collation, Value};

use super::super::registry::Sources;

pub(super) fn character_sets(_sources: &Sources<'_>) -> Vec<Vec<Value>> {
    Charset::ALL
        .into_iter()
        .map(|charset| {
            vec![
                Value::text(charset.name()),
                Value::text(charset.default_collation().name()),
                Value::text(charset.description()),
                Value::UInt(u64::from(charset.max_len())),
            ]
        })
        .collect()
}

pub(in crate::infoschema) fn pad_name(collation: Collation) -> &'static str {
    match collation.pad() {
        PadAttribute::PadSpace => "PAD SPACE",
        PadAttribute::NoPad => "NO PAD",
    }
}

/// In order of name, as MySQL lists them.
pub(in crate::infoschema) fn sorted() -> Vec<Collation> {
    let mut all: Vec<Collation> = Collation::all().collect();
    all.sort_by_key(|collation| collation.name());
    all
}

pub(super) fn collations(_sources: &Sources<'_>) -> Vec<Vec<Value>> {
    sorted()
        .into_iter()
        .map(|collation| {
            vec![
                Value::text(collation.name()),
                Value::text(collation.charset().name()),
                Value::UInt(u64::from(collation.id())),
                Value::text(if collation.is_default() { "Yes" } else { "" }),
                Value::text("Yes"),
                Value::UInt(u64::from(collation.sort_len())),
                Value::text(pad_name(collation)),
            ]
        })
        .collect()
}

pub(super) fn applicability(_sources: &Sources<'_>) -> Vec<Vec<Value>> {
    sorted()
        .into_iter()
        .map(|collation| vec![Value::text(collation.name()), Value::text(collation.charset().name())])
        .collect()
}
