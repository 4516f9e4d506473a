//! One `rutile start` process on free ports. It is killed with the value, so that no test leaves one
//! behind; its log goes to a file beside the data and is shown when it does not start.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// How to start; the default is what a user gets, on free ports.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Passed after `start`.
    pub arguments: Vec<String>,
    /// Environment of the process, beside what it inherits.
    pub environment: Vec<(String, String)>,
    /// A cluster of this many stores and one SQL server in one process, instead of the embedded role.
    pub stores: Option<usize>,
}

/// A running server and its data directory.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    options: ServerOptions,
    child: Child,
    port: u16,
    status_port: u16,
    directory: TempDir,
}

impl Server {
    /// Starts `binary` on an empty data directory and waits until it says that it is ready.
    pub fn start(binary: &str, options: ServerOptions) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let (child, port, status_port) = spawn(Path::new(binary), directory.path(), &options)?;
        Ok(Self { binary: binary.into(), options, child, port, status_port, directory })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn status_port(&self) -> u16 {
        self.status_port
    }

    /// The process id, for reading `/proc`.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The end of what the server has logged, for the message of a test that failed.
    pub fn log(&self) -> String {
        const LINES: usize = 40;
        let text = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
    }

    pub fn data_directory(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Connection URL of the root account.
    pub fn url(&self, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{}/{database}", self.port)
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, then waits for the exit.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        anyhow::ensure!(status.success(), "kill -TERM failed");
        Ok(self.child.wait()?)
    }

    /// Starts again on the same data; the ports may differ.
    pub fn restart(&mut self) -> Result<()> {
        (self.child, self.port, self.status_port) =
            spawn(&self.binary, self.directory.path(), &self.options)?;
        Ok(())
    }

    /// Runs `binary start` on this server's data without waiting for it to be ready.
    pub fn second_start(&self) -> Result<std::process::Output> {
        Ok(command(&self.binary, self.directory.path(), &self.options).stdin(Stdio::null()).output()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have been killed by the test already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(binary: &Path, directory: &Path, options: &ServerOptions) -> Command {
    let mut command = Command::new(binary);
    match options.stores {
        None => command.args(["start", "--port", "0", "--status-port", "0"]),
        Some(stores) => command.args(["playground", "--sql", "1", "--kv", &stores.to_string()]),
    };
    command
        .arg("--data-dir")
        .arg(directory.join("data"))
        .args(&options.arguments)
        .envs(options.environment.iter().cloned());
    command
}

/// Starts the process and reads its standard output up to the line that names the ports:
/// `ready mysql=127.0.0.1:4000 status=127.0.0.1:10080`.
fn spawn(binary: &Path, directory: &Path, options: &ServerOptions) -> Result<(Child, u16, u16)> {
    let log_path = directory.join("log");
    let log = std::fs::OpenOptions::new().create(true).append(true).open(&log_path)?;
    let mut child = command(binary, directory, options)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .with_context(|| format!("start {}", binary.display()))?;
    let stdout = child.stdout.take().context("a piped stdout")?;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        // The parts of a cluster say so, too.
        if let Some(rest) = line.strip_prefix("ready ").filter(|rest| rest.starts_with("mysql=")) {
            let port = |key: &str| -> Result<u16> {
                let word =
                    rest.split_whitespace().find_map(|w| w.strip_prefix(key)).context("a ready line")?;
                Ok(word.rsplit(':').next().context("host:port")?.parse()?)
            };
            return Ok((child, port("mysql=")?, port("status=")?));
        }
    }
    let status = child.wait()?;
    let log = std::fs::read_to_string(&log_path).unwrap_or_default();
    bail!("the server ended with {status} before it was ready:\n{log}")
}
