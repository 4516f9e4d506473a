//! Reading TOML. Every mistake is named with its line: a misspelt key that is skipped is a setting that nobody made.

use std::fmt;
use std::ops::Range;

use toml_edit::{ImDocument, Item, Key, TableLike, TomlError, Value};

use super::declare::Section;
use super::setting::Written;
use super::settings::Settings;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) line: Option<usize>,
    pub(super) what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// Changes `settings` by what `text` says.
pub(super) fn apply(text: &str, settings: &mut Settings) -> Result<(), Mistake> {
    let document = ImDocument::parse(text).map_err(|error| syntax(text, &error))?;
    for (name, item) in document.as_table().iter() {
        let span = document.as_table().key(name).and_then(Key::span).or_else(|| item.span());
        let mistake = |what: String| Mistake { line: span.as_ref().map(|span| line_of(text, span)), what };
        let known: Vec<_> = settings.sections().iter().map(|section| section.name()).collect();
        let Some(section) = settings.section_mut(name) else {
            return Err(mistake(format!("unknown section [{name}]; there are {}", known.join(", "))));
        };
        let Some(table) = item.as_table_like() else {
            return Err(mistake(format!("[{name}] is a section, not a value")));
        };
        apply_section(text, section, table)?;
    }
    Ok(())
}

fn apply_section(text: &str, section: &mut dyn Section, table: &dyn TableLike) -> Result<(), Mistake> {
    for (key, item) in table.iter() {
        let span = table.key(key).and_then(Key::span).or_else(|| item.span());
        let mistake = |what: String| Mistake { line: span.as_ref().map(|span| line_of(text, span)), what };
        let name = section.name();
        match section.set(key, written(item)) {
            Some(Ok(())) => {}
            Some(Err(reason)) => return Err(mistake(format!("{name}.{key}: {reason}"))),
            None => {
                let known: Vec<_> = section.entries().iter().map(|entry| entry.key).collect();
                return Err(mistake(format!(
                    "unknown key \"{key}\" in [{name}]; there are {}",
                    known.join(", ")
                )));
            }
        }
    }
    Ok(())
}

fn written(item: &Item) -> Written<'_> {
    match item {
        Item::Value(Value::String(text)) => Written::Text(text.value()),
        Item::Value(Value::Integer(number)) => Written::Integer(*number.value()),
        Item::Value(Value::Boolean(answer)) => Written::Boolean(*answer.value()),
        other => Written::Other(other.type_name()),
    }
}

/// What is no TOML.
pub(super) fn syntax(text: &str, error: &TomlError) -> Mistake {
    let what = error.message().lines().collect::<Vec<_>>().join(", ");
    // The parser has no words for a value that is missing.
    let what = if what.is_empty() { "a value is missing, or this is no TOML".to_owned() } else { what };
    Mistake { line: error.span().map(|span| line_of(text, &span)), what }
}

/// Lines count from one.
pub(super) fn line_of(text: &str, span: &Range<usize>) -> usize {
    let before = text.as_bytes().get(..span.start).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
