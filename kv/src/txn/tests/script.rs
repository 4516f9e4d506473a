//! Runs `testdata/*.txt`, on the engine in memory and on RocksDB, with pessimistic locks in the leader's memory and
//! without, which must all agree: a line that is not indented is a command, the indented lines below it are its answer.
//!
//! `RUTILE_RECORD=1 cargo test -p rutile-kv scripts` writes the answers anew; the diff is the review.
//!
//! ```text
//! prewrite start=10 primary=a put a=1 insert b=2 delete c lock d absent e [ttl=ms] [1pc] [min_commit=] [max_commit=]
//!     [async=b,c]   secondaries of an async commit, `-` for none
//!     [for_update=12 [check=lock|constraint|none,…]]   pessimistic; what each mutation relies on, the last for the rest
//! lock start=10 primary=a for_update=12 a b [ttl=] [min_commit=] [values] [existence] [if_exists] [absent]
//! unlock start=10 for_update=12 [a b]   check_secondary start=10 a b
//! commit start=10 ts=20 a b             rollback start=10 a b
//! check primary=a lock=10 caller=15 current=20 [rollback_missing] [verify] [force_sync] [pessimistic]
//! resolve start=10 ts=20 [a b]          ts=0 rolls back; without keys the whole region
//! heartbeat primary=a start=10 ttl=ms   scan_lock max=50 [from=a] [to=z] [limit=n]
//! get a ts=20 [resolved=10] [committed=10]
//! scan ts=20 [from=a] [to=z] [limit=n] [reverse] [keys]
//! put_lock a <type> primary= start= [ttl=] [min_commit=] [async]      puts a lock as another version may have left it
//! dump                                  max_ts
//! gc safe_point=100                     removes what no read at or above it sees; how many records went
//! lose_memory                           another leader was elected meanwhile; skips scripts without locks in memory
//! ```
//! A timestamp is a number, or `5ms` for the first one of the fifth millisecond. `long:x` is a value of 300 bytes.
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_engine::{Engine, EngineConfig, MemoryEngine, RocksEngine, WriteBatch};
use rutile_kv_env::Env;
use rutile_kv_types::{Cf, Key, Lock, LockType, Mutation, TimeStamp, format};

use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{Error, LockedKey, Result};
use crate::gc::Collector;
use crate::local_replica::LocalReplica;
use crate::metrics::Metrics;
use crate::mvcc::{BackwardScanner, ForwardScanner, PointGetter, ReadOptions};
use crate::replica::Replica as _;
use crate::txn::acquire_pessimistic_lock::LockedRow;
use crate::txn::command::Command;
use crate::txn::{
    AcquirePessimisticLock, Acquired, CheckSecondaryLocks, CheckTxnStatus, Commit, HeartBeat,
    PessimisticAction, PessimisticRollback, Prewrite, Prewritten, ReadTarget, ResolveLock, Rollback,
    ScanLock, Scheduler, SecondaryStatus, TxnStatus, Verdict,
};

struct Script {
    replica: Arc<LocalReplica>,
    scheduler: Arc<Scheduler<LocalReplica>>,
}

/// One command line, split at blanks.
struct Line<'a> {
    words: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn option(&self, name: &str) -> Option<&'a str> {
        self.words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    fn flag(&self, name: &str) -> bool {
        self.words.contains(&name)
    }

    fn ts(&self, name: &str) -> TimeStamp {
        self.option(name).map_or(TimeStamp::ZERO, parse_ts)
    }

    fn bytes(&self, name: &str) -> Bytes {
        Bytes::copy_from_slice(self.option(name).unwrap_or_default().as_bytes())
    }

    fn number(&self, name: &str, default: u64) -> u64 {
        self.option(name).map_or(default, |text| text.parse().expect("a number"))
    }

    /// Words that are neither options nor flags.
    fn keys(&self) -> Vec<Key> {
        let plain = self.words.iter().skip(1).filter(|word| !word.contains('='));
        plain.map(|word| Key::from_raw(word.as_bytes())).collect()
    }
}

fn parse_ts(text: &str) -> TimeStamp {
    match text.strip_suffix("ms") {
        Some(ms) => TimeStamp::compose(ms.parse().expect("milliseconds"), 0),
        None if text == "max" => TimeStamp::MAX,
        None => TimeStamp::new(text.parse().expect("a timestamp")),
    }
}

fn parse_value(text: &str) -> Bytes {
    match text.strip_prefix("long:") {
        Some(fill) => Bytes::from(fill.repeat(300)),
        None => Bytes::copy_from_slice(text.as_bytes()),
    }
}

