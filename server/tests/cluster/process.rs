//! Processes of a cluster: placement drivers, stores and SQL servers, each on a free port with data of its own. They
//! are killed with the value, and their logs are shown when the test fails.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rutile_kv_client::Client;
use rutile_kv_env::Env;
use rutile_kv_grpc::Limits;
use rutile_kv_grpc::client::{GrpcStores, PdStub};
use rutile_pd_client::PdClient;
use serde_json::Value;
use tempfile::TempDir;

pub const BINARY: &str = env!("CARGO_BIN_EXE_rutile");
/// How often PD is looked at, and how long at most.
const LOOK: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(120);
/// Lines of each log that are shown.
const LOG_LINES: usize = 25;

pub struct Process {
    pub name: String,
    pub address: String,
    /// All addresses that it said it listens on.
    pub ports: BTreeMap<String, String>,
    flags: Vec<String>,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// A role, by the letters of its name, on a port.
    pub fn start(directory: &Path, name: &str, port: &str, flags: &[String]) -> Process {
        let role = name.trim_end_matches(|c: char| c.is_ascii_digit());
        Process::run(directory, name, &["start", role, "--port", port], flags)
    }

    /// Any server; ready when it has said the last of its ports.
    pub fn run(directory: &Path, name: &str, words: &[&str], flags: &[String]) -> Process {
        let path = directory.join(name).with_extension("log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        let mut child = Command::new(BINARY)
            .args(words)
            .arg("--data-dir")
            .arg(directory.join(name))
            .args(flags)
            .env_remove("RUTILE_ROOT_PASSWORD")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.expect("a log"))
            .spawn()
            .expect("starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let mut ports = BTreeMap::new();
        let last = if name.starts_with("pd") || name.starts_with("kv") { &name[..2] } else { "mysql" };
        for line in out.lines().map_while(Result::ok) {
            let said = line.strip_prefix("ready ").into_iter().flat_map(|said| said.split(' '));
            ports.extend(
                said.filter_map(|pair| pair.split_once('='))
                    .map(|(port, at)| (port.to_owned(), at.to_owned())),
            );
            if ports.contains_key(last) {
                break;
            }
        }
        let address = ports.get(last).unwrap_or_else(|| panic!("{name} ended before it was ready")).clone();
        Process { name: name.to_owned(), address, ports, flags: flags.to_vec(), log: path, child }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// SIGTERM; how it ended.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().expect("is ours")
    }

    /// Sends it a signal by its short name, as STOP or CONT.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("runs").success(), "{name} to {}", self.name);
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    pub fn kill(&mut self) {
        self.child.kill().expect("runs");
        self.child.wait().expect("is ours");
    }

    fn port(&self) -> &str {
        self.address.rsplit(':').next().expect("host:port")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The test may have killed it already.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default();
            eprintln!("--- {} ---\n{}", self.name, last.join("\n"));
        }
    }
}

pub fn write_file(path: &Path, content: &str) {
    std::fs::File::create(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, content.as_bytes()))
        .expect("writes");
}

/// Ports that were free a moment ago; members of a group must know them before they start.
pub fn free_ports(count: usize) -> Vec<u16> {
    let bind = |_| std::net::TcpListener::bind(("127.0.0.1", 0)).expect("binds");
    let listeners: Vec<_> = (0..count).map(bind).collect();
    listeners.iter().map(|listener| listener.local_addr().expect("bound").port()).collect()
}

/// Of placement drivers.
fn addresses(pd: &[Process]) -> Vec<String> {
    pd.iter().map(|pd| pd.ports["pd"].clone()).collect()
}

pub struct Cluster {
    pub env: Env,
    pub pd: Vec<Process>,
    pub stores: Vec<Process>,
    pub sql: Vec<Process>,
    flags: Vec<String>,
    directory: TempDir,
}

impl Cluster {
    /// A placement driver and stores, the stores with more flags.
    pub fn start(stores: usize, flags: &[&str]) -> Cluster {
        let directory = tempfile::tempdir().expect("a directory");
        let pd = Process::start(directory.path(), "pd", "0", &[]);
        Cluster::with_pd(directory, vec![pd], stores, flags)
    }

