//! The command line. The flags of `start` are those settings that declare one; their help is the settings' own.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args as _, Command as Clap, FromArgMatches as _, value_parser};
use rutile_kv_env::Disk;

use crate::config::{Settings, Sources, facts, role_file};
use crate::node::machine::{PeerOptions, Peers};
use crate::node::peer_tls::CertOptions;
use crate::node::playground::PlaygroundOptions;
use crate::node::role::{KvOptions, PdOptions};
use crate::node::sql::SqlOptions;

/// The outcome of parsing.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it, at start")]
pub(crate) enum Parsed {
    Run(Command),
    /// Help or version, for standard output.
    Show(String),
}

#[derive(Debug)]
pub(crate) enum Command {
    /// Run everything in one process: SQL, storage and placement driver.
    Start(Sources),
    /// The same with ports for other machines' parts.
    StartMachine(Sources, Peers),
    /// Show what the server would start with.
    PrintConfig(Sources),
    /// Run a placement driver.
    StartPd(PdOptions),
    /// Run a store.
    StartKv(KvOptions),
    /// Run a SQL server of a cluster.
    StartSql(SqlOptions),
    /// Run a placement driver, stores and SQL servers in one process.
    Playground(PlaygroundOptions),
    /// Ask the placement driver; the words behind `rutile`.
    AskPd(Vec<OsString>),
}

/// Parses the arguments, and the configuration file of a role, which is read from `disk`; an error is one line.
pub(crate) fn parse(
    disk: &dyn Disk,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Parsed, String> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|word| word == "pd") {
        return Ok(Parsed::Run(Command::AskPd(arguments.into_iter().skip(1).collect())));
    }
    let parsed =
        command().try_get_matches_from(&arguments).and_then(|matches| with_file(disk, arguments, matches));
    match parsed {
        Ok(matches) => match matches.subcommand() {
            Some(("start", matches)) => start(matches).map(Parsed::Run),
            Some(("playground", matches)) => PlaygroundOptions::from_arg_matches(matches)
                .map(|options| Parsed::Run(Command::Playground(options)))
                .map_err(|error| first_line(&error.to_string())),
            _ => Err("no command given; try `rutile start` or `rutile --help`".to_owned()),
        },
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Parsed::Show(error.to_string())),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
                Err("no command given; try `rutile start` or `rutile --help`".to_owned())
            }
            _ => Err(first_line(&error.to_string())),
        },
    }
}

