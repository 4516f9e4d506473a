#!/usr/bin/env bash
# Stock MySQL clients against a running server: connect, prepare, insert, read.
#
#   tests/compat/clients.sh [PORT]        root without password on 127.0.0.1
#
# PyMySQL and mysql2 are installed into a temporary folder; `mysql` and `mariadb` are used when they are on
# PATH (MYSQL=... names another one). Ends with `N passed, N failed, N skipped`.
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
else
    skipped=$((skipped + 1)); echo "skip  mysql CLI: not installed"
fi
if command -v mariadb >/dev/null; then
    cli "mariadb CLI" mariadb --default-character-set=utf8mb4
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

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
