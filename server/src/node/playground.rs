//! A cluster to try things on: placement drivers, stores and SQL servers as roles of one process, each with a port and
//! data of its own. To kill one of them, start them as processes instead: `rutile start pd`, `rutile start kv`,
//! `rutile start sql`.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use rutile_kv_env::Env;
use rutile_kv_grpc::Limits;

use crate::config::Settings;
use crate::error::Result;
use crate::node::process::Served as _;
use crate::node::role::{KvOptions, PdOptions, Port, REGION_SPLIT_KEYS, Role, RoleOptions};
use crate::node::{kv, pd, sql};

/// Flags of `rutile playground`.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlaygroundOptions {
    /// Placement drivers: 1, 3 or 5
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=5))]
    pd: u64,
    /// Stores
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=16))]
    kv: u64,
    /// SQL servers
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=16))]
    sql: u64,
    /// Where data is kept; created when missing
    #[arg(long, default_value = "./rutile-playground")]
    data_dir: PathBuf,
    /// A region is split into pieces of this many records
    #[arg(long, default_value_t = REGION_SPLIT_KEYS, value_parser = clap::value_parser!(u64).range(2..))]
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
    pd: Vec<pd::Running>,
    stores: Vec<kv::Running>,
    sql: Vec<sql::Running>,
}

impl Role for PlaygroundOptions {
    type Running = Running;

    async fn start(self, env: Env) -> Result<Running> {
        let mut running = Running { pd: Vec::new(), stores: Vec::new(), sql: Vec::new() };
        if let Err(error) = self.start_pd(&env, &mut running.pd).await {
            drop(Self::stop(running).await);
            return Err(error);
        }
        let addresses: Vec<String> = running.pd.iter().map(|pd| pd.address().to_owned()).collect();
        for number in 1..=self.kv {
            let store = KvOptions {
                data_dir: self.data_dir.join(format!("kv{number}")),
                pd: addresses.clone(),
                region_split_keys: self.region_split_keys,
                ..KvOptions::local(self.role(), 0)
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
        for number in 1..=self.sql {
            let mut settings = Settings::default();
            settings.server.port = 0;
            settings.status.port = 0;
            settings.server.data_dir = self.data_dir.join(format!("sql{number}"));
            let pd = addresses.clone();
            match sql::Running::start_alone(env.clone(), settings, pd, true, Limits::default()).await {
                Ok(server) => running.sql.push(server),
                Err(error) => {
                    drop(Self::stop(running).await);
                    return Err(error);
                }
            }
        }
        let mut out = std::io::stdout();
        let addresses = addresses.join(",");
        // Nobody may be reading.
        let _ = writeln!(out, "ready playground; try: rutile pd --pd {addresses} store")
            .and_then(|()| out.flush());
        Ok(running)
    }

    /// SQL servers first, the placement driver last: what stops still talks to what is below it.
    async fn stop(running: Running) -> Result<()> {
        let mut result = Ok(());
        for server in running.sql {
            result = result.and(server.stop().await);
        }
        for store in running.stores {
            result = result.and(KvOptions::stop(store).await);
        }
        for pd in running.pd {
            result = result.and(PdOptions::stop(pd).await);
        }
        result
    }

    /// Its parts use no certificates.
    fn limits(_: &Running) -> Vec<Limits> {
        Vec::new()
    }
}

impl PlaygroundOptions {
    /// All ports first: each member founds the group with the addresses of all.
    async fn start_pd(&self, env: &Env, running: &mut Vec<pd::Running>) -> Result<()> {
        let mut ports = Vec::new();
        for number in 1..=self.pd {
            ports.push((format!("pd{number}"), Port::bind(env, &self.role(), 0).await?));
        }
        let all: Vec<String> =
            ports.iter().map(|(name, port)| format!("{name}={}", port.advertised())).collect();
        for (name, port) in ports {
            let options = PdOptions {
                role: self.role(),
                port: 0,
                data_dir: self.data_dir.join(&name),
                name,
                initial_cluster: (self.pd > 1).then(|| all.join(",")),
                join: Vec::new(),
            };
            running.push(pd::start_on(options, env.clone(), port).await?);
        }
        Ok(())
    }
}