impl Script {
    fn new(engine: Arc<dyn Engine>, in_memory: bool) -> Self {
        let end = Key::from_raw(b"zzz").into_encoded();
        let replica = LocalReplica::over(engine, Bytes::new(), end.into(), in_memory);
        let concurrency = Arc::new(ConcurrencyManager::default());
        let scheduler = Scheduler::new(Env::real(), replica.clone(), concurrency, Arc::default());
        let scheduler = Arc::new(scheduler);
        Script { replica, scheduler }
    }

    async fn run(&self, line: &Line<'_>) -> Result<String> {
        let context = self.replica.context();
        let (start_ts, commit_ts) = (line.ts("start"), line.ts("ts"));
        match line.words[0] {
            "prewrite" => Ok(prewritten(self.scheduler.run(&context, prewrite(line)).await?)),
            "lock" => {
                let acquired = self.scheduler.acquire(&context, &lock(line), Duration::ZERO).await?;
                Ok(locked(acquired))
            }
            "unlock" => {
                let for_update_ts = line.ts("for_update");
                if line.keys().is_empty() {
                    self.scheduler.release_region(&context, start_ts, for_update_ts).await?;
                } else {
                    let command = PessimisticRollback::new(line.keys(), start_ts, for_update_ts);
                    self.scheduler.run(&context, command).await?;
                }
                Ok("ok".to_owned())
            }
            "check_secondary" => {
                let command = CheckSecondaryLocks::new(line.keys(), start_ts);
                Ok(secondary(self.scheduler.run(&context, command).await?))
            }
            "commit" => {
                let ts = self.scheduler.run(&context, Commit::new(line.keys(), start_ts, commit_ts)).await?;
                Ok(format!("committed at {ts}"))
            }
            "rollback" => {
                self.scheduler.run(&context, Rollback::new(line.keys(), start_ts)).await?;
                Ok("ok".to_owned())
            }
            "check" => Ok(status(self.scheduler.run(&context, check(line)).await?)),
            "resolve" => {
                let verdict = Verdict { start_ts, commit_ts };
                if line.keys().is_empty() {
                    self.scheduler.resolve_region(&context, &[verdict]).await?;
                } else {
                    let command = ResolveLock::of_transaction(line.keys(), verdict);
                    self.scheduler.run(&context, command).await?;
                }
                Ok("ok".to_owned())
            }
            "heartbeat" => {
                let command = HeartBeat::new(&line.bytes("primary"), start_ts, line.number("ttl", 0));
                Ok(format!("ttl {}", self.scheduler.run(&context, command).await?))
            }
            "scan_lock" => self.scan_lock(line).await,
            "get" => self.get(line).await,
            "scan" => self.scan(line).await,
            "put_lock" => self.put_lock(line),
            "gc" => self.gc(line.ts("safe_point")).await,
            "dump" => Ok(self.dump()),
            "lose_memory" => {
                self.replica.lose_memory();
                Ok("ok".to_owned())
            }
            "max_ts" => Ok(self.scheduler.concurrency().max_ts().to_string()),
            other => panic!("unknown command {other}"),
        }
    }

    async fn scan_lock(&self, line: &Line<'_>) -> Result<String> {
        let bound = |name| {
            line.option(name).map_or_else(Vec::new, |key| Key::from_raw(key.as_bytes()).into_encoded())
        };
        let limit = line.number("limit", 0) as usize;
        let scan = ScanLock { max_ts: line.ts("max"), start: bound("from"), end: bound("to"), limit };
        let locks = self.scheduler.scan_locks(&self.replica.context(), scan).await?;
        let lines = locks.iter().map(|found| format!("{} {}", format::raw_key(&found.key), found.lock));
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }

    fn options(&self, line: &Line<'_>) -> ReadOptions {
        let mut options = ReadOptions::at(line.ts("ts"));
        options.resolved_locks.extend(line.option("resolved").map(|ts| parse_ts(ts).into_inner()));
        options.committed_locks.extend(line.option("committed").map(|ts| parse_ts(ts).into_inner()));
        options
    }

    async fn get(&self, line: &Line<'_>) -> Result<String> {
        let options = self.options(line);
        let [key] = <[Key; 1]>::try_from(line.keys()).expect("one key");
        let context = self.replica.context();
        let snapshot = self.scheduler.read_snapshot(&context, ReadTarget::Key(&key), &options).await?;
        let value = PointGetter::new(snapshot.versions(), &options).get(&key)?;
        Ok(value.map_or_else(|| "none".to_owned(), |value| format::value(&value)))
    }

