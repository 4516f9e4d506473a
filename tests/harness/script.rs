//! The client under `.slt` scripts: text protocol, every value as the server printed it, errors as
//! `ERROR number (SQLSTATE): text`, the way MySQL's own client shows them.

use async_trait::async_trait;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Value};
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType};

/// A connection of its own database, so that scripts do not meet.
pub struct ScriptConnection {
    connection: Conn,
}

/// What a statement answered instead of a result.
#[derive(Debug)]
pub struct ScriptError(String);

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ScriptError {}

impl From<mysql_async::Error> for ScriptError {
    fn from(error: mysql_async::Error) -> Self {
        match error {
            mysql_async::Error::Server(error) => {
                Self(format!("ERROR {} ({}): {}", error.code, error.state, error.message))
            }
            other => Self(format!("client: {other}")),
        }
    }
}

impl ScriptConnection {
    /// Connects as root, makes `database` anew and uses it.
    pub async fn open(port: u16, database: &str) -> Result<Self, ScriptError> {
        let options = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(port)
            .user(Some("root"))
            .prefer_socket(false);
        let mut connection = Conn::new(options).await?;
        connection.query_drop(format!("DROP DATABASE IF EXISTS `{database}`")).await?;
        connection.query_drop(format!("CREATE DATABASE `{database}`")).await?;
        connection.query_drop(format!("USE `{database}`")).await?;
        Ok(Self { connection })
    }
}

#[async_trait]
impl AsyncDB for ScriptConnection {
    type Error = ScriptError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<Self::ColumnType>, Self::Error> {
        let mut result = self.connection.query_iter(sql).await?;
        let columns = result.columns().map_or(0, |columns| columns.len());
        if columns == 0 {
            let affected = result.affected_rows();
            result.drop_result().await?;
            return Ok(DBOutput::StatementComplete(affected));
        }
        let rows: Vec<mysql_async::Row> = result.collect().await?;
        result.drop_result().await?;
        let rows = rows.into_iter().map(|row| row.unwrap().into_iter().map(text).collect()).collect();
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; columns], rows })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "mysql"
    }
}

/// The bytes as text; an empty string would vanish from the script, so it is shown.
fn text(value: Value) -> String {
    match value {
        Value::NULL => "NULL".to_string(),
        Value::Bytes(bytes) if bytes.is_empty() => "(empty)".to_string(),
        Value::Bytes(bytes) => match String::from_utf8(bytes) {
            Ok(text) => text.replace('\n', "\\n"),
            Err(error) => format!("0x{}", hex(error.as_bytes())),
        },
        other => other.as_sql(true),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
