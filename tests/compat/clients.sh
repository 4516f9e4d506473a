#!/usr/bin/env bash
# Stock MySQL clients against a running server: connect, prepare, insert, read.
#
#   tests/compat/clients.sh [PORT]        root without password on 127.0.0.1
#
# PyMySQL, mysql-connector-python, mysqlclient, mysql2 and sqlx are installed or built in a temporary folder; `mysql` and
# `mariadb` are used when they are on PATH (MYSQL=... names another one), libmariadb when the system has it. Ends with `N passed, N failed, N skipped`.
set -uo pipefail
port=${1:-4000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

verdict() { # name exit-status output
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1)); echo "ok    $1"
    else
        failed=$((failed + 1)); echo "FAIL  $1"; sed 's/^/      /' <<<"$3"
    fi
}

cli() { # name command...
    local name=$1; shift
    local out
    out=$("$@" -h127.0.0.1 -P"$port" -uroot -N -e "
        DROP DATABASE IF EXISTS clients; CREATE DATABASE clients; USE clients;
        CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(50), d DECIMAL(10,2));
        INSERT INTO t (s, d) VALUES ('grüße', 1.50), (NULL, -2);
        PREPARE p FROM 'SELECT COUNT(*) FROM t WHERE id >= ?'; SET @one = 1; EXECUTE p USING @one;
        SELECT id, s, d FROM t ORDER BY id;" 2>&1)
    local status=$?
    if [ $status -eq 0 ] && [ "$out" != $'2\n1\tgrüße\t1.50\n2\tNULL\t-2.00' ]; then status=1; fi
    verdict "$name" $status "$out"
}

mysql_client=${MYSQL:-$(command -v mysql || true)}
if [ -n "$mysql_client" ] && ! $mysql_client --version 2>/dev/null | grep -qi mariadb; then
    cli "mysql CLI" $mysql_client --default-character-set=utf8mb4
    cli "mysql CLI, zlib" $mysql_client --default-character-set=utf8mb4 --compression-algorithms=zlib
    cli "mysql CLI, zstd" $mysql_client --default-character-set=utf8mb4 --compression-algorithms=zstd
else
    skipped=$((skipped + 1)); echo "skip  mysql CLI: not installed"
fi
if command -v mariadb >/dev/null; then
    cli "mariadb CLI" mariadb --default-character-set=utf8mb4
    cli "mariadb CLI, compressed" mariadb --default-character-set=utf8mb4 --compress
else
    skipped=$((skipped + 1)); echo "skip  mariadb CLI: not installed"
fi

python3 -m venv "$work/venv" >/dev/null && "$work/venv/bin/pip" -q install pymysql cryptography 2>/dev/null
out=$("$work/venv/bin/python" - "$port" 2>&1 <<'PY'
import sys, datetime, decimal, pymysql
c = pymysql.connect(host="127.0.0.1", port=int(sys.argv[1]), user="root", charset="utf8mb4")
with c.cursor() as k:
    k.execute("DROP DATABASE IF EXISTS clients_py"); k.execute("CREATE DATABASE clients_py"); k.execute("USE clients_py")
    k.execute("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(50), d DECIMAL(10,2), w DATETIME(6), b BLOB)")
    moment = datetime.datetime(2024, 2, 29, 1, 2, 3, 456789)
    k.executemany("INSERT INTO t (s, d, w, b) VALUES (%s, %s, %s, %s)",
                  [("é'\\", decimal.Decimal("1.50"), moment, b"\x00\xff'"), (None, None, None, None)])
    assert k.rowcount == 2, k.rowcount
    c.commit()
    k.execute("SELECT * FROM t ORDER BY id")
    rows = k.fetchall()
    assert rows == ((1, "é'\\", decimal.Decimal("1.50"), moment, b"\x00\xff'"), (2, None, None, None, None)), rows
    k.execute("INSERT INTO t (s) VALUES ('gone')"); c.rollback()
    k.execute("SELECT COUNT(*) FROM t"); assert k.fetchone() == (2,)
    try:
        k.execute("INSERT INTO t (id) VALUES (1)"); raise AssertionError("no duplicate")
    except pymysql.err.IntegrityError as error:
        assert error.args[0] == 1062, error
c.close()
PY
)
verdict "PyMySQL" $? "$out"

