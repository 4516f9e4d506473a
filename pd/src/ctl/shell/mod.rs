//! `rutile pd -i`: commands one after another, with history and completion.
//!
//! [`editor`] is the line being typed, from keys to what has to be done, without a terminal; [`keys`] makes keys of bytes;
//! [`complete`] knows what may follow; [`terminal`] reads and draws. Where the input is no terminal its lines are commands
//! and nothing is drawn.

mod complete;
mod editor;
mod keys;
mod terminal;

use std::ffi::OsString;
use std::path::PathBuf;

use rutile_kv_env::Env;

use super::{Cli, Outcome, Pages, answer, parse};
use editor::{Editor, Effect};
use terminal::Terminal;

const PROMPT: &str = "pd> ";
/// Lines that are kept from one shell to the next, in the home folder of the user.
const HISTORY_FILE: &str = ".rutile_pd_history";

/// Runs commands until the input ends; the exit code is that of the last one.
pub(super) async fn run(env: &Env, first: &Cli, pages: &dyn Pages) -> Outcome {
    let failed = |error: std::io::Error| Outcome::failed(format!("the shell: {error}"), 1);
    let path = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(HISTORY_FILE));
    let kept = path.as_ref().and_then(|path| env.disk.read(path).ok()).unwrap_or_default();
    let mut editor = Editor::new(String::from_utf8_lossy(&kept).lines().map(str::to_owned).collect());
    let terminal = Terminal::open();
    let mut code = 0;
    loop {
        let line = match read_line(&terminal, &mut editor) {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(error) => return failed(error),
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => continue,
            ["exit" | "quit"] => break,
            _ => {}
        }
        let outcome = run_words(first, pages, &words).await;
        code = outcome.code;
        if let Err(error) = terminal.show(&outcome) {
            return failed(error);
        }
    }
    if let Some(path) = path.filter(|_| terminal.is_interactive()) {
        // A history that can not be kept is no reason to fail.
        let _ = env.disk.write_atomic(&path, editor.history().join("\n").as_bytes());
    }
    Outcome { out: String::new(), problem: None, code }
}

/// The flags of the command line that began the shell hold for every command.
async fn run_words(first: &Cli, pages: &dyn Pages, words: &[&str]) -> Outcome {
    let program = std::iter::once("pd");
    match parse(program.chain(words.iter().copied()).map(OsString::from)) {
        Ok(mut cli) => {
            cli.json |= first.json;
            answer(&cli, pages).await
        }
        Err(outcome) => outcome,
    }
}

fn read_line(terminal: &Terminal, editor: &mut Editor) -> std::io::Result<Option<String>> {
    if !terminal.is_interactive() {
        return terminal.plain_line();
    }
    editor.begin();
    terminal.draw(PROMPT, editor)?;
    let raw = terminal.raw()?;
    loop {
        let Some(key) = terminal.key()? else {
            return Ok(None);
        };
        match editor.press(key, &complete::after) {
            Effect::Redraw => {}
            Effect::Offer(words) => terminal.offer(&words)?,
            Effect::Submit(line) => {
                drop(raw);
                terminal.end_line()?;
                return Ok(Some(line));
            }
            Effect::Quit => {
                drop(raw);
                terminal.end_line()?;
                return Ok(None);
            }
        }
        terminal.draw(PROMPT, editor)?;
    }
}

#[cfg(test)]
mod tests;
