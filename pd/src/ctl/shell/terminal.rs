//! The terminal: bytes in, lines out. In raw mode it sends every key at once and shows none itself; `stty`, which every
//! Unix has, switches the modes.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::process::{Command, Stdio};

use super::editor::Editor;
use super::keys::{self, Key};
use crate::ctl::Outcome;

pub(super) struct Terminal {
    is_interactive: bool,
}

/// Raw mode, until it is dropped.
pub(super) struct Raw {
    /// The modes before, as `stty` writes and reads them.
    former: String,
}

impl Drop for Raw {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = stty(&[&self.former]);
    }
}

/// What `stty` says about the terminal that is the standard input.
fn stty(words: &[&str]) -> io::Result<String> {
    let output = Command::new("stty").args(words).stdin(Stdio::inherit()).stderr(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(io::Error::other("the terminal can not be switched"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Terminal {
    pub(super) fn open() -> Terminal {
        Terminal { is_interactive: io::stdin().is_terminal() && io::stdout().is_terminal() }
    }

    pub(super) fn is_interactive(&self) -> bool {
        self.is_interactive
    }

    pub(super) fn raw(&self) -> io::Result<Raw> {
        let former = stty(&["-g"])?;
        stty(&["raw", "-echo"])?;
        Ok(Raw { former })
    }

    /// A line of an input that is no terminal.
    pub(super) fn plain_line(&self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let count = io::stdin().lock().read_line(&mut line)?;
        Ok((count > 0).then_some(line))
    }

    pub(super) fn key(&self) -> io::Result<Option<Key>> {
        let mut input = io::stdin().lock();
        keys::read(|| {
            let mut byte = [0];
            Ok((input.read(&mut byte)? == 1).then_some(byte[0]))
        })
    }

    /// Shows the line, with the cursor where it is.
    pub(super) fn draw(&self, prompt: &str, editor: &Editor) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write!(out, "\r{prompt}{}\x1b[K", editor.text())?;
        match editor.behind() {
            0 => {}
            count => write!(out, "\x1b[{count}D")?,
        }
        out.flush()
    }

    pub(super) fn offer(&self, words: &[String]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write!(out, "\r\n{}\r\n", words.join("  "))?;
        out.flush()
    }

    pub(super) fn end_line(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out)?;
        out.flush()
    }

    pub(super) fn show(&self, outcome: &Outcome) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write!(out, "{}", outcome.out)?;
        out.flush()?;
        match &outcome.problem {
            Some(problem) => writeln!(io::stderr().lock(), "{problem}"),
            None => Ok(()),
        }
    }
}
