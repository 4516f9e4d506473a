//! Where values come from, what is refused, and the sample file.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rutile_kv_env::{Disk as _, Simulation};

use super::{Bytes, Settings, Sources};

const FILE: &str = "/rutile.toml";

fn read(content: &str, flags: &[(&str, &str)]) -> Result<Settings, String> {
    let simulation = Simulation::new(1);
    let disk = simulation.disk();
    disk.write_atomic(Path::new(FILE), content.as_bytes()).expect("memory");
    let flags = flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let sources = Sources { file: Some(PathBuf::from(FILE)), flags, ..Sources::default() };
    Settings::read(disk, &sources).map_err(|error| error.to_string())
}

#[test]
fn defaults_are_those_of_the_manual() {
    let settings = Settings::default();
    let server = &settings.server;
    assert_eq!((server.host.as_str(), server.port, settings.status.port), ("127.0.0.1", 4000, 10080));
    assert_eq!(server.data_dir, PathBuf::from("./rutile-data"));
    assert_eq!((settings.connections.max_connections, server.memory_limit), (10_000, Bytes(1 << 30)));
    for (name, entry) in settings.entries() {
        let mut again = Settings::default();
        assert_eq!(again.take_flag(&name, &entry.text), Ok(()), "{name} takes its own default");
        assert_eq!(again, settings);
    }
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let content = "[server]\nport = 4001\nhost = \"::1\"\nmemory_limit = \"2GiB\"\n\
                   connections = { }\n";
    assert!(read(content, &[]).is_err(), "a section inside a section");
    let content = "connections = { write_timeout = \"90s\" }\n[server]\nport = 4001\nhost = \"::1\"\n\
                   memory_limit = \"2GiB\"\n[log]\nformat = \"json\"\n";
    let settings = read(content, &[("server.port", "4002")]).expect("a good file");
    assert_eq!((settings.server.port, settings.server.host.as_str()), (4002, "::1"));
    assert_eq!(settings.server.memory_limit, Bytes(2 << 30));
    assert_eq!(settings.connections.write_timeout, Duration::from_secs(90));
    assert_eq!(settings.status.port, 10080);
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (content, named) in [
        ("[server]\nport = 1\nprot = 2\n", &["line 3", "\"prot\"", "[server]", "port"][..]),
        ("[sever]\nport = 1\n", &["line 1", "[sever]", "server"]),
        ("port = 1\n", &["line 1", "[port]"]),
        ("server = 1\n", &["line 1", "section"]),
        ("[server]\n\nport = \"4000\"\n", &["line 3", "server.port", "whole number"]),
        ("[server]\nport = 70000\n", &["line 2", "70000"]),
        ("[server]\nport = true\n", &["line 2", "boolean"]),
        ("[connections]\nmax_connections = 0\n", &["line 2", "1 to 100000"]),
        ("[connections]\nconnect_timeout = \"3 days\"\n", &["line 2", "10s"]),
        ("[connections]\nconnect_timeout = 10\n", &["line 2", "10s"]),
        ("[server]\nmemory_limit = \"4 bananas\"\n", &["line 2", "bananas"]),
        ("[log]\nformat = \"xml\"\n", &["line 2", "text or json"]),
        ("[server]\nport = \n", &["line 2"]),
        ("[server]\nport = 1\nport = 2\n", &["line 3", "duplicate"]),
        ("[tls]\ncert = \"a.pem\"\n", &["tls.key"]),
    ] {
        let problem = read(content, &[]).expect_err("a mistake");
        for word in named {
            assert!(problem.contains(word), "{word} for {content:?}: {problem}");
        }
        assert!(!problem.contains('\n'), "{problem}");
    }
    let absent = Sources { file: Some(PathBuf::from("/absent")), ..Sources::default() };
    let problem = Settings::read(Simulation::new(1).disk(), &absent).expect_err("no file");
    assert!(problem.to_string().contains("/absent"), "{problem}");
}

#[test]
fn what_is_printed_can_be_read_again() {
    let content = "[server]\nhost = \"a\\\"b\\\\c\"\n[gc]\ninterval = \"90s\"\n[raft]\nhibernate_regions = false\n[status]\nmax_request = \"20KiB\"\n";
    let settings = read(content, &[]).expect("a good file");
    let printed = settings.print();
    assert_eq!(read(&printed, &[]), Ok(settings), "{printed}");
}

#[test]
fn a_reload_changes_what_is_live_and_names_what_is_not() {
    let mut running = Settings::default();
    let newer = read("[server]\nport = 1\n[log]\nlevel = \"debug\"\n[gc]\ninterval = \"5m\"\n", &[]);
    let reloaded = running.reload(&newer.expect("a good file"));
    assert_eq!(reloaded.applied, ["log.level"]);
    assert_eq!(reloaded.waiting, ["server.port", "gc.interval"]);
    assert_eq!((running.log.level.as_str(), running.server.port), ("debug", 4000));
}

#[test]
fn sizes_and_times_are_shown_as_they_are_written() {
    let mut settings = Settings::default();
    for (name, written, shown) in [
        ("server.memory_limit", "4g", "4GiB"),
        ("server.memory_limit", "20000000", "20000000"),
        ("gc.life_time", "90m", "90m"),
        ("gc.life_time", "3600s", "1h"),
        ("server.drain_timeout", "1500ms", "1500ms"),
    ] {
        assert_eq!(settings.take_flag(name, written), Ok(()));
        let entries = settings.entries();
        let entry = entries.iter().find(|(found, _)| found == name).map(|(_, entry)| entry.text.as_str());
        assert_eq!(entry, Some(shown), "{name} = {written}");
    }
    for bad in ["", "MiB", "12q", "1k", "99999999999t"] {
        assert!(settings.take_flag("server.memory_limit", bad).is_err(), "{bad}");
    }
}

/// `UPDATE_GOLDEN=1` writes the file again; the diff is the review.
#[test]
fn the_sample_file_is_made_from_the_declarations() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/config/rutile.toml");
    let sample = Settings::sample();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        let mut file = std::fs::File::create(&path).expect("writable");
        file.write_all(sample.as_bytes()).expect("writable");
    }
    let kept = std::fs::read_to_string(&path).expect("the sample file");
    assert_eq!(kept, sample, "record it again with UPDATE_GOLDEN=1");
    assert_eq!(read(&sample, &[]), Ok(Settings::default()), "all commented out");
    let uncommented: String = sample
        .lines()
        .filter(|line| !line.starts_with("# "))
        .map(|line| line.trim_start_matches('#').to_owned() + "\n")
        .collect();
    assert_eq!(read(&uncommented, &[]), Ok(Settings::default()), "{uncommented}");
}
