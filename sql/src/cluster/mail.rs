//! Letters between nodes: one asks, the other answers within a tick.
//!
//! ```text
//! asker   letter + bell of the node ─────────────→ the node, at its next tick: does it, answer - letter
//! asker   looks for the answer, takes it away ←──
//! ```

use std::time::Duration;

use bytes::Bytes;
use rutile_kv_client::TransactionOptions;
use rutile_sql_types::{Level, MySqlError, Value, Warning};
use serde::{Deserialize, Serialize};

use super::membership::{Membership, decode, get, lost_a_race, pairs, put};
use super::record::NodeRecord;
use crate::error::{Error, Result};
use crate::meta::keys;
use crate::session::Instance;

const ATTEMPTS_MAX: usize = 16;
/// How long an answer is waited for, and how often it is looked for.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of a statement that another node's list shows.
const STATEMENT_BYTES_MAX: usize = 1024;
/// Bits of a connection id below those of the node.
const CONNECTION_BITS: u32 = 20;

#[derive(Debug, Serialize, Deserialize)]
struct Letter {
    from: u32,
    /// The node it is for: another one may have its id by now.
    to: String,
    ask: Ask,
}

#[derive(Debug, Serialize, Deserialize)]
enum Ask {
    Kill { connection: u64, query_only: bool },
    Processes,
}

#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    /// Whether there was such a connection.
    Killed(bool),
    Processes(Vec<NodeProcess>),
}

/// A line of the process list of all nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeProcess {
    pub node: String,
    pub id: u64,
    pub user: String,
    pub host: String,
    pub database: Option<String>,
    pub command: String,
    pub seconds: u64,
    pub statement: Option<String>,
}

impl NodeProcess {
    /// The columns that every process list has: ID, USER, HOST, DB, COMMAND, TIME, STATE, INFO.
    pub(crate) fn row(&self) -> Vec<Value> {
        let or_null = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::text);
        vec![
            Value::UInt(self.id),
            Value::text(&self.user),
            Value::text(&self.host),
            or_null(&self.database),
            Value::text(&self.command),
            Value::Int(i64::try_from(self.seconds).unwrap_or(i64::MAX)),
            Value::text(if self.statement.is_some() { "executing" } else { "" }),
            or_null(&self.statement),
        ]
    }
}

/// KILL of a connection of any node. False if there is no such connection.
pub(crate) async fn kill(instance: &Instance, connection: u64, query_only: bool) -> Result<bool> {
    if instance.processes().kill(connection, query_only) {
        return Ok(true);
    }
    let Some(membership) = instance.membership() else {
        return Ok(false);
    };
    let node_id = u32::try_from(connection >> CONNECTION_BITS).unwrap_or(0);
    let (nodes, _) = membership.nodes().await?;
    let own = membership.uuid();
    let Some(node) = nodes.iter().find(|node| node.id == node_id && node.uuid != own) else {
        return Ok(false);
    };
    match ask(membership, node, Ask::Kill { connection, query_only }).await? {
        Answer::Killed(found) => Ok(found),
        Answer::Processes(_) => Err(Error::internal("a SQL node answered something else")),
    }
}

/// The process lists of all nodes.
#[derive(Debug, Default)]
pub(crate) struct ClusterProcesses {
    pub processes: Vec<NodeProcess>,
    /// Nodes that did not answer in time.
    pub silent: Vec<String>,
}

pub(crate) async fn cluster_processes(instance: &Instance) -> Result<ClusterProcesses> {
    let Some(membership) = instance.membership() else {
        return Ok(ClusterProcesses { processes: own_processes(instance), silent: Vec::new() });
    };
    let (nodes, now_ms) = membership.nodes().await?;
    let own = membership.uuid();
    let others: Vec<&NodeRecord> =
        nodes.iter().filter(|node| node.uuid != own && !node.is_expired(now_ms)).collect();
    let asked = others.iter().map(|node| ask(membership, node, Ask::Processes));
    let answers = futures::future::join_all(asked).await;
    let processes = own_processes(instance);
    let mut found = ClusterProcesses { processes, silent: Vec::new() };
    for (node, answer) in others.into_iter().zip(answers) {
        match answer {
            Ok(Answer::Processes(processes)) => found.processes.extend(processes),
            _ => found.silent.push(format!("{} ({})", node.id, node.name)),
        }
    }
    found.processes.sort_by_key(|process| process.id);
    Ok(found)
}

