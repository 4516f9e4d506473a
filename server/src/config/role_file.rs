//! Configuration files of `start pd` and `start kv`: their flags, written as TOML.
//!
//! ```toml
//! host = "10.0.0.4"
//! pd = ["10.0.0.1:2379", "10.0.0.2:2379"]
//! data_dir = "/var/lib/rutile/kv"
//! insecure = true
//! ```
//! A key is the long name of a flag with underscores. A flag that is given wins over the file; an unknown key or a value
//! of the wrong kind stops the start and names its line.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use toml_edit::{ImDocument, Item, Key, Value};

use super::file::{Mistake, line_of, syntax};

/// What the file says as flags of `command`, without those that were `given`.
pub(crate) fn flags(text: &str, command: &Command, given: &ArgMatches) -> Result<Vec<OsString>, String> {
    read(text, command, given).map_err(|mistake| mistake.to_string())
}

fn read(text: &str, command: &Command, given: &ArgMatches) -> Result<Vec<OsString>, Mistake> {
    let document = ImDocument::parse(text).map_err(|error| syntax(text, &error))?;
    let table = document.as_table();
    let mut flags = Vec::new();
    for (name, item) in table.iter() {
        let span = table.key(name).and_then(Key::span).or_else(|| item.span());
        let mistake = |what: String| Mistake { line: span.as_ref().map(|span| line_of(text, span)), what };
        let Some(arg) = settable(command).find(|arg| key_of(arg).as_deref() == Some(name)) else {
            let known: Vec<_> = settable(command).filter_map(key_of).collect();
            return Err(mistake(format!("unknown key \"{name}\"; there are {}", known.join(", "))));
        };
        let value = flag_of(arg, item).map_err(|what| mistake(format!("{name}: {what}")))?;
        if given.value_source(arg.get_id().as_str()) != Some(ValueSource::CommandLine) {
            flags.extend(value.map(OsString::from));
        }
    }
    Ok(flags)
}

fn settable(command: &Command) -> impl Iterator<Item = &Arg> {
    command
        .get_arguments()
        .filter(|arg| !matches!(arg.get_long(), None | Some("config" | "help" | "version")))
}

fn key_of(arg: &Arg) -> Option<String> {
    arg.get_long().map(|long| long.replace('-', "_"))
}

fn flag_of(arg: &Arg, item: &Item) -> Result<Option<String>, String> {
    let long = arg.get_long().unwrap_or_default();
    let is_list = matches!(arg.get_action(), ArgAction::Append);
    match (arg.get_action(), item) {
        (ArgAction::SetTrue, Item::Value(Value::Boolean(on))) => Ok(on.value().then(|| format!("--{long}"))),
        (ArgAction::SetTrue, other) => Err(format!("true or false, not {}", other.type_name())),
        (ArgAction::Set, Item::Value(Value::Boolean(on))) if is_answer(arg) => {
            Ok(Some(format!("--{long}={}", on.value())))
        }
        (_, Item::Value(Value::Array(list))) if is_list => {
            let texts: Option<Vec<_>> = list.iter().map(scalar).collect();
            let texts = texts.ok_or("a list of texts")?;
            Ok((!texts.is_empty()).then(|| format!("--{long}={}", texts.join(","))))
        }
        (_, Item::Value(value)) => match scalar(value) {
            Some(text) => Ok(Some(format!("--{long}={text}"))),
            None => Err(format!("a text or a number, not {}", value.type_name())),
        },
        (_, other) => Err(format!("a text or a number, not {}", other.type_name())),
    }
}

/// Whether the flag takes true or false.
fn is_answer(arg: &Arg) -> bool {
    arg.get_possible_values().iter().any(|value| value.matches("true", false))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.value().clone()),
        Value::Integer(number) => Some(number.value().to_string()),
        _ => None,
    }
}