    async fn scan(&self, line: &Line<'_>) -> Result<String> {
        let options = self.options(line);
        let bound = |name| {
            line.option(name).map_or_else(Vec::new, |key| Key::from_raw(key.as_bytes()).into_encoded())
        };
        let (low, high) = (bound("from"), bound("to"));
        let target = ReadTarget::Range { start: &low, end: &high };
        let snapshot = self.scheduler.read_snapshot(&self.replica.context(), target, &options).await?;
        let engine = snapshot.versions();
        let (limit, keys) = (line.number("limit", 100), line.flag("keys"));
        let mut forward = ForwardScanner::new(engine, &options, &low, &high, keys)?;
        let mut backward = BackwardScanner::new(engine, &options, &low, &high, keys)?;
        let mut next = || -> Result<Option<(Vec<u8>, Vec<u8>)>> {
            if line.flag("reverse") {
                Ok(backward.next()?.then(|| (backward.key().to_vec(), backward.value().to_vec())))
            } else {
                Ok(forward.next()?.then(|| (forward.key().to_vec(), forward.value().to_vec())))
            }
        };
        let mut lines = Vec::new();
        for _ in 0..limit {
            match next() {
                Ok(None) => break,
                Ok(Some((key, value))) => {
                    lines.push(format!("{} = {}", format::raw_key(&key), format::value(&value)))
                }
                Err(error @ Error::Key(_)) => lines.push(failure(&error)),
                Err(error) => return Err(error),
            }
        }
        Ok(lines.join("\n"))
    }

    fn put_lock(&self, line: &Line<'_>) -> Result<String> {
        let kind = match line.words[2] {
            "put" => LockType::Put,
            "delete" => LockType::Delete,
            "lock" => LockType::Lock,
            "pessimistic" => LockType::Pessimistic,
            other => panic!("unknown lock type {other}"),
        };
        let mut lock = Lock::new(kind, line.bytes("primary"), line.ts("start"), line.number("ttl", 3000));
        lock.min_commit_ts = line.ts("min_commit");
        lock.use_async_commit = line.flag("async");
        if kind == LockType::Put {
            lock.short_value = Some(Bytes::from_static(b"v"));
        }
        let mut batch = WriteBatch::new();
        batch.put(Cf::Lock, Key::from_raw(line.words[1].as_bytes()), lock.to_bytes());
        self.replica.engine.write(batch, false)?;
        Ok("ok".to_owned())
    }

    async fn gc(&self, safe_point: TimeStamp) -> Result<String> {
        let metrics = Arc::new(Metrics::default());
        let collector = Collector {
            env: Env::real(),
            scheduler: self.scheduler.clone(),
            metrics: metrics.clone(),
            bytes_per_second: u64::MAX,
        };
        for region in self.replica.led_regions() {
            collector.collect_region(&region, safe_point).await?;
        }
        Ok(format!("removed {}", metrics.snapshot().gc_records_removed))
    }

    fn dump(&self) -> String {
        let pairs = self.replica.dump();
        pairs.iter().map(|(cf, key, value)| format::pair(*cf, key, value)).collect::<Vec<_>>().join("\n")
    }
}

fn prewrite(line: &Line<'_>) -> Prewrite {
    let mut mutations = Vec::new();
    for pair in line.words.windows(2) {
        let (key, value) = pair[1].split_once('=').unwrap_or((pair[1], ""));
        let (key, value) = (Bytes::copy_from_slice(key.as_bytes()), parse_value(value));
        match pair[0] {
            "put" => mutations.push(Mutation::put(key, value)),
            "insert" => mutations.push(Mutation::insert(key, value)),
            "delete" => mutations.push(Mutation::delete(key)),
            "lock" => mutations.push(Mutation::lock(key)),
            "absent" => mutations.push(Mutation::check_not_exists(key)),
            _ => {}
        }
    }
    let mut command =
        Prewrite::new(mutations, line.bytes("primary"), line.ts("start"), line.number("ttl", 3000));
    command.min_commit_ts = line.ts("min_commit");
    command.max_commit_ts = line.ts("max_commit");
    command.try_one_pc = line.flag("1pc");
    let split = |list: &'static str, text: &str| text.split(list).map(str::to_owned).collect::<Vec<_>>();
    command.secondaries = line
        .option("async")
        .map(|keys| split(",", keys).into_iter().filter(|key| key != "-").map(Bytes::from).collect());
    command.for_update_ts = line.ts("for_update");
    let mut actions: Vec<_> = split(",", line.option("check").unwrap_or("lock"))
        .iter()
        .map(|word| match word.as_str() {
            "lock" => PessimisticAction::PessimisticCheck,
            "constraint" => PessimisticAction::ConstraintCheck,
            "none" => PessimisticAction::Skip,
            other => panic!("unknown check {other}"),
        })
        .collect();
    let last = actions.last().copied().unwrap_or_default();
    actions.resize(command.keys().len().max(actions.len()), last);
    command.actions = actions;
    command
}

/// Flags of `lock` that are no keys.
const LOCK_FLAGS: [&str; 4] = ["values", "existence", "if_exists", "absent"];

