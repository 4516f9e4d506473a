//! Logs to standard error, as text for people or JSON lines for machines.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;
use crate::error::{Error, Result};

/// Installs the subscriber of the process.
pub(crate) fn start(level: &str, format: LogFormat) -> Result<()> {
    let bad = |reason: String| Error::LogLevel { text: level.to_owned(), reason };
    let filter = EnvFilter::builder().parse(level).map_err(|error| bad(error.to_string()))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let installed = match format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| bad(error.to_string()))
}
