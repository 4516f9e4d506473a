//! Logs to standard error or to a file, as text for people or JSON lines for machines.
//!
//! A reload (SIGHUP) opens the file again, so that `logrotate` can take the old one away, and changes the level.

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

/// One line on its way.
enum Sink<'a> {
    StandardError(io::Stderr),
    File(MutexGuard<'a, Box<dyn AppendFile>>),
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::StandardError(error) => error.write(bytes),
            Self::File(file) => file.append(bytes).map(|()| bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