fn lock(line: &Line<'_>) -> AcquirePessimisticLock {
    let plain = line.words.iter().skip(1).filter(|word| !word.contains('=') && !LOCK_FLAGS.contains(word));
    let keys = plain.map(|word| (Bytes::copy_from_slice(word.as_bytes()), line.flag("absent")));
    let mut command = AcquirePessimisticLock::new(
        keys,
        line.bytes("primary"),
        line.ts("start"),
        line.ts("for_update"),
        line.number("ttl", 3000),
    );
    command.min_commit_ts = line.ts("min_commit");
    command.return_values = line.flag("values");
    command.check_existence = line.flag("existence");
    command.lock_only_if_exists = line.flag("if_exists");
    command
}

fn locked(outcome: Acquired) -> String {
    match outcome {
        Acquired::Blocked(locks) => blocked(&locks),
        Acquired::Locked(rows) => {
            let row = |row: &LockedRow| match &row.value {
                Some(value) => format!("locked {}", format::value(value)),
                None if row.exists => "locked, exists".to_owned(),
                None => "locked, absent".to_owned(),
            };
            if rows.is_empty() {
                "locked".to_owned()
            } else {
                rows.iter().map(row).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

fn blocked(locks: &[LockedKey]) -> String {
    let line = |found: &LockedKey| format!("blocked by {} {}", format::raw_key(&found.key), found.lock);
    locks.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn secondary(status: SecondaryStatus) -> String {
    match status {
        SecondaryStatus::Locked(locks) => {
            let line = |found: &LockedKey| format!("{} {}", format::raw_key(&found.key), found.lock);
            locks.iter().map(line).collect::<Vec<_>>().join("\n")
        }
        SecondaryStatus::Committed { commit_ts } => format!("committed at {commit_ts}"),
        SecondaryStatus::RolledBack => "rolled back".to_owned(),
    }
}

fn check(line: &Line<'_>) -> CheckTxnStatus {
    let primary = line.bytes("primary");
    let mut check = CheckTxnStatus::new(&primary, line.ts("lock"), line.ts("caller"), line.ts("current"));
    check.rollback_if_not_exist = line.flag("rollback_missing");
    check.verify_is_primary = line.flag("verify");
    check.force_sync_commit = line.flag("force_sync");
    check.resolving_pessimistic_lock = line.flag("pessimistic");
    check
}

fn prewritten(outcome: Prewritten) -> String {
    match outcome {
        Prewritten::Locked { min_commit_ts } if min_commit_ts.is_zero() => "locked".to_owned(),
        Prewritten::Locked { min_commit_ts } => format!("locked, commits at {min_commit_ts} or above"),
        Prewritten::Committed { commit_ts } => format!("committed at {commit_ts}"),
        Prewritten::Blocked(locks) => blocked(&locks),
    }
}

fn status(status: TxnStatus) -> String {
    match status {
        TxnStatus::Alive { lock, pushed } => format!("alive pushed={pushed} {}", lock.lock),
        TxnStatus::Committed { commit_ts } => format!("committed at {commit_ts}"),
        other => format!("{other:?}"),
    }
}

fn failure(error: &Error) -> String {
    format!("error: {error}")
}

fn run_script(
    text: &str,
    engine: Arc<dyn Engine>,
    in_memory: bool,
    runtime: &tokio::runtime::Runtime,
) -> String {
    let script = Script::new(engine, in_memory);
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.starts_with(' ')) {
        out.push_str(line);
        out.push('\n');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words = Line { words: line.split_whitespace().collect() };
        let answer = runtime.block_on(script.run(&words)).unwrap_or_else(|error| failure(&error));
        for answer in answer.lines() {
            writeln!(out, "    {answer}").expect("writing to a String can not fail");
        }
    }
    out
}

#[test]
fn scripts() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _inside = runtime.enter();
    let disk = Env::real().disk;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/txn/testdata");
    let files = disk.read_dir(&folder).expect("scripts are there");
    assert!(!files.is_empty(), "no scripts in {}", folder.display());
    let record = std::env::var_os("RUTILE_RECORD").is_some();
    for file in files {
        let text = String::from_utf8(disk.read(&file).expect("readable")).expect("UTF-8");
        let now = run_script(&text, Arc::new(MemoryEngine::new()), true, &runtime);
        let directory = tempfile::tempdir().expect("a directory");
        let rocks = RocksEngine::open(directory.path(), &EngineConfig::small()).expect("opens");
        let other = run_script(&text, Arc::new(rocks), true, &runtime);
        assert_eq!(other, now, "{}: RocksDB differs", file.display());
        if !text.contains("lose_memory") {
            let other = run_script(&text, Arc::new(MemoryEngine::new()), false, &runtime);
            assert_eq!(other, now, "{}: replicated locks differ", file.display());
        }
        if record {
            disk.write_atomic(&file, now.as_bytes()).expect("writable");
        } else {
            assert_eq!(now, text, "{} (RUTILE_RECORD=1 records it anew)", file.display());
        }
    }
}
