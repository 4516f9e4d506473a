//! The allowed package graph. A new line under `[dependencies]` of a package is an architecture change:
//! it fails here first. Absences are proved over the resolved graph, so that no detour brings them in.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Package and the workspace packages it may use, in reading order.
const ALLOWED: &[(&str, &[&str])] = &[
    ("rutile-kv-types", &[]),
    ("rutile-kv-env", &[]),
    ("rutile-kv-proto", &[]),
    ("rutile-kv-engine", &["rutile-kv-env", "rutile-kv-types"]),
    ("rutile-pd-client", &["rutile-kv-env", "rutile-kv-proto", "rutile-kv-types"]),
    ("rutile-kv-client", &["rutile-kv-env", "rutile-kv-proto", "rutile-kv-types", "rutile-pd-client"]),
    ("rutile-kv-grpc", &["rutile-kv-client", "rutile-kv-env", "rutile-kv-proto", "rutile-pd-client"]),
    (
        "rutile-pd",
        &["rutile-kv-engine", "rutile-kv-env", "rutile-kv-proto", "rutile-kv-types", "rutile-pd-client"],
    ),
    (
        "rutile-kv",
        &["rutile-kv-engine", "rutile-kv-env", "rutile-kv-proto", "rutile-kv-types", "rutile-pd-client"],
    ),
    ("rutile-sql-parser", &[]),
    ("rutile-sql-types", &[]),
    ("rutile-sql-functions", &["rutile-sql-types"]),
    (
        "rutile-sql",
        &[
            "rutile-kv-client",
            "rutile-kv-env",
            "rutile-kv-proto",
            "rutile-kv-types",
            "rutile-pd-client",
            "rutile-sql-functions",
            "rutile-sql-parser",
            "rutile-sql-types",
        ],
    ),
    ("rutile-server-wire", &[]),
    (
        "rutile-server",
        &[
            "rutile-kv",
            "rutile-kv-client",
            "rutile-kv-engine",
            "rutile-kv-env",
            "rutile-kv-grpc",
            "rutile-kv-proto",
            "rutile-kv-types",
            "rutile-pd",
            "rutile-pd-client",
            "rutile-server-wire",
            "rutile-sql",
            "rutile-sql-types",
        ],
    ),
];

/// What a package must never link, however indirectly.
const ABSENT: &[(&str, &[&str])] = &[
    ("rutile-kv-types", &["tokio", "tonic", "axum"]),
    (
        "rutile-sql",
        &[
            "raft",
            "raft-engine",
            "rocksdb",
            "rutile-kv",
            "rutile-kv-grpc",
            "rutile-pd",
            "sqlparser",
            "axum",
            "tonic",
        ],
    ),
    ("rutile-kv-grpc", &["datafusion", "arrow", "raft", "rocksdb", "rutile-kv", "rutile-pd"]),
    ("rutile-sql-types", &["datafusion", "tokio", "rutile-kv-client"]),
    ("rutile-sql-parser", &["tokio", "arrow", "datafusion", "sqlparser"]),
    ("rutile-kv", &["datafusion", "arrow", "rutile-sql", "rutile-sql-types", "rutile-server-wire", "tonic"]),
    ("rutile-pd", &["datafusion", "arrow", "rutile-sql", "rutile-sql-types", "rutile-kv", "tonic"]),
    ("rutile-server-wire", &["datafusion", "arrow", "rutile-sql", "rutile-sql-types"]),
    ("rutile-server", &["rutile-tests"]),
];

/// The graph of this platform, whose packages a build has fetched already.
fn metadata() -> Metadata {
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let options = ["--locked", "--offline", "--filter-platform", &host].map(String::from);
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .other_options(options.to_vec())
        .exec()
        .expect("cargo metadata")
}

#[test]
fn packages_depend_one_way() {
    let allowed: BTreeMap<_, BTreeSet<_>> =
        ALLOWED.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    let metadata = metadata();
    let mut complaints = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        if name == "rutile-tests" {
            continue;
        }
        let Some(may_use) = allowed.get(name) else {
            complaints.push(format!("{name} is not on the map"));
            continue;
        };
        for dependency in &package.dependencies {
            let internal = dependency.name.starts_with("rutile-");
            let production = dependency.kind != DependencyKind::Development;
            if internal && production && !may_use.contains(dependency.name.as_str()) {
                complaints.push(format!("{name} must not use {}", dependency.name));
            }
        }
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn absences_hold_over_the_whole_graph() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().expect("a resolved graph");
    let name_of: BTreeMap<_, _> = metadata.packages.iter().map(|p| (&p.id, p.name.to_string())).collect();
    let uses: BTreeMap<_, Vec<_>> = resolve
        .nodes
        .iter()
        .map(|node| {
            let production = node
                .deps
                .iter()
                .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
            (&node.id, production.map(|dep| &dep.pkg).collect())
        })
        .collect();
    let mut complaints = Vec::new();
    for (package, absent) in ABSENT {
        let start = name_of.iter().find(|(_, name)| name == package).expect("a known package").0;
        let mut seen = BTreeSet::new();
        let mut queue = vec![*start];
        while let Some(id) = queue.pop() {
            if seen.insert(id) {
                queue.extend(uses[id].iter().copied());
            }
        }
        let linked: BTreeSet<_> = seen.iter().map(|id| name_of[id].as_str()).collect();
        complaints
            .extend(absent.iter().filter(|a| linked.contains(*a)).map(|a| format!("{package} links {a}")));
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// Crates of the table in docs/dependencies.md, and those it names for tests only.
fn documented() -> BTreeSet<String> {
    let text = include_str!("../docs/dependencies.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let table = rows.flat_map(|cell| cell.split(", ").map(str::to_owned).collect::<Vec<_>>());
    let tests =
        text.split("Tests only: ").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    let words = tests.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).map(str::to_owned);
    table.filter(|name| name != "crate").chain(words).collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let documented = documented();
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let direct: BTreeSet<&str> = packages
        .iter()
        .flat_map(|package| &package.dependencies)
        .map(|dependency| dependency.name.as_str())
        .filter(|name| !name.starts_with("rutile-"))
        .collect();
    let missing: Vec<_> = direct.iter().filter(|name| !documented.contains(**name)).collect();
    assert!(missing.is_empty(), "docs/dependencies.md lacks {missing:?}");
    let table = include_str!("../docs/dependencies.md");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let gone: Vec<_> = rows
        .flat_map(|cell| cell.split(", "))
        .filter(|name| *name != "crate" && !direct.contains(name))
        .collect();
    assert!(gone.is_empty(), "docs/dependencies.md has what nothing depends on: {gone:?}");
}
