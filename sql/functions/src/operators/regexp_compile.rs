//! Compiling regular expressions: ICU syntax of MySQL 8 onto the `regex` crate, `fancy-regex` for look-around
//! and back-references.

use rutile_sql_types::MySqlError;

/// Backtracking steps before a match fails with 3699; MySQL's regexp_time_limit is of the same kind.
const BACKTRACK_LIMIT: usize = 1_000_000;
/// Compiled size limit, as MySQL's regexp_stack_limit.
const SIZE_LIMIT: usize = 8_000_000;

/// A compiled expression.
#[derive(Debug)]
pub(crate) enum Regexp {
    Linear(regex::Regex),
    Backtracking(fancy_regex::Regex),
}

/// The match type argument: c i m n u.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MatchType {
    pub ignore_case: bool,
    pub multi_line: bool,
    pub dot_all: bool,
    pub unix_lines: bool,
}

impl MatchType {
    /// Later letters override earlier ones; an unknown letter is 1210.
    pub(crate) fn parse(letters: &str, ignore_case: bool, function: &str) -> Result<MatchType, MySqlError> {
        let mut mode = MatchType { ignore_case, multi_line: false, dot_all: false, unix_lines: false };
        for letter in letters.chars() {
            match letter {
                'c' => mode.ignore_case = false,
                'i' => mode.ignore_case = true,
                'm' => mode.multi_line = true,
                'n' => mode.dot_all = true,
                'u' => mode.unix_lines = true,
                _ => return Err(MySqlError::wrong_arguments(function)),
            }
        }
        Ok(mode)
    }
}

impl Regexp {
    pub(crate) fn compile(pattern: &str, mode: MatchType) -> Result<Regexp, MySqlError> {
        if pattern.is_empty() {
            return Err(MySqlError::regexp_illegal_argument());
        }
        let flags = [(mode.ignore_case, 'i'), (mode.multi_line, 'm'), (mode.dot_all, 's')];
        let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, f)| *f).collect();
        let full = if flags.is_empty() { pattern.to_owned() } else { format!("(?{flags}){pattern}") };
        if let Ok(linear) = regex::RegexBuilder::new(&full).size_limit(SIZE_LIMIT).build() {
            return Ok(Regexp::Linear(linear));
        }
        match fancy_regex::RegexBuilder::new(&full)
            .backtrack_limit(BACKTRACK_LIMIT)
            .delegate_size_limit(SIZE_LIMIT)
            .build()
        {
            Ok(fancy) => Ok(Regexp::Backtracking(fancy)),
            Err(_) => Err(diagnose(pattern)),
        }
    }

    pub(crate) fn is_match(&self, text: &str) -> Result<bool, MySqlError> {
        match self {
            Regexp::Linear(r) => Ok(r.is_match(text)),
            Regexp::Backtracking(r) => r.is_match(text).map_err(|_| MySqlError::regexp_time_out()),
        }
    }

    /// All non-overlapping matches as byte ranges.
    pub(crate) fn find_all(&self, text: &str) -> Result<Vec<(usize, usize)>, MySqlError> {
        match self {
            Regexp::Linear(r) => Ok(r.find_iter(text).map(|m| (m.start(), m.end())).collect()),
            Regexp::Backtracking(r) => r
                .find_iter(text)
                .map(|m| m.map(|m| (m.start(), m.end())).map_err(|_| MySqlError::regexp_time_out()))
                .collect(),
        }
    }

    /// The groups of the match that starts at or after `from`, group 0 first.
    pub(crate) fn groups(&self, text: &str, from: usize) -> Result<Vec<Option<(usize, usize)>>, MySqlError> {
        match self {
            Regexp::Linear(r) => Ok(r
                .captures_at(text, from)
                .map(|c| c.iter().map(|g| g.map(|m| (m.start(), m.end()))).collect())
                .unwrap_or_default()),
            Regexp::Backtracking(r) => match r.captures_from_pos(text, from) {
                Ok(found) => Ok(found
                    .map(|c| c.iter().map(|g| g.map(|m| (m.start(), m.end()))).collect())
                    .unwrap_or_default()),
                Err(_) => Err(MySqlError::regexp_time_out()),
            },
        }
    }
}

/// ICU's error for the commonest mistakes; anything else is its general syntax error.
fn diagnose(pattern: &str) -> MySqlError {
    let count = |c| pattern.matches(c).count();
    if count('(') != count(')') {
        MySqlError::regexp_mismatched_paren()
    } else if count('[') > count(']') {
        MySqlError::regexp_missing_close_bracket()
    } else {
        MySqlError::regexp_rule_syntax(1)
    }
}
