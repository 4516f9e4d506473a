//! sqlx against a running server: types, prepared statements, a transaction, errors. The argument is the port.

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{Column as _, Connection as _, Executor as _, Row as _, TypeInfo as _};

type Failure = Box<dyn std::error::Error>;

fn check(holds: bool, what: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(what.into()) }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let port = std::env::args().nth(1).ok_or("the port")?.parse()?;
    let options = MySqlConnectOptions::new()
        .host("127.0.0.1")
        .port(port)
        .username("root")
        .ssl_mode(MySqlSslMode::Disabled);
    let mut connection = MySqlConnection::connect_with(&options).await?;
    connection.execute("DROP DATABASE IF EXISTS clients_sqlx").await?;
    connection.execute("CREATE DATABASE clients_sqlx").await?;
    connection.execute("USE clients_sqlx").await?;
    let table = "CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT, i INT NOT NULL, f DOUBLE,
                 b TINYINT(1), s VARCHAR(40), v VARBINARY(10))";
    connection.execute(table).await?;
    let insert = "INSERT INTO t (i, f, b, s, v) VALUES (?, ?, ?, ?, ?)";
    let done = sqlx::query(insert)
        .bind(-7_i32)
        .bind(1.5_f64)
        .bind(true)
        .bind("grüße 😀")
        .bind(&[0_u8, 255, 39][..])
        .execute(&mut connection)
        .await?;
    check((done.rows_affected(), done.last_insert_id()) == (1, 1), "affected rows and the new id")?;
    let row = sqlx::query("SELECT id, i, f, b, s, v FROM t").fetch_one(&mut connection).await?;
    let names: Vec<&str> = row.columns().iter().map(|column| column.type_info().name()).collect();
    let expected = ["BIGINT UNSIGNED", "INT", "DOUBLE", "BOOLEAN", "VARCHAR", "VARBINARY"];
    check(names == expected, &format!("types {names:?}"))?;
    check(row.try_get::<u64, _>(0)? == 1 && row.try_get::<i32, _>(1)? == -7, "integers")?;
    check(row.try_get::<f64, _>(2)? == 1.5 && row.try_get::<bool, _>(3)?, "a double and a boolean")?;
    check(row.try_get::<String, _>(4)? == "grüße 😀", "a text")?;
    check(row.try_get::<Vec<u8>, _>(5)? == [0, 255, 39], "bytes")?;

    let mut transaction = connection.begin().await?;
    sqlx::query(insert)
        .bind(8_i32)
        .bind(None::<f64>)
        .bind(None::<bool>)
        .bind(None::<String>)
        .bind(None::<Vec<u8>>)
        .execute(&mut *transaction)
        .await?;
    transaction.rollback().await?;
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM t").fetch_one(&mut connection).await?;
    check(count == 1, "a rollback")?;

    let duplicate = sqlx::query("INSERT INTO t (id, i) VALUES (?, 1)").bind(1_u64).execute(&mut connection).await;
    let error = duplicate.err().ok_or("a duplicate was taken")?;
    let database = error.as_database_error().ok_or("an error of the server")?;
    check(database.code().as_deref() == Some("23000") && database.is_unique_violation(), "SQLSTATE of a duplicate")?;
    connection.ping().await?;
    connection.close().await?;
    Ok(())
}