# The pure client and the C extension: prepared statements, query attributes, compression.
# The newest extension wants a newer OpenSSL than a stable system may have; then an older one is tried.
"$work/venv/bin/pip" -q install mysql-connector-python 2>/dev/null
"$work/venv/bin/python" -c 'from mysql.connector import connection_cext' 2>/dev/null ||
    "$work/venv/bin/pip" -q install 'mysql-connector-python==9.3.0' 2>/dev/null
for pure in True False; do
    out=$("$work/venv/bin/python" - "$port" $pure 2>&1 <<'PY'
import sys, datetime, decimal, mysql.connector
pure = sys.argv[2] == "True"
for compress in (False, True):
    c = mysql.connector.connect(host="127.0.0.1", port=int(sys.argv[1]), user="root", use_pure=pure, compress=compress)
    k = c.cursor()
    k.execute("DROP DATABASE IF EXISTS clients_conn"); k.execute("CREATE DATABASE clients_conn"); k.execute("USE clients_conn")
    k.execute("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(50), d DECIMAL(10,2), w DATETIME(6), b LONGBLOB)")
    moment, blob = datetime.datetime(2024, 2, 29, 1, 2, 3, 456789), b"\x00\xff'" * 100000
    p = c.cursor(prepared=True)
    p.add_attribute("trace", "abc")
    p.execute("INSERT INTO t (s, d, w, b) VALUES (?, ?, ?, ?)", ("é'", decimal.Decimal("1.50"), moment, blob))
    assert p.rowcount == 1 and p.lastrowid == 1, (p.rowcount, p.lastrowid)
    c.commit()
    p.execute("SELECT s, d, w, b FROM t WHERE id = ?", (1,))
    rows = p.fetchall()
    assert [tuple(map(lambda v: bytes(v) if isinstance(v, bytearray) else v, row)) for row in rows] == [("é'", decimal.Decimal("1.50"), moment, blob)], rows
    k.add_attribute("n", 7)
    k.execute("SELECT COUNT(*) FROM t"); assert k.fetchone() == (1,)
    k.execute("INSERT INTO t (s) VALUES ('gone')"); c.rollback()
    try:
        k.execute("INSERT INTO t (id) VALUES (1)"); raise AssertionError("no duplicate")
    except mysql.connector.Error as error:
        assert (error.errno, error.sqlstate) == (1062, "23000"), error
    c.reset_session()
    c.close()
PY
)
    verdict "mysql-connector-python (pure: $pure)" $? "$out"
done

if "$work/venv/bin/pip" -q install mysqlclient >/dev/null 2>&1; then
    out=$("$work/venv/bin/python" - "$port" 2>&1 <<'PY'
import sys, MySQLdb
c = MySQLdb.connect(host="127.0.0.1", port=int(sys.argv[1]), user="root", charset="utf8mb4")
k = c.cursor()
k.execute("DROP DATABASE IF EXISTS clients_c"); k.execute("CREATE DATABASE clients_c"); k.execute("USE clients_c")
k.execute("CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(50))")
k.executemany("INSERT INTO t VALUES (%s, %s)", [(1, "é"), (2, None)]); c.commit()
k.execute("SELECT * FROM t ORDER BY id"); assert k.fetchall() == ((1, "é"), (2, None))
c.close()
PY
)
    verdict "mysqlclient" $? "$out"
else
    skipped=$((skipped + 1)); echo "skip  mysqlclient: needs the headers of libmysqlclient to install"
fi

