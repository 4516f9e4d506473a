//! How fast statements parse: `cargo run --release -p rutile-sql-parser --example throughput`.
//!
//! Prints MB/s for multi-row INSERTs of 1 MiB and nanoseconds for short statements, each the best of several rounds.

use rutile_sql_parser::{ParseError, ParseOptions, parse_statements, template};
use std::fmt::Write;
use std::time::{Duration, Instant};

const SIZE: usize = 1 << 20;
const ROUNDS: usize = 20;
const REPEATS: u32 = 10_000;

fn main() -> Result<(), ParseError> {
    let wide =
        insert(|row| format!("({row}, {}, '{:0>119}', '{:0>59}')", row * 7919 % 100_000, row * 31, row * 17));
    let narrow = insert(|row| format!("({row}, {}, 'abc{row}', {}.5, NULL)", row * 3, row % 100));
    for (name, text) in [("INSERT of wide rows", wide), ("INSERT of narrow rows", narrow)] {
        let time = best(|| parse_statements(text.as_bytes(), &ParseOptions::default()).map(drop))?;
        println!("{name}: {:.0} MB/s", text.len() as f64 / time.as_secs_f64() / 1e6);
    }
    for sql in ["SELECT c FROM sbtest1 WHERE id=5012", "UPDATE sbtest1 SET k=k+1 WHERE id=12"] {
        let options = ParseOptions::default();
        let parse =
            best(|| (0..REPEATS).try_for_each(|_| parse_statements(sql.as_bytes(), &options).map(drop)))?;
        let key = best(|| {
            (0..REPEATS).for_each(|_| drop(template(sql.as_bytes(), &options)));
            Ok(())
        })?;
        println!(
            "{sql}: parse {} ns, template {} ns",
            (parse / REPEATS).as_nanos(),
            (key / REPEATS).as_nanos()
        );
    }
    Ok(())
}

fn insert(row: impl Fn(u64) -> String) -> String {
    let mut text = String::from("INSERT INTO t VALUES ");
    let mut number = 0;
    while text.len() < SIZE {
        let separator = if number == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{}", row(number));
        number += 1;
    }
    text
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures this machine; nothing here runs under a simulated clock"
)]
fn best(mut work: impl FnMut() -> Result<(), ParseError>) -> Result<Duration, ParseError> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        work()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}
