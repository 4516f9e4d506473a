//! Column definitions as MySQL sends them: type, length, decimals, character set, flags, names.

use anyhow::{Result, ensure};
use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::prelude::Queryable;

use crate::driver::connect;

#[tokio::test]
async fn columns_describe_themselves() -> Result<()> {
    use ColumnType::*;
    let (_server, mut connection) = connect().await?;
    connection
        .query_drop(
            "CREATE TABLE m (id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT, b TINYINT(1), n INT NOT NULL, f FLOAT,
             d DOUBLE, m DECIMAL(10,2), s VARCHAR(20), c CHAR(10), t TEXT, x BLOB, v VARBINARY(16), da DATE,
             dt DATETIME(6), ti TIME(3), ts TIMESTAMP NULL)",
        )
        .await?;
    // Name, type, length in bytes, decimals, and the client's own collation for text; read off a MySQL 9.7 server.
    let expected = [
        ("id", MYSQL_TYPE_LONGLONG, 20, 0, 63),
        ("b", MYSQL_TYPE_TINY, 1, 0, 63),
        ("n", MYSQL_TYPE_LONG, 11, 0, 63),
        ("f", MYSQL_TYPE_FLOAT, 12, 31, 63),
        ("d", MYSQL_TYPE_DOUBLE, 22, 31, 63),
        ("m", MYSQL_TYPE_NEWDECIMAL, 12, 2, 63),
        ("s", MYSQL_TYPE_VAR_STRING, 80, 0, 45),
        ("c", MYSQL_TYPE_STRING, 40, 0, 45),
        ("t", MYSQL_TYPE_BLOB, 262140, 0, 45),
        ("x", MYSQL_TYPE_BLOB, 65535, 0, 63),
        ("v", MYSQL_TYPE_VAR_STRING, 16, 0, 63),
        ("da", MYSQL_TYPE_DATE, 10, 0, 63),
        ("dt", MYSQL_TYPE_DATETIME, 26, 6, 63),
        ("ti", MYSQL_TYPE_TIME, 14, 3, 63),
        ("ts", MYSQL_TYPE_TIMESTAMP, 19, 0, 63),
    ];
    let result = connection.query_iter("SELECT * FROM m AS alias").await?;
    let columns = result.columns().expect("columns");
    let mut complaints = Vec::new();
    for (column, (name, kind, length, decimals, charset)) in columns.iter().zip(expected) {
        let seen = (
            column.name_str().into_owned(),
            column.column_type(),
            column.column_length(),
            column.decimals(),
            column.character_set(),
        );
        if seen != (name.to_string(), kind, length, decimals, charset) {
            complaints.push(format!("{seen:?} instead of {:?}", (name, kind, length, decimals, charset)));
        }
        ensure!(
            column.org_name_str() == name && column.table_str() == "alias" && column.org_table_str() == "m"
        );
        ensure!(column.schema_str() == "d");
    }
    let flags = columns[0].flags();
    for flag in [
        ColumnFlags::NOT_NULL_FLAG,
        ColumnFlags::PRI_KEY_FLAG,
        ColumnFlags::UNSIGNED_FLAG,
        ColumnFlags::AUTO_INCREMENT_FLAG,
    ] {
        ensure!(flags.contains(flag), "{flags:?} lacks {flag:?}");
    }
    result.drop_result().await?;
    ensure!(complaints.is_empty(), "{complaints:#?}");
    Ok(())
}

#[tokio::test]
async fn column_names_are_the_source_text() -> Result<()> {
    let (_server, mut connection) = connect().await?;
    connection.query_drop("CREATE TABLE n (a INT)").await?;
    let query = "SELECT 1 + 1, COUNT( * ), MAX(n.a) + 0 AS `x y`, 'text', MAX(n.a), @u FROM n";
    let result = connection.query_iter(query).await?;
    let names: Vec<_> = result.columns_ref().iter().map(|c| c.name_str().into_owned()).collect();
    result.drop_result().await?;
    ensure!(names == ["1 + 1", "COUNT( * )", "x y", "text", "MAX(n.a)", "@u"], "{names:?}");
    Ok(())
}