/// The same arguments with those that the configuration file of a role adds.
fn with_file(
    disk: &dyn Disk,
    mut arguments: Vec<OsString>,
    matches: ArgMatches,
) -> Result<ArgMatches, clap::Error> {
    let Some((role @ ("pd" | "kv"), given)) =
        matches.subcommand_matches("start").and_then(ArgMatches::subcommand)
    else {
        return Ok(matches);
    };
    let Some(path) = given.get_one::<PathBuf>("config") else { return Ok(matches) };
    let refused =
        |reason: String| clap::Error::raw(ErrorKind::InvalidValue, format!("{}: {reason}\n", path.display()));
    let bytes = disk.read(path).map_err(|error| refused(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| refused("is no text".to_owned()))?;
    let all = command();
    let Some(command) = all.find_subcommand("start").and_then(|start| start.find_subcommand(role)) else {
        return Err(refused(format!("no role {role}")));
    };
    arguments.extend(role_file::flags(&text, command, given).map_err(refused)?);
    all.try_get_matches_from(arguments).map_err(|error| refused(first_line(&error.to_string())))
}

fn command() -> Clap {
    let start = Clap::new("start")
        .about("Run everything in one process: SQL, storage and placement driver")
        .args(settings_arguments());
    let start = PeerOptions::augment_args(start)
        .args_conflicts_with_subcommands(true)
        .subcommand(PdOptions::augment_args(Clap::new("pd")).about("Run a placement driver of a cluster"))
        .subcommand(KvOptions::augment_args(Clap::new("kv")).about("Run a store of a cluster"))
        .subcommand(sql());
    let ask = Clap::new("pd").about("Ask the placement driver; `rutile pd --help` shows its commands");
    let playground = PlaygroundOptions::augment_args(Clap::new("playground"))
        .about("Run a placement driver, stores and SQL servers in one process, on free ports");
    Clap::new("rutile")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A distributed SQL database that speaks MySQL")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(start)
        .subcommand(playground)
        .subcommand(ask)
}

/// A SQL server takes the settings of the embedded role, and where its cluster is.
fn sql() -> Clap {
    let pd = Arg::new("pd")
        .long("pd")
        .value_name("ADDRESSES")
        .value_delimiter(',')
        .default_value("127.0.0.1:2379")
        .help("Addresses of PD members");
    let store = Arg::new("store")
        .long("store")
        .value_name("tikv://ADDRESSES")
        .value_parser(tikv_addresses)
        .conflicts_with("pd")
        .help("Use the stores of a TiKV cluster, by the addresses of its PD members; they run no plans, so rows are read and evaluated here");
    let command = Clap::new("sql")
        .about("Run a SQL server of a cluster, without a store")
        .args(settings_arguments())
        .arg(pd)
        .arg(store);
    CertOptions::augment_args(command)
}

/// The members' addresses behind `tikv://`.
fn tikv_addresses(text: &str) -> Result<Vec<String>, String> {
    let addresses = text.strip_prefix("tikv://").ok_or("write it as tikv://HOST:PORT,HOST:PORT")?;
    let addresses: Vec<String> = addresses.split(',').map(str::to_owned).collect();
    match addresses.iter().find(|address| address.is_empty() || address.contains('/')) {
        Some(bad) => Err(format!("{bad:?} is no address of a PD member")),
        None => Ok(addresses),
    }
}

/// The configuration file, the flags of settings, and `--set` for the others.
fn settings_arguments() -> Vec<Arg> {
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("Configuration file; deploy/config/rutile.toml is a sample with every setting");
    let print = Arg::new("print-config")
        .long("print-config")
        .action(ArgAction::SetTrue)
        .help("Show the effective settings as TOML and exit");
    let set = Arg::new("set")
        .long("set")
        .value_name("SECTION.KEY=VALUE")
        .action(ArgAction::Append)
        .help("Set any setting of the configuration file, such as connections.write_timeout=30s");
    let flags = Settings::default().entries().into_iter().filter_map(|(name, entry)| {
        let flag = entry.flag?;
        let mut help = entry.doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        let _ = write!(help, " {}", facts(&entry));
        if !entry.text.is_empty() {
            let _ = write!(help, " [default: {}]", entry.text);
        }
        let check = move |text: &str| check(&name, text);
        Some(Arg::new(flag).long(flag).value_name("VALUE").help(help).value_parser(check))
    });
    [config, print].into_iter().chain(flags).chain([set]).collect()
}

/// A flag's value must be one that its setting takes.
fn check(name: &str, text: &str) -> Result<String, String> {
    Settings::default().take_flag(name, text).map(|()| text.to_owned())
}

fn start(matches: &ArgMatches) -> Result<Command, String> {
    let bad = |error: clap::Error| error.to_string();
    match matches.subcommand() {
        Some(("pd", matches)) => {
            return PdOptions::from_arg_matches(matches).map(Command::StartPd).map_err(bad);
        }
        Some(("kv", matches)) => {
            return KvOptions::from_arg_matches(matches).map(Command::StartKv).map_err(bad);
        }
        Some(("sql", matches)) => {
            // Beside a store on the same machine it must not take the store's directory.
            let sources = sources(matches)?.with_default("server.data_dir", "./rutile-sql");
            if matches.get_flag("print-config") {
                return Ok(Command::PrintConfig(sources));
            }
            let tikv = matches.get_one::<Vec<String>>("store").cloned();
            let runs_plans = tikv.is_none();
            let listed = || matches.get_many::<String>("pd").into_iter().flatten().cloned().collect();
            let pd = tikv.unwrap_or_else(listed);
            let certificates = CertOptions::from_arg_matches(matches).map_err(bad)?;
            return Ok(Command::StartSql(SqlOptions { sources, pd, runs_plans, certificates }));
        }
        _ => {}
    }
    let sources = sources(matches)?;
    if matches.get_flag("print-config") {
        return Ok(Command::PrintConfig(sources));
    }
    Ok(match PeerOptions::from_arg_matches(matches).map_err(bad)?.peers()? {
        Some(peers) => Command::StartMachine(sources, peers),
        None => Command::Start(sources),
    })
}

fn sources(matches: &ArgMatches) -> Result<Sources, String> {
    let mut flags = Vec::new();
    for (name, entry) in Settings::default().entries() {
        if let Some(flag) = entry.flag
            && let Some(value) = matches.get_one::<String>(flag)
        {
            flags.push((name, value.clone()));
        }
    }
    for pair in matches.get_many::<String>("set").into_iter().flatten() {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| format!("--set {pair}: write it as SECTION.KEY=VALUE"))?;
        check(name, value).map_err(|reason| format!("--set {name}: {reason}"))?;
        flags.push((name.to_owned(), value.to_owned()));
    }
    let file = matches.get_one::<PathBuf>("config").cloned();
    Ok(Sources { file, flags, ..Sources::default() })
}

