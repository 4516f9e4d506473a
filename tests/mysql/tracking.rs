//! Session state that a client asked to be told of, packet by packet beside what MySQL 9.7 told.

use anyhow::{Result, ensure};
use mysql_async::prelude::Queryable;

use crate::cursor::check;
use crate::driver::connect;
use crate::raw::MODERN;

const SESSION_TRACK: u32 = 1 << 23;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_is_told() -> Result<()> {
    check("tracking.packets", MODERN | SESSION_TRACK).await
}

#[tokio::test]
async fn what_is_never_told_cannot_be_asked_for() -> Result<()> {
    let (_server, mut connection) = connect().await?;
    for statement in ["SET session_track_transaction_info = 'STATE'", "SET session_track_gtids = OWN_GTID"] {
        let error = connection.query_drop(statement).await.expect_err("not there");
        ensure!(matches!(&error, mysql_async::Error::Server(e) if e.code == 1235), "{error}");
    }
    connection.query_drop("SET session_track_gtids = OFF, session_track_transaction_info = 'OFF'").await?;
    Ok(())
}
