//! What may follow the words of a line: commands, values that an argument takes, flags.

use clap::{Arg, Command, CommandFactory as _};

use crate::ctl::Cli;

/// Words that may stand where the text ends, each with what is typed of it already.
pub(super) fn after(text: &str) -> Vec<String> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let typed = if text.ends_with(char::is_whitespace) { "" } else { words.pop().unwrap_or_default() };
    let mut command = Cli::command();
    // Also makes the flags that hold everywhere known to every command.
    command.build();
    let mut place = 0;
    for word in words {
        if let Some(found) = command.find_subcommand(word) {
            (command, place) = (found.clone(), 0);
        } else if !word.starts_with('-') {
            place += 1;
        }
    }
    let mut found = if typed.starts_with('-') { flags(&command) } else { names(&command, place) };
    found.retain(|word| word.starts_with(typed));
    found.sort_unstable();
    found.dedup();
    found
}

fn flags(command: &Command) -> Vec<String> {
    let long = command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(Arg::get_long);
    long.map(|long| format!("--{long}")).collect()
}

/// Commands below this one, and the values of the argument at a place.
fn names(command: &Command, place: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    if place == 0 {
        let below = command.get_subcommands().filter(|below| !below.is_hide_set());
        found.extend(below.map(|below| below.get_name().to_owned()));
    }
    let positionals: Vec<&Arg> = command.get_positionals().collect();
    let values = positionals.get(place).map(|arg| arg.get_possible_values()).unwrap_or_default();
    found.extend(values.iter().map(|value| value.get_name().to_owned()));
    found
}