# A cursor fetched seven rows at a time, with another statement in between.
if ldconfig -p | grep -q 'libmariadb\.so\.3'; then
    out=$(python3 - "$port" 2>&1 <<'PY'
import ctypes, sys
lib = ctypes.CDLL("libmariadb.so.3")
P, U, I = ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int
for name, kind in {"mysql_init": P, "mysql_real_connect": P, "mysql_stmt_init": P, "mysql_stmt_error": ctypes.c_char_p,
                   "mysql_error": ctypes.c_char_p}.items():
    getattr(lib, name).restype = kind
c = lib.mysql_init(None)
c = P(c)
r = lib.mysql_real_connect(c, b"127.0.0.1", b"root", b"", None, int(sys.argv[1]), None, ctypes.c_ulong(0))
assert r, lib.mysql_error(c)
def q(sql): assert lib.mysql_real_query(c, sql, U(len(sql))) == 0, lib.mysql_error(c)
q(b"DROP DATABASE IF EXISTS clients_cursor"); q(b"CREATE DATABASE clients_cursor"); q(b"USE clients_cursor")
q(b"CREATE TABLE t (id INT PRIMARY KEY)"); q(b"INSERT INTO t VALUES " + b",".join(b"(%d)" % n for n in range(1000)))
s = P(lib.mysql_stmt_init(c))
sql = b"SELECT id FROM t ORDER BY id"
assert lib.mysql_stmt_prepare(s, sql, U(len(sql))) == 0, lib.mysql_stmt_error(s)
kind, rows = U(1), U(7)
assert lib.mysql_stmt_attr_set(s, I(1), ctypes.byref(kind)) == 0   # STMT_ATTR_CURSOR_TYPE, CURSOR_TYPE_READ_ONLY
assert lib.mysql_stmt_attr_set(s, I(2), ctypes.byref(rows)) == 0   # STMT_ATTR_PREFETCH_ROWS
for _ in range(2):
    assert lib.mysql_stmt_execute(s) == 0, lib.mysql_stmt_error(s)
    n = 0
    while True:
        r = lib.mysql_stmt_fetch(s)
        if r: break
        n += 1
        if n == 500: q(b"DO 1")
    assert (r, n) == (100, 1000), (r, n, lib.mysql_stmt_error(s))   # MYSQL_NO_DATA
assert lib.mysql_stmt_close(s) == 0
lib.mysql_close(c)
PY
)
    verdict "libmariadb cursors" $? "$out"
else
    skipped=$((skipped + 1)); echo "skip  libmariadb cursors: libmariadb.so.3 is not installed"
fi

if command -v npm >/dev/null; then
    (cd "$work" && npm init -y >/dev/null 2>&1 && npm install --silent mysql2 >/dev/null 2>&1)
    cat >"$work/t.mjs" <<'JS'
import mysql from 'mysql2/promise';
import assert from 'node:assert';
const c = await mysql.createConnection({ host: '127.0.0.1', port: Number(process.argv[2]), user: 'root' });
await c.query('DROP DATABASE IF EXISTS clients_js'); await c.query('CREATE DATABASE clients_js'); await c.query('USE clients_js');
await c.query('CREATE TABLE t (id BIGINT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(50), d DECIMAL(10,2), w DATETIME(3))');
const [done] = await c.execute('INSERT INTO t (s, d, w) VALUES (?, ?, ?)', ['é', '1.50', '2024-02-29 01:02:03.456']);
assert.equal(done.insertId, 1); assert.equal(done.affectedRows, 1);
const [rows] = await c.execute('SELECT s, d FROM t WHERE id = ?', [1]);
assert.deepEqual(rows.map(r => ({ ...r })), [{ s: 'é', d: '1.50' }]);
await c.beginTransaction(); await c.execute('INSERT INTO t (s) VALUES (?)', ['gone']); await c.rollback();
const [[{ n }]] = await c.query('SELECT COUNT(*) AS n FROM t'); assert.equal(n, 1);
await assert.rejects(c.execute('INSERT INTO t (id) VALUES (?)', [1]), { errno: 1062 });
await c.end();
JS
    out=$(node "$work/t.mjs" "$port" 2>&1)
    verdict "mysql2 (Node)" $? "$out"
else
    skipped=$((skipped + 1)); echo "skip  mysql2: npm is not installed"
fi

if command -v cargo >/dev/null; then
    out=$(cargo run --quiet --manifest-path "$(dirname "$0")/sqlx/Cargo.toml" --target-dir "$work/sqlx" -- "$port" 2>&1)
    verdict "sqlx" $? "$out"
else
    skipped=$((skipped + 1)); echo "skip  sqlx: cargo is not installed"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
