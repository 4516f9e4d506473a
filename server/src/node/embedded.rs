//! Everything in one process: storage, SQL, the MySQL port and the status port.

use std::path::Path;
use std::sync::Arc;

use rutile_kv_engine::DataDir;
use rutile_kv_env::{Disk, Env};
use rutile_sql::session::Instance;
use tracing::{info, warn};

use crate::SERVER_VERSION;
use crate::accounts::ServerAccounts;
use crate::config::{Settings, Sources};
use crate::connection::ConnectionIds;
use crate::error::{Error, Result};
use crate::node::front::{Doors, Front, FrontParts, instance_config, is_exposed};
use crate::node::machine::require_alone;
use crate::node::peer_tls::CertOptions;
use crate::node::process::{self, Served};
use crate::node::storage::Storage;
use crate::node::{ServerSettings, facts, private, root_password};

/// Runs until a signal ends it.
pub(crate) fn run(sources: &Sources) -> Result<()> {
    process::run(sources, &CertOptions::default(), async move |env, settings| {
        Node::start(env, settings).await
    })
}

/// The parts of a running server.
struct Node {
    storage: Storage,
    front: Front,
}

impl Node {
    /// Everything that can be wrong with the command line or the machine is found before data is touched.
    async fn start(env: Env, settings: Settings) -> Result<Self> {
        let disk = env.disk.as_ref();
        let data_path = &settings.server.data_dir;
        let accounts = accounts(disk, &settings.server)?;
        check_exposure(&settings.server.host, &accounts).await?;
        let doors = Doors::open(disk, &settings).await?;
        private::refuse_strange_link(data_path)?;
        require_alone(disk, data_path)?;
        let data_dir = DataDir::open(disk, data_path)?;
        private::keep_directory(data_path)?;
        keep(&accounts, disk, data_path)?;
        info!(version = SERVER_VERSION, data_dir = %data_path.display(), "starting");
        let storage = Storage::open(&env, data_dir, &settings).await?;
        let instance = open_sql(&env, &settings, &storage, doors.mysql_port()?).await?;
        let parts = FrontParts {
            settings,
            doors,
            instance,
            accounts: Arc::new(accounts.accounts),
            connection_ids: ConnectionIds::alone(),
            read_storage: Box::new(storage.metrics()),
        };
        let front = Front::start(&env, parts)?;
        Ok(Self { storage, front })
    }
}

impl Served for Node {
    fn front(&self) -> &Front {
        &self.front
    }

    /// Stops accepting, lets running statements finish for a while, closes sessions, flushes.
    async fn stop(self) -> Result<()> {
        self.front.drain().await;
        self.storage.stop().await?;
        self.front.close();
        Ok(())
    }
}

struct Accounts {
    accounts: ServerAccounts,
    /// A password was given that the data directory does not have yet.
    changed: bool,
}

fn accounts(disk: &dyn Disk, settings: &ServerSettings) -> Result<Accounts> {
    let mut accounts = ServerAccounts::load(disk, &settings.data_dir)?;
    let variable = std::env::var_os(root_password::VARIABLE);
    let given = root_password::given(disk, settings.root_password_file.as_deref(), variable)?;
    let changed = given.is_some();
    if let Some(password) = given {
        accounts.set_root_password(&password)?;
    }
    Ok(Accounts { accounts, changed })
}

fn keep(accounts: &Accounts, disk: &dyn Disk, data_path: &Path) -> Result<()> {
    if accounts.changed {
        accounts.accounts.save(disk, data_path)?;
    }
    if !accounts.accounts.root_has_password() {
        warn!(
            "root has no password: whoever is on this machine is let in. Set one with {}",
            root_password::VARIABLE
        );
    }
    Ok(())
}

/// An empty password is for this machine only.
async fn check_exposure(host: &str, accounts: &Accounts) -> Result<()> {
    if accounts.accounts.root_has_password() || !is_exposed(host).await? {
        return Ok(());
    }
    Err(Error::OpenToNetwork { host: host.to_owned() })
}

async fn open_sql(env: &Env, settings: &Settings, storage: &Storage, port: u16) -> Result<Instance> {
    let ids = (storage.cluster_id(), storage.store_id());
    let facts = facts::server_facts(env.disk.as_ref(), &settings.server.data_dir, port, ids.0, ids.1);
    let config = instance_config(&env.disk, settings, facts)?;
    let opened = Instance::open(env.clone(), storage.client().clone(), config).await;
    opened.map_err(|error| Error::Sql(error.into()))
}
