//! Processes of a cluster: a placement driver and stores, each on a free port with data of its own. They are killed with
//! the value, and their logs are shown when the test fails.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rutile_kv_client::Client;
use rutile_kv_env::Env;
use rutile_kv_grpc::Limits;
use rutile_kv_grpc::client::{GrpcStores, PdStub};
use rutile_pd_client::PdClient;
use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_rutile");
/// How often PD is looked at, and how long at most.
const LOOK: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(60);
/// Lines of each log that are shown.
const LOG_LINES: usize = 25;

pub struct Process {
    pub name: String,
    pub address: String,
    flags: Vec<String>,
    child: Child,
}

impl Process {
    fn start(directory: &Path, name: &str, port: &str, flags: &[String]) -> Process {
        let role = if name == "pd" { "pd" } else { "kv" };
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(directory.join(name).with_extension("log"));
        let mut child = Command::new(BINARY)
            .args(["start", role, "--port", port, "--data-dir"])
            .arg(directory.join(name))
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.expect("a log"))
            .spawn()
            .expect("starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let ready = out.lines().map_while(Result::ok).find_map(|line| {
            let address = line.strip_prefix("ready ")?.split_once('=')?.1;
            Some(address.to_owned())
        });
        let address = ready.unwrap_or_else(|| panic!("{name} ended before it was ready"));
        Process { name: name.to_owned(), address, flags: flags.to_vec(), child }
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    pub fn kill(&mut self) {
        self.child.kill().expect("runs");
        self.child.wait().expect("is ours");
    }
}

pub struct Cluster {
    pub env: Env,
    pub pd: Process,
    pub stores: Vec<Process>,
    flags: Vec<String>,
    directory: TempDir,
}

impl Cluster {
    /// A placement driver and stores, the stores with more flags.
    pub fn start(stores: usize, flags: &[&str]) -> Cluster {
        let directory = tempfile::tempdir().expect("a directory");
        let pd = Process::start(directory.path(), "pd", "0", &[]);
        let mut all = vec!["--pd".to_owned(), pd.address.clone()];
        all.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let mut cluster = Cluster { env: Env::real(), pd, stores: Vec::new(), flags: all, directory };
        (0..stores).for_each(|_| cluster.add_store());
        // How full the disk of the machine is shall not matter.
        cluster.ask(&["config", "set", "low-space-ratio", "1"]);
        cluster
    }

    pub fn add_store(&mut self) {
        let name = format!("kv{}", self.stores.len() + 1);
        self.stores.push(Process::start(self.directory.path(), &name, "0", &self.flags));
    }

    /// Starts a store again on its data, on another port.
    pub fn restart(&mut self, index: usize) {
        let former = &self.stores[index];
        let again = Process::start(self.directory.path(), &former.name, "0", &former.flags);
        self.stores[index] = again;
    }

    /// Kills every process, and starts all of them again on their data.
    pub fn restart_all(&mut self) {
        self.pd.kill();
        self.stores.iter_mut().for_each(Process::kill);
        let port = self.pd.address.rsplit(':').next().expect("host:port").to_owned();
        self.pd = Process::start(self.directory.path(), "pd", &port, &[]);
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
            Command::new(BINARY).args(["pd", "--pd", &self.pd.address, "--json"]).args(words).output();
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

    pub async fn client(&self) -> Client {
        let stub = PdStub::new(self.env.clone(), vec![self.pd.address.clone()], Limits::default());
        let pd = PdClient::connect(self.env.clone(), Arc::new(stub)).await.expect("PD answers");
        let stores = GrpcStores::new(self.env.clone(), pd.clone(), Limits::default());
        Client::new(self.env.clone(), pd, Arc::new(stores))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in self.stores.iter_mut().chain([&mut self.pd]) {
            // The test may have killed it already.
            drop(process.child.kill());
            drop(process.child.wait());
            if std::thread::panicking() {
                let path = self.directory.path().join(&process.name).with_extension("log");
                let log = std::fs::read_to_string(path).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                let last = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default();
                eprintln!("--- {} ---\n{}", process.name, last.join("\n"));
            }
        }
    }
}
