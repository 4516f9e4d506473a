//! Budgets and habits that a reviewer should never have to mention: file and function length, module
//! docs, banned calls and names, the closed top level. Known exceptions stand in `tidy_ratchet.txt`
//! with their present size; they may shrink, never grow.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const MOD_CODE_LINES_MAX: usize = 150;
const TOP_LEVEL: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "clippy.toml",
    "deploy",
    "docs",
    "kv",
    "pd",
    "server",
    "sql",
    "tests",
];
const FOLDERS_BANNED: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc"];

struct Source {
    /// Path relative to the workspace root, with forward slashes.
    path: String,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.contains("/benches/")
            || self.path.contains("/examples/")
            || self.path.ends_with("/tests.rs")
            || self.path.ends_with("_tests.rs")
    }

    /// Lines before the unit tests at the end of the file.
    fn code_lines(&self) -> Vec<&str> {
        self.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).collect()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_path_buf()
}

fn walk(dir: &Path, visit: &mut dyn FnMut(&Path)) {
    let mut entries: Vec<_> =
        std::fs::read_dir(dir).expect("readable folder").map(|e| e.expect("readable entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().expect("named").to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && name != "rutile-data" && !name.starts_with('.') {
                visit(&path);
                walk(&path, visit);
            }
        } else {
            visit(&path);
        }
    }
}

fn sources() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    walk(&root, &mut |path| {
        if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(path).expect("UTF-8 source");
            let path = path.strip_prefix(&root).expect("below root").to_string_lossy().replace('\\', "/");
            found.push(Source { path, text });
        }
    });
    assert!(found.len() > 30, "the walk found only {} sources", found.len());
    found
}

/// `kind path[:function] size` per line; `#` starts a comment.
fn ratchet() -> BTreeMap<(String, String), usize> {
    let text = std::fs::read_to_string(root().join("tests/tidy_ratchet.txt")).expect("ratchet file");
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut words = line.split_whitespace();
            let mut word = || words.next().expect("kind, place and size").to_string();
            let (kind, place, size) = (word(), word(), word());
            ((kind, place), size.parse().expect("a number"))
        })
        .collect()
}

/// Compares measured sizes over budget with the ratchet and fails with one line per difference.
fn check_ratchet(kind: &str, measured: BTreeMap<String, usize>, budget: usize) {
    let ratchet = ratchet();
    let mut complaints = Vec::new();
    for (place, size) in &measured {
        let allowed = ratchet.get(&(kind.to_string(), place.clone())).copied().unwrap_or(budget);
        if *size > allowed {
            complaints.push(format!("{kind} {place} {size} (budget {budget}, allowed {allowed})"));
        }
    }
    for ((known_kind, place), allowed) in &ratchet {
        if known_kind == kind && measured.get(place).copied().unwrap_or(0) <= budget {
            complaints.push(format!("{kind} {place} is within budget now: take its line ({allowed}) out"));
        }
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn files_stay_short() {
    let measured = sources()
        .iter()
        .filter(|source| !source.is_test())
        .map(|source| (source.path.clone(), source.code_lines().len()))
        .collect();
    check_ratchet("file", measured, FILE_LINES_MAX);
}

#[test]
fn functions_stay_short() {
    let mut measured = BTreeMap::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (name, lines) in functions(&source.code_lines()) {
            let place = format!("{}:{name}", source.path);
            let largest: &mut usize = measured.entry(place).or_default();
            *largest = lines.max(*largest);
        }
    }
    check_ratchet("function", measured, FUNCTION_LINES_MAX);
}

/// Function names with the number of lines from signature to closing brace, found by indentation,
/// which rustfmt guarantees.
fn functions(lines: &[&str]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if let Some(name) = function_name(line.trim_start())
            && let Some(length) = function_length(&lines[start..], indent)
        {
            found.push((name, length));
        }
    }
    found
}

/// `lines` starts at the signature. A declaration without a body ends at its `;`.
fn function_length(lines: &[&str], indent: usize) -> Option<usize> {
    if lines[0].ends_with('}') || lines[0].ends_with(';') {
        return Some(1);
    }
    let closes = |line: &&str| {
        let at_indent =
            line.len() > indent && line[..indent].trim().is_empty() && !line[indent..].starts_with(' ');
        at_indent && (&line[indent..] == "}" || line.ends_with(';'))
    };
    lines.iter().skip(1).position(closes).map(|at| at + 2)
}

fn function_name(line: &str) -> Option<String> {
    let mut rest = line;
    loop {
        let before = rest;
        for prefix in ["pub(crate) ", "pub(super) ", "pub ", "async ", "const ", "unsafe ", "extern \"C\" "] {
            rest = rest.strip_prefix(prefix).unwrap_or(rest);
        }
        if before == rest {
            break;
        }
    }
    let name = rest.strip_prefix("fn ")?;
    Some(name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
}

#[test]
fn every_file_says_what_it_does() {
    let missing: Vec<_> =
        sources().into_iter().filter(|s| !s.text.starts_with("//!")).map(|s| s.path).collect();
    assert!(missing.is_empty(), "no `//!` on the first line of {missing:#?}");
}

#[test]
fn mod_files_are_front_pages() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|s| s.path.ends_with("/mod.rs") && !s.is_test()) {
        let code: Vec<_> = source
            .code_lines()
            .into_iter()
            .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"))
            .collect();
        if code.len() > MOD_CODE_LINES_MAX {
            complaints.push(format!("{}: {} code lines", source.path, code.len()));
        }
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn no_banned_words() {
    // Assembled, so that this file does not contain them.
    let banned = [
        ("todo", "!("),
        ("unimplemented", "!("),
        ("#[ign", "ore"),
        ("#[should_", "panic"),
        ("thread::sl", "eep("),
        ("dbg", "!("),
    ];
    let mut complaints = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            for (head, tail) in banned {
                let word = format!("{head}{tail}");
                if line.contains(&word) {
                    complaints.push(format!("{}:{}: {word}", source.path, number + 1));
                }
            }
        }
    }
    let ratchet = ratchet();
    complaints
        .retain(|c| !ratchet.keys().any(|(kind, place)| kind == "word" && c.starts_with(place.as_str())));
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn tests_wait_on_events() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|s| s.is_test()) {
        for (number, line) in source.text.lines().enumerate() {
            if line.contains(concat!("time::sl", "eep(")) {
                complaints.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    assert!(complaints.is_empty(), "waits by time, not by event: {complaints:#?}");
}

#[test]
fn folders_are_features() {
    let mut complaints = Vec::new();
    walk(&root(), &mut |path| {
        let name = path.file_name().expect("named").to_string_lossy();
        if path.is_dir() && FOLDERS_BANNED.contains(&name.as_ref()) {
            complaints.push(path.display().to_string());
        }
    });
    assert!(complaints.is_empty(), "these names say nothing: {complaints:#?}");
}

#[test]
fn the_top_level_is_closed() {
    let mut complaints = Vec::new();
    for entry in std::fs::read_dir(root()).expect("root") {
        let name = entry.expect("entry").file_name().to_string_lossy().into_owned();
        let generated = name == "target" || name == "rutile-data";
        if !name.starts_with('.') && !generated && !TOP_LEVEL.contains(&name.as_str()) {
            complaints.push(name);
        }
    }
    assert!(complaints.is_empty(), "not in the closed list: {complaints:#?}");
}