/// The warning about a node that did not answer.
pub(crate) fn silent_node(node: &str) -> Warning {
    Warning {
        level: Level::Warning,
        code: 1105,
        message: format!("SQL node {node} does not answer: its connections are not shown"),
    }
}

/// The process list of this node alone.
pub(crate) fn own_processes(instance: &Instance) -> Vec<NodeProcess> {
    let name = instance.membership().map_or("", |membership| &membership.config.name);
    processes_of(instance, name, usize::MAX)
}

fn processes_of(instance: &Instance, node: &str, statement_bytes_max: usize) -> Vec<NodeProcess> {
    let now = instance.env().clock.now();
    let own = instance.processes().snapshot(now).into_iter().map(|process| NodeProcess {
        node: node.to_owned(),
        id: process.id,
        user: process.user,
        host: process.host,
        database: process.database,
        command: process.command.to_owned(),
        seconds: process.seconds,
        statement: process.statement.map(|text| shortened(&text, statement_bytes_max)),
    });
    own.collect()
}

fn shortened(text: &str, bytes_max: usize) -> String {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

async fn ask(membership: &Membership, node: &NodeRecord, ask: Ask) -> Result<Answer> {
    let (own, name) = (membership.id(), membership.new_uuid());
    let letter = Letter { from: own, to: node.uuid.clone(), ask };
    send(membership, node.id, &name, &letter).await?;
    let clock = &membership.env().clock;
    let asked = clock.now();
    let key = keys::answer_to(own, &name);
    loop {
        let now = membership.client().timestamp().await?;
        if let Some(answer) = membership.client().snapshot(now).get(&key).await? {
            let mut transaction = membership.client().begin_unlimited(TransactionOptions::default()).await?;
            transaction.delete(key);
            transaction.commit().await?;
            return decode(&answer);
        }
        if clock.now().saturating_since(asked) > ANSWER_TIME_MAX {
            let text = format!("SQL node {} ({}) does not answer", node.id, node.name);
            return Err(MySqlError::new(1105, "HY000", text).into());
        }
        clock.sleep(LOOK).await;
    }
}

async fn send(membership: &Membership, to: u32, name: &str, letter: &Letter) -> Result<()> {
    for _ in 0..ATTEMPTS_MAX {
        let mut transaction = membership.client().begin_unlimited(TransactionOptions::default()).await?;
        put(&mut transaction, keys::letter_to(to, name), letter)?;
        transaction.put(keys::bell(to), Bytes::copy_from_slice(name.as_bytes()));
        match transaction.commit().await {
            Ok(_) => return Ok(()),
            Err(error) if lost_a_race(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::internal("a letter to another SQL node could not be sent: too many conflicts"))
}

/// Does what the letters to this node ask for, and answers.
pub(super) async fn read_letters(instance: &Instance, membership: &Membership) -> Result<()> {
    let own = membership.id();
    let range = keys::letters_to(own);
    let transaction = membership.client().begin_unlimited(TransactionOptions::default()).await?;
    for (key, value) in pairs(&transaction, range.clone()).await? {
        let name = keys::field_of(&range, &key)?;
        let letter: Letter = decode(&value)?;
        let is_ours = letter.to == membership.uuid();
        let mut reply = membership.client().begin_unlimited(TransactionOptions::default()).await?;
        // Read already by an attempt whose end was not known.
        if get::<Letter>(&reply, &key).await?.is_none() {
            continue;
        }
        reply.delete(key);
        if is_ours {
            let answer = match letter.ask {
                Ask::Kill { connection, query_only } => {
                    Answer::Killed(instance.processes().kill(connection, query_only))
                }
                Ask::Processes => {
                    Answer::Processes(processes_of(instance, &membership.config.name, STATEMENT_BYTES_MAX))
                }
            };
            put(&mut reply, keys::answer_to(letter.from, &name), &answer)?;
        }
        reply.commit().await?;
    }
    Ok(())
}
