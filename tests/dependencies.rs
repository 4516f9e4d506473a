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

#[test]
fn every_dependency_has_its_reason() {
    let table = include_str!("../docs/dependencies.md");
    let manifest = include_str!("../Cargo.toml");
    let section = manifest.split("[workspace.dependencies]").nth(1).expect("section");
    let section = section.split("\n[").next().expect("its body");
    let mut missing = Vec::new();
    for line in section.lines().filter(|l| l.contains('=') && !l.starts_with('#')) {
        let name = line.split('=').next().expect("a name").trim();
        if !name.starts_with("rutile-") && !table.contains(name) {
            missing.push(name.to_string());
        }
    }
    assert!(missing.is_empty(), "docs/dependencies.md lacks {missing:?}");
}
