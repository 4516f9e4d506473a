//! Logs to standard error or to a file, as text for people or JSON lines for machines.
//!
//! A reload (SIGHUP) opens the file again, so that `logrotate` can take the old one away, and changes the level.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use rutile_kv_env::{AppendFile, Disk};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::config::{Choice, settings};
use crate::error::{Error, Result};
use crate::panics;

settings! {
    /// Logs.
    LogSettings in "log" {
        /// error, warn, info, debug, trace, or a filter such as `info,rutile_kv=debug`.
        level: String = "info".to_owned(), live, flag "log-level";
        /// How a line looks.
        format: LogFormat = LogFormat::Text, restart, flag "log-format";
        /// File to append to; without one, standard error.
        file: Option<PathBuf> = None, restart, flag "log-file";
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Choice for LogFormat {
    const FORM: &'static str = "text or json";
    const NAMES: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

/// What of the running log can be changed.
#[derive(Clone)]
pub(crate) struct Logging {
    filter: reload::Handle<EnvFilter, Registry>,
    output: Output,
}

/// Installs the subscriber of the process.
pub(crate) fn start(disk: &dyn Disk, settings: &LogSettings) -> Result<Logging> {
    let (filter, handle) = reload::Layer::new(parse(&settings.level)?);
    let output = Output::open(disk, settings.file.as_deref())?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(output.clone());
    let installed = match settings.format {
        LogFormat::Text => registry.with(layer.with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    installed.map_err(|error| bad_level(&settings.level, error.to_string()))?;
    panics::tell_in_log();
    Ok(Logging { filter: handle, output })
}

impl Logging {
    /// Takes over a changed level and opens the file again.
    pub(crate) fn reload(&self, disk: &dyn Disk, settings: &LogSettings) -> Result<()> {
        let filter = parse(&settings.level)?;
        self.filter.reload(filter).map_err(|error| bad_level(&settings.level, error.to_string()))?;
        self.output.reopen(disk)
    }
}

fn parse(level: &str) -> Result<EnvFilter> {
    EnvFilter::builder().parse(level).map_err(|error| bad_level(level, error.to_string()))
}

fn bad_level(level: &str, reason: String) -> Error {
    Error::LogLevel { text: level.to_owned(), reason }
}

/// Where lines go.
#[derive(Clone)]
enum Output {
    StandardError,
    File { path: PathBuf, file: Arc<Mutex<Box<dyn AppendFile>>> },
}

impl Output {
    fn open(disk: &dyn Disk, path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::StandardError) };
        Ok(Self::File { path: path.to_owned(), file: Arc::new(Mutex::new(open(disk, path)?)) })
    }

    fn reopen(&self, disk: &dyn Disk) -> Result<()> {
        if let Self::File { path, file } = self {
            let opened = open(disk, path)?;
            *file.lock() = opened;
        }
        Ok(())
    }
}

fn open(disk: &dyn Disk, path: &Path) -> Result<Box<dyn AppendFile>> {
    disk.open_append(path).map_err(|source| Error::Io { what: "log file", source })
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Sink<'a>;

    fn make_writer(&'a self) -> Sink<'a> {
        match self {
            Self::StandardError => Sink::StandardError(io::stderr()),
            Self::File { file, .. } => Sink::File(file.lock()),
        }
    }
}

/// An event says what others sent, such as the name of a user: it must not look like several lines, nor move the cursor of
/// a terminal.
fn one_line(event: &[u8]) -> Cow<'_, [u8]> {
    let text = event.strip_suffix(b"\n").unwrap_or(event);
    let is_control = |byte: u8| byte < 0x20 && byte != b'\t' || byte == 0x7f;
    if !text.iter().any(|byte| is_control(*byte)) {
        return Cow::Borrowed(event);
    }
    let mut line = Vec::with_capacity(event.len() + 16);
    for byte in text {
        match byte {
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            byte if is_control(*byte) => line.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
            byte => line.push(*byte),
        }
    }
    line.push(b'\n');
    Cow::Owned(line)
}

/// One line on its way.
enum Sink<'a> {
    StandardError(io::Stderr),
    File(MutexGuard<'a, Box<dyn AppendFile>>),
}

impl Write for Sink<'_> {
    /// The subscriber hands over a whole event at a time.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = one_line(bytes);
        match self {
            Self::StandardError(error) => error.write_all(&line)?,
            Self::File(file) => file.append(&line)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        assert_eq!(one_line("Zoë\tcame\n".as_bytes()).as_ref(), "Zoë\tcame\n".as_bytes());
        assert_eq!(
            one_line(b"user x\n2026 INFO y\r\x1b[2J\0\n").as_ref(),
            b"user x\\n2026 INFO y\\r\\x1b[2J\\x00\n"
        );
    }
}