/// Clap explains over several lines; the first one names the mistake.
fn first_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut line = lines.next().unwrap_or("bad arguments").to_owned();
    if line.ends_with(':') {
        // The names follow, a line each, up to the usage.
        for name in lines.by_ref().take_while(|line| line.starts_with('-') || line.starts_with('<')) {
            line = format!("{line} {name}");
        }
    }
    let tip = lines.find(|line| line.starts_with("tip: ")).map(|tip| format!(" ({})", &tip["tip: ".len()..]));
    format!("{}{}", line.trim_start_matches("error: "), tip.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use rutile_kv_env::Env;

    use super::*;

    #[test]
    fn roles_have_flags_of_their_own() {
        let words = ["rutile", "start", "kv", "--pd", "a:1,b:2", "--port", "7"];
        let Ok(Parsed::Run(Command::StartKv(options))) = parse_words(&words) else {
            panic!("these flags must parse")
        };
        assert_eq!((options.pd, options.port), (vec!["a:1".to_owned(), "b:2".to_owned()], 7));
        assert_eq!(options.role.host, "127.0.0.1", "nothing listens to other machines unasked");
        let Ok(Parsed::Run(Command::StartPd(options))) = parse_words(&["rutile", "start", "pd"]) else {
            panic!("a placement driver needs no flags")
        };
        assert_eq!((options.port, options.name.as_str()), (2379, "pd"));
        let words = ["rutile", "start", "sql", "--pd", "a:1,b:2", "--port", "7"];
        let Ok(Parsed::Run(Command::StartSql(options))) = parse_words(&words) else {
            panic!("these flags must parse")
        };
        assert_eq!(options.pd, ["a:1", "b:2"]);
        assert_eq!(options.sources.flags, [("server.port".to_owned(), "7".to_owned())]);
        assert!(options.runs_plans);
        let words = ["rutile", "start", "sql", "--store", "tikv://a:1,b:2"];
        let Ok(Parsed::Run(Command::StartSql(options))) = parse_words(&words) else {
            panic!("these flags must parse")
        };
        assert_eq!((options.pd.len(), options.runs_plans), (2, false));
        for bad in ["mysql://a:1", "a:1", "tikv://", "tikv://a:1/x"] {
            let problem = parse_words(&["rutile", "start", "sql", "--store", bad]).expect_err("a mistake");
            assert!(problem.contains(bad), "{problem}");
        }
        assert!(parse_words(&["rutile", "start", "sql", "--store", "tikv://a:1", "--pd", "b:1"]).is_err());
        assert!(parse_words(&["rutile", "start", "sql", "--region-split-keys", "5"]).is_err());
        let words = ["rutile", "pd", "region", "--json"];
        assert!(matches!(parse_words(&words), Ok(Parsed::Run(Command::AskPd(words))) if words.len() == 3));
        assert!(parse_words(&["rutile", "start", "kv", "--region-split-keys", "0"]).is_err());
        assert!(parse_words(&["rutile", "start", "kv", "--memory-limit", "1KiB"]).is_err());
        let words = ["rutile", "playground", "--kv", "5", "--pd", "3", "--sql", "2"];
        assert!(matches!(parse_words(&words), Ok(Parsed::Run(Command::Playground(_)))));
        let problem = parse_words(&["rutile", "playground", "--pd", "0"]).expect_err("nobody");
        assert!(problem.contains("--pd"), "{problem}");
        let words = ["rutile", "start", "pd", "--name", "pd2", "--join", "a:1,b:2"];
        let Ok(Parsed::Run(Command::StartPd(options))) = parse_words(&words) else {
            panic!("these flags must parse")
        };
        assert_eq!((options.name.as_str(), options.join.len()), ("pd2", 2));
        let problem = parse_words(&["rutile", "playground", "--sql", "17"]).expect_err("too many");
        assert!(problem.contains("--sql"), "{problem}");
    }

    #[test]
    fn a_role_takes_its_flags_from_a_file() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let mut start = |role: &str, text: &str, flags: &[&str]| {
            file.as_file().set_len(0).expect("is cut");
            std::io::Seek::rewind(&mut file)
                .and_then(|()| file.write_all(text.as_bytes()))
                .expect("is written");
            let path = file.path().to_str().expect("text").to_owned();
            parse_words(&[&["rutile", "start", role, "--config", &path], flags].concat())
        };
        let text = "port = 7\npd = [\"a:1\", \"b:2\"]\nregion_split_keys = 50\ninsecure = true\nhost = \"::\"\nhibernate_regions = false\n";
        let Ok(Parsed::Run(Command::StartKv(options))) = start("kv", text, &["--port", "8", "--pd", "c:3"])
        else {
            panic!("the file must be taken")
        };
        assert_eq!((options.port, options.region_split_keys, options.role.host.as_str()), (8, 50, "::"));
        assert_eq!(options.pd, ["c:3"], "a flag wins");
        assert!(!options.hibernate_regions);
        let Ok(Parsed::Run(Command::StartPd(options))) = start("pd", "name = \"p2\"\njoin = [\"a:1\"]", &[])
        else {
            panic!("the file must be taken")
        };
        assert_eq!((options.name.as_str(), options.join.len()), ("p2", 1));
        for (text, problem) in [
            ("port = 7\nprot = 8", "line 2: unknown key \"prot\"; there are "),
            ("port = true", "line 1: port: a text or a number, not boolean"),
            ("insecure = 1", "line 1: insecure: true or false, not integer"),
            ("port = 70000", "70000"),
            ("[port]", "line 1: port: a text or a number, not table"),
            ("port =", "line 1: "),
        ] {
            let told = start("kv", text, &[]).expect_err("a mistake");
            assert!(told.contains(problem) && told.contains("tmp") && !told.contains('\n'), "{text}: {told}");
        }
        let told = parse_words(&["rutile", "start", "pd", "--config", "/nowhere.toml"]).expect_err("no file");
        assert!(told.contains("/nowhere.toml"), "{told}");
    }

    /// Command lines of the files in `deploy`: of units, and of lists behind `command:` and `args:`.
    fn deployed() -> Vec<(PathBuf, Vec<String>)> {
        let deploy = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
        let mut found = Vec::new();
        for folder in ["systemd", "docker", "kubernetes"] {
            for entry in std::fs::read_dir(deploy.join(folder)).expect("a folder") {
                let path = entry.expect("an entry").path();
                for line in std::fs::read_to_string(&path).expect("text").lines().map(str::trim) {
                    let list = line.strip_prefix("command: ").or(line.strip_prefix("args: "));
                    let list = list.or(line.strip_prefix("CMD "));
                    let words: Vec<String> = match (line.strip_prefix("ExecStart="), list) {
                        (Some(line), _) => line.split(' ').skip(1).map(str::to_owned).collect(),
                        (None, Some(list)) => serde_json::from_str(list).expect("a list of texts"),
                        (None, None) => continue,
                    };
                    found.push((path.clone(), words));
                }
            }
        }
        // An image's command without arguments is the program itself.
        found.retain(|(_, words)| words.as_slice() != ["rutile"]);
        found
    }

    #[test]
    fn what_is_deployed_starts() {
        let lines = deployed();
        assert!(lines.len() >= 16, "{lines:?}");
        for (path, words) in lines {
            let words = std::iter::once("rutile").chain(words.iter().map(String::as_str));
            let parsed = parse(Env::real().disk.as_ref(), words.map(OsString::from));
            assert!(matches!(parsed, Ok(Parsed::Run(_))), "{}: {parsed:?}", path.display());
        }
    }

    fn parse_words(words: &[&str]) -> Result<Parsed, String> {
        parse(Env::real().disk.as_ref(), words.iter().map(OsString::from))
    }

    #[test]
    fn flags_become_settings() {
        let words = ["rutile", "start", "--config", "a.toml", "--port", "1", "--set", "gc.interval=5m"];
        let Ok(Parsed::Run(Command::Start(sources))) = parse_words(&words) else {
            panic!("these flags must parse")
        };
        let flags = [("server.port", "1"), ("gc.interval", "5m")];
        assert_eq!(sources.file, Some(PathBuf::from("a.toml")));
        assert_eq!(sources.flags, flags.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn the_help_knows_every_flag_and_its_default() {
        let Ok(Parsed::Show(help)) = parse_words(&["rutile", "start", "--help"]) else {
            panic!("--help must show something")
        };
        for (_, entry) in Settings::default().entries() {
            if let Some(flag) = entry.flag {
                assert!(help.contains(&format!("--{flag} ")), "{flag} in\n{help}");
                assert!(help.contains(&entry.text), "{}", entry.text);
            }
        }
    }

    #[test]
    fn mistakes_are_one_line_that_names_them() {
        let cases: [(&[&str], &str); 10] = [
            (&["rutile"], "rutile start"),
            (&["rutile", "start", "--no-such-flag"], "--no-such-flag"),
            (&["rutile", "start", "--prot", "1"], "--port"),
            (&["rutile", "start", "--port", "banana"], "banana"),
            (&["rutile", "start", "--memory-limit", "4 bananas"], "bananas"),
            (&["rutile", "start", "--memory-limit", "1KiB"], "16MiB"),
            (&["rutile", "start", "--max-connections", "0"], "1 to 100000"),
            (&["rutile", "start", "--set", "gc.interval"], "SECTION.KEY=VALUE"),
            (&["rutile", "start", "--set", "gc.interwal=1m"], "no such setting"),
            (&["rutile", "nosuch"], "nosuch"),
        ];
        for (words, named) in cases {
            let problem = parse_words(words).expect_err("a mistake");
            assert!(problem.contains(named) && !problem.contains('\n'), "{words:?}: {problem}");
        }
    }
}
