//! A server that had its data for itself takes two more in, and they go on without it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use rutile_kv_env::Env;

use crate::process::{BINARY, Cluster, Process};
use crate::sql_nodes::{connect, password_file};
use crate::work::Work;

const PASSWORD: &str = "open sesame";
const PATIENCE: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
const ALONE: [&str; 5] = ["start", "--port", "0", "--status-port", "0"];

/// One of several machines, each started the same way.
fn machine(directory: &Path, name: &str, join: Option<&str>) -> Process {
    let words = [&ALONE[..], &["--pd-port", "0", "--kv-port", "0"]].concat();
    let flags: Vec<String> = join.into_iter().flat_map(|to| ["--join".to_owned(), to.to_owned()]).collect();
    Process::run(directory, name, &words, &flags)
}

async fn login(server: &Process) -> Conn {
    connect(server, Some(PASSWORD)).await.expect("the password of the first")
}

/// Inserts 1, 2, 3, … and goes on from each acknowledgement; any error ends it.
async fn inserts(env: &Env, server: &Process) -> Work {
    let mut connection = login(server).await;
    let last: Option<Option<u64>> =
        connection.query_first("SELECT MAX(id) FROM test.grown").await.expect("reads");
    Work::start(env, "inserts", last.flatten().unwrap_or(0), |progress| async move {
        while progress.goes_on() {
            let id = progress.done() + 1;
            let inserted = connection.query_drop(format!("INSERT INTO test.grown VALUES ({id}, 'x')")).await;
            inserted.unwrap_or_else(|error| panic!("row {id}: {error}"));
            progress.note();
        }
    })
}

async fn check(server: &Process, acknowledged: u64) {
    let mut connection = login(server).await;
    let query = format!("SELECT COUNT(*) FROM test.grown WHERE id BETWEEN 1 AND {acknowledged}");
    let found: Option<u64> = connection.query_first(query).await.expect("reads");
    assert_eq!(found, Some(acknowledged));
    connection.query_drop("ADMIN CHECK TABLE test.grown").await.expect("index and table agree");
}

fn member_names(cluster: &Cluster) -> Vec<String> {
    let shown = cluster.ask(&["member"]);
    let members = shown["members"].as_array().expect("members").iter();
    let mut names: Vec<String> = members.map(|member| member["name"].to_string()).collect();
    names.sort_unstable();
    names
}

/// What a load balancer is told.
fn is_ready(machine: &Process) -> bool {
    let mut page = TcpStream::connect(&machine.ports["status"]).expect("listens");
    page.write_all(b"GET /ready HTTP/1.0\r\n\r\n").expect("takes it");
    let mut answer = String::new();
    page.read_to_string(&mut answer).expect("answers");
    answer.lines().next().is_some_and(|line| line.contains(" 200 "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_alone_becomes_a_cluster_of_three() {
    let directory = tempfile::tempdir().expect("a directory");
    let (_file, password) = password_file("open sesame\n");
    let flags = ["--root-password-file".to_owned(), password];
    let mut alone = Process::run(directory.path(), "first", &ALONE, &flags);
    let mut connection = login(&alone).await;
    for statement in [
        "CREATE DATABASE test",
        "CREATE TABLE test.grown (id BIGINT PRIMARY KEY, v VARCHAR(9), KEY (v))",
        "INSERT INTO test.grown VALUES (1, 'alone')",
    ] {
        connection.query_drop(statement).await.expect("is done");
    }
    assert!(alone.terminate().success());

    let first = machine(directory.path(), "first", None);
    let mut cluster = Cluster::of(directory, first);
    let env = cluster.env.clone();
    let inserted = inserts(&env, &cluster.pd[0]).await;
    let address = cluster.pd[0].ports["pd"].clone();
    for name in ["second", "third"] {
        let joined = machine(cluster.directory(), name, Some(&address));
        cluster.pd.push(joined);
    }
    cluster.until_replicated(3).await;
    cluster.until_members_are_well(3).await;
    inserted.advance(20, PATIENCE).await;
    let acknowledged = inserted.stop().await;
    check(&cluster.pd[2], acknowledged).await;

    cluster.pd[0].kill();
    let inserted = inserts(&env, &cluster.pd[1]).await;
    inserted.advance(20, PATIENCE).await;
    let acknowledged = inserted.stop().await;
    check(&cluster.pd[2], acknowledged).await;

    // Each comes back as who it was; that it joined is long past.
    let names = member_names(&cluster);
    cluster.pd[0] = machine(cluster.directory(), "first", None);
    assert!(cluster.pd[2].terminate().success());
    cluster.pd[2] = machine(cluster.directory(), "third", None);
    cluster.until_members_are_well(3).await;
    check(&cluster.pd[0], acknowledged).await;
    assert_eq!(member_names(&cluster), names);
    assert!(cluster.pd.iter().all(is_ready));
    // The last two have nobody any more with whom they could decide anything.
    for n in 0..3 {
        if n == 2 {
            cluster.until("the end of the lease", |cluster| (!is_ready(&cluster.pd[2])).then_some(())).await;
        }
        let machine = &mut cluster.pd[n];
        let started = env.clock.now();
        assert!(machine.terminate().success(), "{} ends in order", machine.name);
        let took = env.clock.now().saturating_since(started);
        assert!(took < STOPPED_WITHIN, "{} took {took:?} to end", machine.name);
    }
}

#[test]
fn data_of_a_cluster_is_not_taken_for_one_servers_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut first = machine(directory.path(), "first", None);
    assert!(first.terminate().success());
    let start = |words: &[&str], data_dir: &Path| {
        let mut command = std::process::Command::new(BINARY);
        let output = command.args(ALONE).args(words).arg("--data-dir").arg(data_dir).output().expect("runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let refused = start(&[], &directory.path().join("first"));
    assert!(refused.contains("is part of a cluster"), "{refused}");
    for words in [
        &["--kv-port", "0"][..],
        &["--join", "127.0.0.1:1"],
        &["--insecure"],
        &["--cacert", "a", "--cert", "b", "--key", "c"],
    ] {
        start(words, &directory.path().join("new"));
        assert!(!directory.path().join("new").exists(), "{words:?} touch nothing");
    }
    let open = start(
        &["--pd-port", "0", "--kv-port", "0", "--peer-host", "0.0.0.0", "--advertise-host", "localhost"],
        &directory.path().join("new"),
    );
    assert!(open.contains("refusing to listen on 0.0.0.0"), "{open}");
}
