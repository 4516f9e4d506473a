//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// The outcome of parsing.
#[derive(Debug)]
pub(crate) enum Parsed {
    Run(Command),
    /// Help or version, for standard output.
    Show(String),
}

#[derive(Debug, Parser)]
#[command(name = "rutile", version, about = "A distributed SQL database that speaks MySQL")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: SQL, storage and placement driver
    Start(StartOptions),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct StartOptions {
    /// Address to listen on, for MySQL clients and for status
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Port for MySQL clients; 0 takes a free one
    #[arg(long, default_value_t = 4000)]
    pub(crate) port: u16,
    /// Port for /status, /metrics and /ready; 0 takes a free one
    #[arg(long, default_value_t = 10080)]
    pub(crate) status_port: u16,
    /// Where data is kept; created when missing
    #[arg(long, default_value = "./rutile-data")]
    pub(crate) data_dir: PathBuf,
    /// error, warn, info, debug, trace, or a filter such as `info,rutile_kv=debug`
    #[arg(long, default_value = "info")]
    pub(crate) log_level: String,
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// Clients connected at the same time; one more gets error 1040
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) max_connections: u32,
    /// Memory of running statements together, as 512MiB or 4GiB
    #[arg(long, default_value = "1GiB", value_parser = parse_bytes)]
    pub(crate) memory_limit: usize,
    /// Certificates for TLS as PEM, the server's first; one is made when no file is given
    #[arg(long, requires = "ssl_key")]
    pub(crate) ssl_cert: Option<PathBuf>,
    /// Private key of --ssl-cert as PEM
    #[arg(long, requires = "ssl_cert")]
    pub(crate) ssl_key: Option<PathBuf>,
    /// File whose first line becomes root's password; RUTILE_ROOT_PASSWORD does the same
    #[arg(long)]
    pub(crate) root_password_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Parses the arguments; an error is one line.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Parsed, String> {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => Ok(Parsed::Run(cli.command)),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Parsed::Show(error.to_string())),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
                Err("no command given; try `rutile start` or `rutile --help`".to_owned())
            }
            _ => Err(first_line(&error.to_string())),
        },
    }
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

/// `512MiB`, `4G`, `1000000`. Decimal and binary suffixes are both binary, as in MySQL's option files.
fn parse_bytes(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        other => return Err(format!("`{other}` is no unit; use KiB, MiB, GiB")),
    };
    let number: usize = digits.parse().map_err(|_| "not a number of bytes".to_owned())?;
    let bytes = number.checked_mul(1 << shift).ok_or("more than this machine can address")?;
    if bytes < 16 << 20 { Err("at least 16MiB".to_owned()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Parsed, String> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn defaults_are_those_of_the_manual() {
        let Ok(Parsed::Run(Command::Start(options))) = parse_words(&["rutile", "start"]) else {
            panic!("`rutile start` must parse")
        };
        assert_eq!((options.host.as_str(), options.port, options.status_port), ("127.0.0.1", 4000, 10080));
        assert_eq!(options.data_dir, PathBuf::from("./rutile-data"));
        assert_eq!((options.max_connections, options.memory_limit), (10_000, 1 << 30));
    }

    #[test]
    fn mistakes_are_one_line_that_names_them() {
        let cases: [(&[&str], &str); 7] = [
            (&["rutile"], "rutile start"),
            (&["rutile", "start", "--no-such-flag"], "--no-such-flag"),
            (&["rutile", "start", "--prot", "1"], "--port"),
            (&["rutile", "start", "--port", "banana"], "banana"),
            (&["rutile", "start", "--memory-limit", "4 bananas"], "bananas"),
            (&["rutile", "start", "--ssl-cert", "a.pem"], "--ssl-key"),
            (&["rutile", "nosuch"], "nosuch"),
        ];
        for (words, named) in cases {
            let problem = parse_words(words).expect_err("a mistake");
            assert!(problem.contains(named) && !problem.contains('\n'), "{words:?}: {problem}");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_bytes("512MiB"), Ok(512 << 20));
        assert_eq!(parse_bytes("4g"), Ok(4 << 30));
        assert_eq!(parse_bytes("20000000"), Ok(20_000_000));
        for bad in ["", "MiB", "12q", "1k", "99999999999t"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }
}
