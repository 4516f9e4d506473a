//! Every decoder over its corpus and some thousand mutations of it, from a fixed seed: the same in every build, in a few
//! seconds. `cargo fuzz run NAME` in this folder looks further, with the same functions; it needs a nightly compiler.
//!
//! A corpus is a file of hexadecimal lines, one input each. What once broke a decoder becomes a line.
//! `FUZZ_CORPUS=DIR` writes the inputs to `DIR/NAME/` for `cargo fuzz`; `FUZZ_ROUNDS=100000` looks longer.

#![expect(clippy::disallowed_methods, reason = "a test program outside of any environment")]

mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use targets::TARGETS;

/// Mutated inputs per target.
const ROUNDS: u64 = 10_000;

/// Values that decoders compare with: ends of ranges, lengths, prefixes.
const INTERESTING: [u8; 12] = [0, 1, 2, 0x7f, 0x80, 0xf7, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fuzz/corpus", &format!("{name}.hex")].iter().collect();
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(unhex).collect()
}

/// `-` is the empty input.
fn unhex(line: &str) -> Vec<u8> {
    let digits = line.trim_start_matches('-');
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// A few changes to an input, or two inputs put together.
fn mutate(random: &mut StdRng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus.choose(random).cloned().unwrap_or_default();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..=input.len());
        match random.random_range(0..7) {
            0 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
            1 if at < input.len() => input[at] = *INTERESTING.choose(random).expect("not empty"),
            2 if at < input.len() => input[at] = random.random(),
            3 => input.truncate(at),
            4 => input.insert(at, *INTERESTING.choose(random).expect("not empty")),
            5 => {
                let other = corpus.choose(random).cloned().unwrap_or_default();
                let from = random.random_range(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => {
                let end = random.random_range(at..=input.len());
                let part: Vec<u8> = input[at..end].to_vec();
                input.splice(at..at, part);
            }
        }
    }
    input
}

#[test]
fn decoders_survive_what_others_send() {
    let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    // A panic is caught and reported with its input; its own message would drown that.
    std::panic::set_hook(Box::new(|_| {}));
    let mut broken = Vec::new();
    for (name, _) in TARGETS {
        let corpus = corpus(name);
        let mut random = StdRng::seed_from_u64(1);
        let mutated = (0..rounds).map(|_| mutate(&mut random, &corpus));
        let inputs = corpus.iter().cloned().chain(mutated.collect::<Vec<_>>());
        for input in inputs {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| targets::run(name, &input))) {
                let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
                let said = panic.downcast_ref::<String>().cloned();
                let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                broken.push(format!("{name}: {} for\n  {hex}", said.unwrap_or_default()));
                break;
            }
        }
    }
    let _ = std::panic::take_hook();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_target_can_be_run_by_cargo_fuzz() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("the manifest of cargo fuzz");
    for (name, _) in TARGETS {
        let file = std::fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).expect(name);
        assert!(file.contains(&format!("\"{name}\"")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} in Cargo.toml");
    }
    let Some(out) = std::env::var_os("FUZZ_CORPUS") else { return };
    for (name, _) in TARGETS {
        let out = Path::new(&out).join(name);
        std::fs::create_dir_all(&out).expect("a writable folder");
        for (at, input) in corpus(name).iter().enumerate() {
            std::fs::write(out.join(at.to_string()), input).expect("a writable folder");
        }
    }
}
