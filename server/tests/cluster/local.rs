//! `deploy/local/cluster.sh`: a whole cluster from configuration files by one command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder};
use tempfile::TempDir;

use crate::process::{BINARY, free_ports, write_file};

/// The files of `deploy/local/cluster` with ports that are free, and where the cluster's data is.
struct Local {
    directory: TempDir,
    ports: BTreeMap<&'static str, u16>,
}

/// Both SQL servers are given it, at the same time.
const PASSWORD: &str = "of the whole cluster";
/// Every port that the files name.
const PORTS: [&str; 10] =
    ["2379", "2381", "2383", "20160", "20161", "20162", "4000", "4001", "10080", "10081"];

impl Local {
    fn new() -> Local {
        let directory = tempfile::tempdir().expect("a directory");
        let ports: BTreeMap<_, _> = PORTS.into_iter().zip(free_ports(PORTS.len())).collect();
        let mut files = 0;
        for entry in std::fs::read_dir(deploy().join("cluster")).expect("the files") {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("text");
            // One number at a time: a port that was put in may look like one that is not replaced yet.
            let words = text.split_inclusive(|c: char| !c.is_ascii_digit()).map(|word| {
                let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
                match ports.get(digits) {
                    Some(port) => word.replacen(digits, &port.to_string(), 1),
                    None => word.to_owned(),
                }
            });
            write_file(&directory.path().join(path.file_name().expect("a name")), &words.collect::<String>());
            files += 1;
        }
        assert_eq!(files, 8, "three placement drivers, three stores, two SQL servers");
        Local { directory, ports }
    }

    fn run(&self, word: &str) -> Output {
        Command::new(deploy().join("cluster.sh"))
            .arg(word)
            .env("RUTILE_BINARY", BINARY)
            .env("RUTILE_CLUSTER", self.directory.path().join("data"))
            .env("RUTILE_CLUSTER_CONFIG", self.directory.path())
            .env("RUTILE_ROOT_PASSWORD", PASSWORD)
            .output()
            .expect("runs")
    }

    fn succeeds(&self, word: &str) -> String {
        let output = self.run(word);
        let (said, problem) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{word}: {said}{problem}");
        said.into_owned()
    }

    async fn connect(&self, port: &str) -> Conn {
        let options = OptsBuilder::default().ip_or_hostname("127.0.0.1").tcp_port(self.ports[port]);
        Conn::new(options.user(Some("root")).pass(Some(PASSWORD)).prefer_socket(false))
            .await
            .expect("connects")
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        drop(self.run("stop"));
    }
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/local")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_command_starts_a_cluster_from_files() {
    let local = Local::new();
    assert!(!local.run("status").status.success(), "nothing runs yet");
    let ready = local.succeeds("start");
    assert_eq!(ready.lines().count(), 8, "{ready}");

    let mut first = local.connect("4000").await;
    first.query_drop("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)").await.expect("is made");
    first.query_drop("INSERT INTO d.t VALUES (1), (2)").await.expect("is written");
    let mut second = local.connect("4001").await;
    let count: Option<u64> = second.query_first("SELECT COUNT(*) FROM d.t").await.expect("is read");
    assert_eq!(count, Some(2));
    let status = local.succeeds("status");
    assert_eq!(status.lines().filter(|line| line.contains(" runs, process ")).count(), 8, "{status}");
    assert_eq!(local.succeeds("start").lines().count(), 8, "what runs is left alone");

    drop((first, second));
    local.succeeds("stop");
    let status = String::from_utf8_lossy(&local.run("status").stdout).into_owned();
    assert_eq!(status.lines().filter(|line| line.ends_with(" does not run")).count(), 8, "{status}");

    local.succeeds("start");
    let mut first = local.connect("4000").await;
    let count: Option<u64> = first.query_first("SELECT COUNT(*) FROM d.t").await.expect("is read");
    assert_eq!(count, Some(2));
    drop(first);
    local.succeeds("stop");
}

#[test]
fn a_word_that_is_none_is_refused() {
    let local = Local::new();
    let output = local.run("begin");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cluster.sh start"), "{output:?}");
}