    /// A server that is all parts of its cluster in one process.
    pub fn of(directory: TempDir, machine: Process) -> Cluster {
        Cluster::with_pd(directory, vec![machine], 0, &[])
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A placement driver for each of several names, which are one group, and stores.
    pub fn start_group(members: usize, stores: usize) -> Cluster {
        let directory = tempfile::tempdir().expect("a directory");
        let named: Vec<(String, u16)> = free_ports(members)
            .into_iter()
            .enumerate()
            .map(|(n, port)| (format!("pd{}", n + 1), port))
            .collect();
        let all: Vec<String> = named.iter().map(|(name, port)| format!("{name}=127.0.0.1:{port}")).collect();
        let start = |(name, port): &(String, u16)| {
            let flags = ["--name", name, "--initial-cluster", &all.join(",")].map(str::to_owned);
            Process::start(directory.path(), name, &port.to_string(), &flags)
        };
        let pd = named.iter().map(start).collect();
        Cluster::with_pd(directory, pd, stores, &[])
    }

    fn with_pd(directory: TempDir, pd: Vec<Process>, stores: usize, flags: &[&str]) -> Cluster {
        let mut all = vec!["--pd".to_owned(), addresses(&pd).join(",")];
        all.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let mut cluster =
            Cluster { env: Env::real(), pd, stores: Vec::new(), sql: Vec::new(), flags: all, directory };
        (0..stores).for_each(|_| cluster.add_store());
        // How full the disk of the machine is shall not matter.
        cluster.ask(&["config", "set", "low-space-ratio", "1"]);
        cluster
    }

    pub fn add_store(&mut self) {
        self.add_store_with(&[]);
    }

    /// With more flags.
    pub fn add_store_with(&mut self, more: &[&str]) {
        let name = format!("kv{}", self.stores.len() + 1);
        let more = more.iter().map(|flag| (*flag).to_owned());
        let flags: Vec<String> = self.flags.iter().cloned().chain(more).collect();
        self.stores.push(Process::start(self.directory.path(), &name, "0", &flags));
    }

    /// A file for a command to read.
    pub fn write_file(&self, name: &str, content: &str) -> String {
        let path = self.directory.path().join(name);
        write_file(&path, content);
        path.to_string_lossy().into_owned()
    }

    /// Starts one more placement driver, which joins the group.
    pub fn add_pd(&mut self) {
        let name = format!("pd{}", self.pd.len() + 1);
        let flags = ["--name", &name, "--join", &self.pd_addresses()].map(str::to_owned);
        self.pd.push(Process::start(self.directory.path(), &name, "0", &flags));
    }

    /// Starts a placement driver again on its data and its port.
    pub fn restart_pd(&mut self, index: usize) {
        let former = &self.pd[index];
        let again = Process::start(self.directory.path(), &former.name, former.port(), &former.flags);
        self.pd[index] = again;
    }

    fn pd_addresses(&self) -> String {
        addresses(&self.pd).join(",")
    }

    /// The placement driver that leads, by its place; `None` while none does.
    pub fn pd_leader(&self) -> Option<usize> {
        let (leader, _) = self.try_ask(&["member", "leader"]);
        let url = leader?["client_urls"][0].as_str()?.to_owned();
        addresses(&self.pd).iter().position(|address| url.ends_with(address))
    }

    /// Waits until every placement driver is well.
    pub async fn until_members_are_well(&self, count: usize) {
        self.until("a whole PD group", |cluster| {
            let (health, _) = cluster.try_ask(&["health"]);
            let members = health?["members"].as_array()?.clone();
            let well = members.iter().filter(|member| member["health"] == true).count();
            (members.len() == count && well == count).then_some(())
        })
        .await;
    }

    pub fn add_sql(&mut self, flags: &[&str]) {
        let name = format!("sql{}", self.sql.len() + 1);
        let all = self.sql_flags(flags);
        self.sql.push(Process::start(self.directory.path(), &name, "0", &all));
    }

    /// A SQL server that takes the stores for TiKV's.
    pub fn add_sql_over_tikv(&mut self) {
        let name = format!("sql{}", self.sql.len() + 1);
        let flags = ["--status-port", "0", "--store", &format!("tikv://{}", self.pd_addresses())];
        let flags = flags.map(str::to_owned);
        self.sql.push(Process::start(self.directory.path(), &name, "0", &flags));
    }

    fn sql_flags(&self, flags: &[&str]) -> Vec<String> {
        let addresses = self.pd_addresses();
        let own = ["--status-port", "0", "--pd", addresses.as_str()];
        own.iter().chain(flags).map(|flag| (*flag).to_owned()).collect()
    }

    /// A SQL server that must not start: what it said.
    pub fn refused_sql(&self, flags: &[&str]) -> Output {
        let mut command = Command::new(BINARY);
        command
            .args(["start", "sql", "--port", "0", "--data-dir"])
            .arg(self.directory.path().join("refused"));
        command.args(self.sql_flags(flags)).env_remove("RUTILE_ROOT_PASSWORD").output().expect("runs")
    }

    /// Starts a store again on its data, on another port.
    pub fn restart(&mut self, index: usize) {
        let former = &self.stores[index];
        let again = Process::start(self.directory.path(), &former.name, "0", &former.flags);
        self.stores[index] = again;
    }

    /// Kills every process, and starts all of them again on their data.
    pub fn restart_all(&mut self) {
        self.pd.iter_mut().chain(&mut self.stores).for_each(Process::kill);
        (0..self.pd.len()).for_each(|index| self.restart_pd(index));
        (0..self.stores.len()).for_each(|index| self.restart(index));
    }

    /// `rutile pd` with `--json`; what it printed.
    pub fn ask(&self, words: &[&str]) -> Value {
        let (answer, problem) = self.try_ask(words);
        answer.unwrap_or_else(|| panic!("{words:?}: {problem}"))
    }

    /// The same, and what it complained of.
    pub fn try_ask(&self, words: &[&str]) -> (Option<Value>, String) {
        let command =
            Command::new(BINARY).args(["pd", "--pd", &self.pd_addresses(), "--json"]).args(words).output();
        let output = command.expect("runs");
        let problem = String::from_utf8_lossy(&output.stderr).into_owned();
        (serde_json::from_slice(&output.stdout).ok(), problem)
    }

    /// Waits until PD shows what the test waits for.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut(&Cluster) -> Option<T>) -> T {
        let started = self.env.clock.now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(self.env.clock.now().saturating_since(started) < PATIENCE, "{what} did not happen");
            self.env.clock.sleep(LOOK).await;
        }
    }

    /// Waits until every region has voters on so many stores and nothing else.
    pub async fn until_replicated(&self, replicas: usize) {
        self.until("replication", |cluster| {
            let regions = cluster.regions();
            let complete = |region: &Value| {
                let peers = region["peers"].as_array().expect("peers");
                let votes = peers.iter().all(|peer| peer["role_name"] == "Voter");
                votes && peers.len() == replicas && region["pending_peers"].is_null()
            };
            // The key space DEFAULT has regions of its own.
            (regions.len() >= 5 && regions.iter().all(complete)).then_some(())
        })
        .await;
    }

    pub fn regions(&self) -> Vec<Value> {
        self.ask(&["region"])["regions"].as_array().expect("regions").clone()
    }

    /// Id and state of every store that PD shows, and what it leads and holds.
    pub fn store_table(&self) -> Vec<(u64, String, u64, u64)> {
        let shown = self.ask(&["store"]);
        let number = |value: &Value| value.as_u64().expect("a number");
        let stores = shown["stores"].as_array().expect("stores").iter().map(|shown| {
            let (store, status) = (&shown["store"], &shown["status"]);
            let state = store["state_name"].as_str().expect("a state").to_owned();
            (number(&store["id"]), state, number(&status["leader_count"]), number(&status["region_count"]))
        });
        stores.collect()
    }

    /// The process of a store.
    pub fn index_of(&self, store_id: u64) -> usize {
        let shown = self.ask(&["store", &store_id.to_string()]);
        let address = shown["store"]["address"].as_str().expect("an address");
        self.stores.iter().position(|store| store.address == address).expect("one of ours")
    }

    pub async fn pd_client(&self) -> PdClient {
        let stub = PdStub::new(self.env.clone(), addresses(&self.pd), Limits::default());
        PdClient::connect(self.env.clone(), Arc::new(stub)).await.expect("PD answers")
    }

    pub async fn client(&self) -> Client {
        let pd = self.pd_client().await;
        let stores = GrpcStores::new(self.env.clone(), pd.clone(), Limits::default());
        Client::new(self.env.clone(), pd, Arc::new(stores))
    }
}
