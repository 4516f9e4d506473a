#!/usr/bin/env python3
"""Records the answers of *.test from a MySQL server: record.py [--port 3308] files...

Every file runs in a database of its own that is dropped afterwards. Answers are written as the test prints
them; NULL is NULL, columns are joined by ' | '.
"""
import argparse

import pymysql


def blocks(lines):
    out, statement = [], None
    lines = iter(lines)
    for line in lines:
        if line == "" or line.startswith("#"):
            out.append(("text", line))
            continue
        statement = [line]
        for line in lines:
            if line == "---":
                break
            statement.append(line)
        for line in lines:
            if line == "":
                break
        out.append(("statement", "\n".join(statement)))
    return out


def answer(cursor, statement):
    try:
        cursor.execute(statement)
    except pymysql.MySQLError as error:
        code, message = error.args[0], error.args[1]
        return ["ERROR %d (%s): %s" % (code, cursor.sqlstate, message)]
    if cursor.description is None:
        return ["ok"]
    show = lambda cell: "NULL" if cell is None else cell if isinstance(cell, str) else cell.decode("utf8", "replace")
    return [" | ".join(map(show, row)) for row in cursor.fetchall()]


class Cursor(pymysql.cursors.Cursor):
    sqlstate = "HY000"


def with_sqlstate():
    """pymysql drops the SQLSTATE of an error packet; keep it."""
    raise_error = pymysql.err.raise_mysql_exception

    def keep(data):
        Cursor.sqlstate = data[4:9].decode() if data[3:4] == b"#" else "HY000"
        raise_error(data)

    pymysql.err.raise_mysql_exception = keep


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=3308)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    with_sqlstate()
    for path in options.files:
        connection = pymysql.connect(
            host="127.0.0.1", port=options.port, user="root", conv={}, cursorclass=Cursor, autocommit=True)
        cursor = connection.cursor()
        cursor.execute("drop database if exists test")
        cursor.execute("create database test")
        cursor.execute("use test")
        cursor.execute("set time_zone = '+00:00'")
        with open(path) as file:
            parsed = blocks(file.read().splitlines())
        with open(path, "w") as file:
            for kind, text in parsed:
                if kind == "text":
                    file.write(text + "\n")
                    continue
                file.write(text + "\n---\n")
                for line in answer(cursor, text):
                    file.write(line + "\n")
                file.write("\n")
        cursor.execute("drop database test")
        connection.close()


main()
