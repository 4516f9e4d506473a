//! Labels of stores: which a rule admits, and how far apart two stores are.

pub(crate) type Labels = [(String, String)];

/// Stores with a label of such a key are only for rules that name the key, as PD has it.
const EXCLUSIVE: char = '$';

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    In,
    NotIn,
    Exists,
    NotExists,
}

/// What a rule wants of the labels of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Constraint {
    pub(crate) key: String,
    pub(crate) op: Op,
    pub(crate) values: Vec<String>,
}

impl Constraint {
    fn admits(&self, labels: &Labels) -> bool {
        let value = label(labels, &self.key);
        let listed = value.is_some_and(|value| self.values.iter().any(|other| other == value));
        match self.op {
            Op::In => listed,
            Op::NotIn => !listed,
            Op::Exists => value.is_some(),
            Op::NotExists => value.is_none(),
        }
    }
}

/// Whether a store with these labels satisfies all constraints.
pub(super) fn admits(constraints: &[Constraint], labels: &Labels) -> bool {
    let named = |key: &str| {
        constraints.iter().any(|constraint| constraint.key == key && constraint.op != Op::NotExists)
    };
    constraints.iter().all(|constraint| constraint.admits(labels))
        && labels.iter().all(|(key, _)| !key.starts_with(EXCLUSIVE) || named(key))
}

pub(crate) fn label<'a>(labels: &'a Labels, key: &str) -> Option<&'a str> {
    labels.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
}

/// The widest level on which two stores are in different places; none when they share the narrowest.
fn differ_at(one: &Labels, other: &Labels, levels: &[String]) -> Option<usize> {
    levels.iter().position(|key| label(one, key) != label(other, key))
}

/// How far apart two stores are: a wider level counts a hundred times the next one. 0 in the same place.
pub(crate) fn isolation(one: &Labels, other: &Labels, levels: &[String]) -> u64 {
    const PER_LEVEL: u64 = 100;
    let Some(level) = differ_at(one, other, levels) else {
        return 0;
    };
    let narrower = levels.len() - level - 1;
    PER_LEVEL.saturating_pow(u32::try_from(narrower).unwrap_or(u32::MAX))
}

/// Whether two stores are in the same place of a level, which is one of `levels`.
pub(crate) fn shares_place(one: &Labels, other: &Labels, levels: &[String], level: &str) -> bool {
    let Some(index) = levels.iter().position(|key| key == level) else {
        return false;
    };
    differ_at(one, other, &levels[..=index]).is_none()
}
