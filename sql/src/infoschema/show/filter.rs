//! LIKE and WHERE over the output of SHOW.

use rutile_sql_parser::ast::{Show, ShowFilter};
use rutile_sql_types::Value;

use super::filter_of;
use crate::error::Result;
use crate::session::{ColumnMeta, StatementContext};

type Listing = (Vec<Vec<Value>>, Vec<ColumnMeta>);

pub(super) fn apply(
    context: &mut StatementContext<'_>,
    show: &Show,
    columns: Vec<ColumnMeta>,
    rows: Vec<Vec<Value>>,
) -> Result<Listing> {
    let condition = match show {
        Show::Index { condition, .. } => condition.as_ref(),
        _ => match filter_of(show) {
            Some(ShowFilter::Like(pattern)) => {
                let position = like_column(show);
                let kept = rows
                    .into_iter()
                    .filter(|row| match row.get(position) {
                        Some(Value::Bytes(bytes)) => like(&String::from_utf8_lossy(bytes), pattern),
                        _ => false,
                    })
                    .collect();
                return Ok((kept, columns));
            }
            Some(ShowFilter::Where(condition)) => Some(condition),
            None => None,
        },
    };
    let rows = match condition {
        Some(condition) => crate::executor::filter_rows(context, &columns, rows, condition)?,
        None => rows,
    };
    Ok((rows, columns))
}

/// The column LIKE looks at: the name, which is not always the first.
fn like_column(show: &Show) -> usize {
    match show {
        Show::Events { .. }
        | Show::ProcedureStatus { .. }
        | Show::FunctionStatus { .. }
        | Show::OpenTables { .. } => 1,
        Show::Triggers { .. } => 2,
        _ => 0,
    }
}

/// LIKE as the dictionary's own collation (utf8mb3_general_ci) compares: without case.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    matches(&text, &pattern)
}

/// Greedy matching with one point of return per `%`: linear in practice, never exponential.
fn matches(text: &[char], pattern: &[char]) -> bool {
    let (mut t, mut p) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('%') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some('_') => {
                t += 1;
                p += 1;
                continue;
            }
            Some('\\') if pattern.get(p + 1) == text.get(t) => {
                t += 1;
                p += 2;
                continue;
            }
            Some(c) if *c != '\\' && Some(c) == text.get(t) => {
                t += 1;
                p += 1;
                continue;
            }
            _ => {}
        }
        match &mut retry {
            Some((after, from)) => {
                *from += 1;
                p = *after;
                t = *from;
            }
            None => return false,
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == '%')
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn patterns_match_as_mysql_matches_names() {
        let cases = [
            ("t1", "t%", true),
            ("T1", "t_", true),
            ("t1", "t", false),
            ("", "%", true),
            ("abcabd", "%abd", true),
            ("ndbinfo_version", "ndbinfo\\_version", true),
            ("ndbinfoXversion", "ndbinfo\\_version", false),
            ("a%b", "a\\%b", true),
            ("aab", "a%b%c", false),
        ];
        for (text, pattern, expected) in cases {
            assert_eq!(like(text, pattern), expected, "{text} LIKE {pattern}");
        }
    }
}
