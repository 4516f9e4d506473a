//! One life of the program, seen from outside: start it, read what it says, end it, keep what it acknowledged.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use crate::program;

/// What all lives share.
pub struct World {
    directory: tempfile::TempDir,
    pub acknowledged: BTreeSet<u64>,
    lives: u64,
    /// Milliseconds the slowest start took.
    pub slowest_start_ms: u64,
}

/// A running program.
pub struct Life<'w> {
    world: &'w mut World,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl World {
    pub fn new() -> World {
        let directory = tempfile::tempdir().expect("a directory");
        World { directory, acknowledged: BTreeSet::new(), lives: 0, slowest_start_ms: 0 }
    }

    /// Where the program keeps its data.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Starts a life that writes. `fail` names a failpoint that is armed after a while.
    pub fn start(&mut self, test: &str, fail: Option<&str>) -> Life<'_> {
        self.lives += 1;
        let mut command = self.command(test);
        command.env(program::LIFE, self.lives.to_string());
        if let Some(site) = fail {
            command.env(program::FAIL, site);
        }
        self.spawn(command)
    }

    /// A life that only checks what the others left.
    pub fn check(&mut self, test: &str) {
        let command = self.command(test);
        let mut life = self.spawn(command);
        assert!(life.read_until("ready"), "the last check");
        let status = life.end();
        assert!(status.success(), "{status}");
    }

    fn command(&self, test: &str) -> Command {
        let list = self.directory.path().join("acknowledged");
        let text: String = self.acknowledged.iter().map(|id| format!("{id}\n")).collect();
        write(&list, &text);
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command
            .args(["--exact", test, "--nocapture"])
            .env(program::DIRECTORY, self.data())
            .env(program::ACKNOWLEDGED, list)
            .stdout(Stdio::piped());
        command
    }

    fn spawn(&mut self, mut command: Command) -> Life<'_> {
        let mut child = command.spawn().expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Life { world: self, child, lines }
    }
}

#[expect(clippy::disallowed_methods, reason = "the list is the test's own")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("writable");
}

impl Life<'_> {
    /// Reads up to a line that ends with `word`; false when the program ended before.
    pub fn read_until(&mut self, word: &str) -> bool {
        while let Some(line) = self.read_line() {
            if line.ends_with(word) {
                return true;
            }
        }
        false
    }

    /// Reads until so many rows were acknowledged.
    pub fn read_rows(&mut self, count: usize) -> bool {
        let before = self.world.acknowledged.len();
        while self.world.acknowledged.len() < before + count {
            if self.read_line().is_none() {
                return false;
            }
        }
        true
    }

    /// The first line may share its line with the name of the test.
    fn read_line(&mut self) -> Option<String> {
        let line = self.lines.next()?.expect("text");
        let mut words = line.split(' ').rev();
        let (last, before) = (words.next(), words.next());
        match (before, last.and_then(|last| last.parse::<u64>().ok())) {
            (Some("ack"), Some(id)) => drop(self.world.acknowledged.insert(id)),
            (Some("opened"), Some(ms)) => {
                self.world.slowest_start_ms = self.world.slowest_start_ms.max(ms);
            }
            _ => {}
        }
        Some(line)
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.end();
    }

    /// Waits for its end; what it had said before counts.
    pub fn end(mut self) -> ExitStatus {
        while self.read_line().is_some() {}
        self.child.wait().expect("ends")
    }
}
