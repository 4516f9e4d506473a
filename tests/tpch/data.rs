//! The generated tables as CSV, handed to the client when the server asks for a file of that name.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use futures::future::BoxFuture;
use mysql_async::prelude::GlobalHandler;
use mysql_async::{InfileData, LocalInfileError};
use tpchgen::csv::{
    CustomerCsv, LineItemCsv, NationCsv, OrderCsv, PartCsv, PartSuppCsv, RegionCsv, SupplierCsv,
};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};

const SCALE: f64 = 0.01;
/// Rows that go into one piece of the file stream.
const ROWS_PER_CHUNK: usize = 500;

pub const TABLES: [&str; 8] =
    ["region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem"];

/// `RUTILE_TPCH_SCALE`, with `RUTILE_TPCH_ANSWERS`, the folder of answers that `reference.py` wrote for it.
fn scale() -> f64 {
    std::env::var("RUTILE_TPCH_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(SCALE)
}

/// The table's rows as CSV lines without their end.
pub fn rows(table: &str) -> Box<dyn Iterator<Item = String> + Send> {
    match table {
        "region" => {
            Box::new(RegionGenerator::new(scale(), 1, 1).iter().map(|r| RegionCsv::new(r).to_string()))
        }
        "nation" => {
            Box::new(NationGenerator::new(scale(), 1, 1).iter().map(|r| NationCsv::new(r).to_string()))
        }
        "part" => Box::new(PartGenerator::new(scale(), 1, 1).iter().map(|r| PartCsv::new(r).to_string())),
        "supplier" => {
            Box::new(SupplierGenerator::new(scale(), 1, 1).iter().map(|r| SupplierCsv::new(r).to_string()))
        }
        "partsupp" => {
            Box::new(PartSuppGenerator::new(scale(), 1, 1).iter().map(|r| PartSuppCsv::new(r).to_string()))
        }
        "customer" => {
            Box::new(CustomerGenerator::new(scale(), 1, 1).iter().map(|r| CustomerCsv::new(r).to_string()))
        }
        "orders" => Box::new(OrderGenerator::new(scale(), 1, 1).iter().map(|r| OrderCsv::new(r).to_string())),
        "lineitem" => {
            Box::new(LineItemGenerator::new(scale(), 1, 1).iter().map(|r| LineItemCsv::new(r).to_string()))
        }
        _ => Box::new(std::iter::empty()),
    }
}

/// Answers the server's request for a local file with the table of that name.
pub struct Files;

impl GlobalHandler for Files {
    fn handle(&self, file_name: &[u8]) -> BoxFuture<'static, Result<InfileData, LocalInfileError>> {
        let name = String::from_utf8_lossy(file_name).into_owned();
        Box::pin(async move {
            let mut rows = rows(&name);
            let chunks = std::iter::from_fn(move || {
                let chunk: String = rows.by_ref().take(ROWS_PER_CHUNK).map(|row| row + "\n").collect();
                (!chunk.is_empty()).then(|| Ok(chunk.into_bytes().into()))
            });
            Ok(futures::stream::iter(chunks).boxed())
        })
    }
}

/// Name, text and DataFusion's answer of each query.
pub fn queries() -> Result<Vec<(String, String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tpch");
    let mut paths: Vec<_> = std::fs::read_dir(folder.join("queries"))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    let answers = match std::env::var_os("RUTILE_TPCH_ANSWERS") {
        Some(answers) => std::path::PathBuf::from(answers),
        None => folder.join("answers"),
    };
    ensure!(paths.len() >= 8, "only {} queries", paths.len());
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_stem().context("a name")?.to_string_lossy().into_owned();
            let answer = std::fs::read_to_string(answers.join(&name).with_extension("tsv"))
                .with_context(|| format!("the answer of {name}"))?;
            Ok((name, std::fs::read_to_string(&path)?, answer))
        })
        .collect()
}
