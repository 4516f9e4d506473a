//! A cluster to try things on: a placement driver and several stores as roles of one process, each with a port and data
//! of its own. To kill one of them, start them as processes instead: `rutile start pd`, `rutile start kv`.
//!
//! Deliberately missing: several PD members and SQL servers, which are not there as roles yet.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use rutile_kv_env::Env;

use crate::error::Result;
use crate::node::role::{KvOptions, PdOptions, Role, RoleOptions};
use crate::node::{kv, pd};

/// Flags of `rutile playground`.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlaygroundOptions {
    /// Placement drivers; a group of several is not supported yet
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1))]
    pd: u64,
    /// Stores
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=16))]
    kv: u64,
    /// Where data is kept; created when missing
    #[arg(long, default_value = "./rutile-playground")]
    data_dir: PathBuf,
    /// A region is split into pieces of this many records
    #[arg(long, default_value_t = 2_560_000, value_parser = clap::value_parser!(u64).range(2..))]
    region_split_keys: u64,
    /// error, warn, info, debug, trace, or a filter such as `info,rutile_kv=debug`
    #[arg(long, default_value = "warn")]
    log_level: String,
}

impl PlaygroundOptions {
    /// What every part has: this machine only.
    pub(crate) fn role(&self) -> RoleOptions {
        RoleOptions::local(&self.log_level)
    }
}

pub(crate) struct Running {
    pd: pd::Running,
    stores: Vec<kv::Running>,
}

impl Role for PlaygroundOptions {
    type Running = Running;

    async fn start(self, env: Env) -> Result<Running> {
        let placement = PdOptions {
            role: self.role(),
            port: 0,
            data_dir: self.data_dir.join("pd1"),
            name: "pd1".to_owned(),
        };
        let pd = placement.start(env.clone()).await?;
        let mut running = Running { pd, stores: Vec::new() };
        for number in 1..=self.kv {
            let store = KvOptions {
                role: self.role(),
                port: 0,
                data_dir: self.data_dir.join(format!("kv{number}")),
                pd: vec![running.pd.address().to_owned()],
                region_split_keys: self.region_split_keys,
                labels: Vec::new(),
            };
            match store.start(env.clone()).await {
                Ok(store) => running.stores.push(store),
                Err(error) => {
                    // The others end well all the same; why this one did not start matters more than how they end.
                    drop(Self::stop(running).await);
                    return Err(error);
                }
            }
        }
        let mut out = std::io::stdout();
        let address = running.pd.address();
        // Nobody may be reading.
        let _ =
            writeln!(out, "ready playground; try: rutile pd --pd {address} store").and_then(|()| out.flush());
        Ok(running)
    }

    /// The placement driver last: stores that stop still talk to it.
    async fn stop(running: Running) -> Result<()> {
        let mut result = Ok(());
        for store in running.stores {
            result = result.and(KvOptions::stop(store).await);
        }
        result.and(PdOptions::stop(running.pd).await)
    }
}
