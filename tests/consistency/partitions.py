#!/usr/bin/env python3
"""Partitions between the processes of a cluster, each in a network namespace of its own.

Three placement drivers, three stores and two SQL servers; clients move money, insert rows and append to lists through
both SQL servers while the network is cut: the store that leads most regions alone, the placement driver that leads
alone, a minority of each, a store that is heard but hears nobody, a link that comes and goes. Every cut ends, and then
within 30 s all clients get on. In the end: no acknowledged row is lost, the accounts hold what they held, no transaction
is there by half, the histories of the lists have no cycle that snapshot isolation forbids, every index equals its table.

    tests/consistency/partitions.py [--seconds 12] [--shapes leader,minority] target/debug/rutile

Needs root, ip, iptables and PyMySQL. Where it can not run it says "NOT RUN: <reason>" and exits 2.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

import histories
from power_loss import not_run, require

NET = "10.77.0."
HOSTS = {"pd1": 11, "pd2": 12, "pd3": 13, "kv1": 21, "kv2": 22, "kv3": 23, "sql1": 31, "sql2": 32}
PD = ",".join(f"{NET}{HOSTS[name]}:2379" for name in ("pd1", "pd2", "pd3"))
PASSWORD = "partitions"
ACCOUNTS, BALANCE, LISTS = 12, 1000, 6
WORKERS = ("move", "insert", "append")
RECOVERS_WITHIN_S = 30
SCHEMA = (
    "CREATE DATABASE p",
    "CREATE TABLE p.accounts (id INT PRIMARY KEY, balance BIGINT NOT NULL, KEY by_balance (balance))",
    "INSERT INTO p.accounts VALUES " + ", ".join(f"({account}, {BALANCE})" for account in range(ACCOUNTS)),
    "CREATE TABLE p.written (id BIGINT PRIMARY KEY, worker INT NOT NULL, KEY by_worker (worker))",
    "CREATE TABLE p.lists (id INT PRIMARY KEY, v MEDIUMTEXT NOT NULL)",
    "INSERT INTO p.lists VALUES " + ", ".join(f"({number}, '')" for number in range(LISTS)),
)


def run(*words, check=True):
    return subprocess.run(words, check=check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


class Cluster:
    """Processes in namespaces on one bridge; the host has its first address."""

    def __init__(self, binary, folder):
        self.binary, self.folder = str(pathlib.Path(binary).resolve()), folder
        self.prefix = f"rut{os.getpid() % 10000}"
        self.bridge = self.prefix + "br"
        self.processes = {}

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def build(self):
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "addr", "add", NET + "1/24", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")
        for name, host in HOSTS.items():
            space, outside = self.space(name), f"{self.prefix}{name}"
            run("ip", "netns", "add", space)
            run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", space)
            run("ip", "link", "set", outside, "master", self.bridge, "up")
            for words in (["addr", "add", f"{NET}{host}/24", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
                run("ip", "-n", space, *words)
        for name in HOSTS:
            self.start(name)
        for name in HOSTS:
            self.until_ready(name)

    def __exit__(self, *_):
        for process, _ in self.processes.values():
            process.kill()
        for process, _ in self.processes.values():
            process.wait()
        for name in HOSTS:
            run("ip", "netns", "del", self.space(name), check=False)
        run("ip", "link", "del", self.bridge, check=False)

    def space(self, name):
        return f"{self.prefix}-{name}"

    def start(self, name):
        address = f"{NET}{HOSTS[name]}"
        role = name.rstrip("0123456789")
        flags = {
            "pd": ["--name", name, "--port", "2379", "--insecure", "--initial-cluster",
                   ",".join(f"{pd}={NET}{HOSTS[pd]}:2379" for pd in ("pd1", "pd2", "pd3"))],
            "kv": ["--port", "20160", "--insecure", "--pd", PD, "--region-split-keys", "400"],
            "sql": ["--port", "4000", "--status-port", "0", "--pd", PD],
        }[role]
        command = ["ip", "netns", "exec", self.space(name), self.binary, "start", role, "--host", address]
        command += flags + ["--data-dir", str(self.folder / name)]
        log = open(self.folder / (name + ".log"), "a")
        environment = {**os.environ, "RUTILE_ROOT_PASSWORD": PASSWORD}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        self.processes[name] = (process, log)

    def until_ready(self, name):
        for line in self.processes[name][0].stdout:
            if line.startswith("ready "):
                return
        sys.exit(f"{name} does not start:\n" + (self.folder / (name + ".log")).read_text()[-1500:])

    def ask(self, *words):
        command = [self.binary, "pd", "--pd", PD, "--json", *words]
        answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        return json.loads(answer) if answer.strip() else {}

    def leading_store(self):
        stores = self.ask("store").get("stores", [])
        busiest = max(stores, key=lambda store: store["status"].get("leader_count", 0))
        return self.name_of(busiest["store"]["address"])

    def leading_pd(self):
        return self.name_of(self.ask("member", "leader")["client_urls"][0])

    @staticmethod
    def name_of(address):
        host = int(re.search(re.escape(NET) + r"(\d+)", address).group(1))
        return next(name for name, number in HOSTS.items() if number == host)

    def drop(self, name, sources):
        """Whatever comes from there is not heard any more."""
        for source in sources:
            rule = ["INPUT", "-s", f"{NET}{HOSTS[source]}", "-j", "DROP"]
            run("ip", "netns", "exec", self.space(name), "iptables", "-w", "-A", *rule)

    def cut(self, one_side, other_side):
        for name in one_side:
            self.drop(name, other_side)
        for name in other_side:
            self.drop(name, one_side)

    def heal(self):
        for name in HOSTS:
            run("ip", "netns", "exec", self.space(name), "iptables", "-w", "-F", "INPUT")


class Client(threading.Thread):
    """Works through one SQL server, comes back when the connection breaks, and writes its history down."""

    def __init__(self, number, kind, server, stop):
        super().__init__(daemon=True)
        self.number, self.kind, self.server, self.stop = number, kind, server, stop
        self.acknowledged, self.history, self.complaints = set(), [], []
        self.done, self.last, self.gap = 0, time.monotonic(), 0.0
        self.random = random.Random(number)
        self.trouble = "none"

    def run(self):
        sequence = 0
        connection = None
        while not self.stop.is_set():
            sequence += 1
            try:
                if connection is None:
                    connection = pymysql.connect(
                        host=f"{NET}{HOSTS[self.server]}", port=4000, user="root", password=PASSWORD, database="p", autocommit=True,
                        connect_timeout=3, read_timeout=45, write_timeout=45)
                with connection.cursor() as cursor:
                    getattr(self, self.kind)(cursor, sequence)
                self.done += 1
                now = time.monotonic()
                self.gap, self.last = max(self.gap, now - self.last), now
            except pymysql.err.IntegrityError as error:
                self.complaints.append(str(error))
            except (pymysql.err.Error, OSError) as error:
                self.trouble = str(error)
                if isinstance(error, pymysql.err.OperationalError) and error.args[0] in (1205, 1213):
                    if self.history:
                        self.history[-1].outcome = histories.REFUSED
                    self.quietly(connection, "ROLLBACK")
                    continue
                if connection is not None:
                    try:
                        connection.close()
                    except (pymysql.err.Error, OSError):
                        pass
                connection = None
                self.stop.wait(0.2)

    @staticmethod
    def quietly(connection, statement):
        try:
            connection.query(statement)
        except (pymysql.err.Error, OSError):
            pass

    def move(self, cursor, _):
        source, target = self.random.sample(range(ACCOUNTS), 2)
        cursor.execute("BEGIN")
        cursor.execute("UPDATE accounts SET balance = balance - 1 WHERE id = %s", (source,))
        cursor.execute("UPDATE accounts SET balance = balance + 1 WHERE id = %s", (target,))
        cursor.execute("COMMIT")

    def insert(self, cursor, sequence):
        first = self.number * 10_000_000 + sequence * 2
        cursor.execute("BEGIN")
        for row in (first, first + 1):
            cursor.execute("INSERT INTO written VALUES (%s, %s)", (row, self.number))
        cursor.execute("COMMIT")
        self.acknowledged.update((first, first + 1))

    def append(self, cursor, sequence):
        """Reads two lists and appends to one of them, or to both. Half of the clients read a snapshot and let COMMIT find
        conflicts, the others lock what they read: both must look like snapshot isolation."""
        element = self.number * 1_000_000 + sequence
        keys = sorted(self.random.sample(range(LISTS), 2))
        writes = keys if self.random.random() < 0.5 else [self.random.choice(keys)]
        event = histories.Event(element, {}, set(writes))
        self.history.append(event)
        optimistic = self.server == "sql1"
        cursor.execute(f"SET rutile_txn_mode = {'OPTIMISTIC' if optimistic else 'PESSIMISTIC'}")
        cursor.execute("BEGIN")
        lock = "" if optimistic else " ORDER BY id FOR UPDATE"
        cursor.execute("SELECT id, v FROM lists WHERE id IN (%s, %s)" + lock, keys)
        event.reads = {key: [int(word) for word in text.split(",") if word] for key, text in cursor.fetchall()}
        for key in writes:
            cursor.execute("UPDATE lists SET v = CONCAT(v, %s) WHERE id = %s", (f"{element},", key))
        event.outcome = histories.UNKNOWN
        cursor.execute("COMMIT")
        event.outcome = histories.COMMITTED


def shapes(cluster):
    """Name, and what cuts the network."""
    everybody = list(HOSTS)
    parts = [name for name in everybody if not name.startswith("sql")]

    def others(*names):
        return [name for name in parts if name not in names]

    def leader():
        alone = cluster.leading_store()
        cluster.cut([alone], others(alone))
        return f"{alone} sees SQL servers only"

    def pd():
        alone = cluster.leading_pd()
        cluster.cut([alone], [name for name in everybody if name != alone])
        return f"{alone} sees nobody"

    def minority():
        store, driver = cluster.leading_store(), cluster.leading_pd()
        side = [store, driver, "sql1"]
        cluster.cut(side, [name for name in everybody if name not in side])
        return ", ".join(side) + " see each other only"

    def deaf():
        store = cluster.leading_store()
        cluster.drop(store, others(store))
        return f"{store} hears SQL servers only, and is heard"

    def flapping():
        store = cluster.leading_store()
        for _ in range(6):
            cluster.cut([store], others(store))
            time.sleep(1)
            cluster.heal()
            time.sleep(1)
        return f"{store} was alone for a second, six times"

    return {"leader": leader, "pd": pd, "minority": minority, "deaf": deaf, "flapping": flapping}


def until_all_get_on(clients, since):
    """Seconds until every client has done something more; None when one does not in time."""
    before = {client: client.done for client in clients}
    while time.monotonic() - since < RECOVERS_WITHIN_S:
        if all(client.done > before[client] for client in clients):
            return time.monotonic() - since
        time.sleep(0.1)
    return None


def connect():
    return pymysql.connect(host=f"{NET}{HOSTS['sql1']}", port=4000, user="root", password=PASSWORD, autocommit=True)


def check(clients):
    problems = []
    with connect().cursor() as cursor:
        cursor.execute("ADMIN CHECK TABLE p.accounts, p.written")
        cursor.execute("SELECT CAST(SUM(balance) AS SIGNED) FROM p.accounts")
        total = cursor.fetchone()[0]
        cursor.execute("SELECT id FROM p.written")
        present = {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT id, v FROM p.lists")
        final = {key: [int(word) for word in text.split(",") if word] for key, text in cursor.fetchall()}
    if total != ACCOUNTS * BALANCE:
        problems.append(f"the accounts hold {total}")
    lost = sorted(set().union(*(client.acknowledged for client in clients)) - present)
    if lost:
        problems.append(f"{len(lost)} acknowledged rows are gone: {lost[:10]}")
    halves = [row for row in present if row ^ 1 not in present]
    if halves:
        problems.append(f"half a transaction: {halves[:10]}")
    events = [event for client in clients for event in client.history]
    problems += histories.problems(events, final)
    problems += [complaint for client in clients for complaint in client.complaints]
    counts = collections.Counter(event.outcome for event in events)
    print(f"{len(present)} rows, {sum(c.done for c in clients if c.kind == 'move')} transfers, appends: {dict(counts)}")
    return problems


def rounds(options, cluster):
    with connect().cursor() as cursor:
        for statement in SCHEMA:
            cursor.execute(statement)
    stop = threading.Event()
    kinds = [(kind, server) for kind in WORKERS for server in ("sql1", "sql2")]
    clients = [Client(number + 1, kind, server, stop) for number, (kind, server) in enumerate(kinds)]
    for client in clients:
        client.start()
    problems = []
    if until_all_get_on(clients, time.monotonic()) is None:
        told = [f"{c.kind} at {c.server}: {c.done} done, last trouble: {c.trouble}" for c in clients]
        sys.exit("clients do not get on before any cut:\n" + "\n".join(told))
    known = shapes(cluster)
    for name in options.shapes.split(","):
        for client in clients:
            client.gap, client.last = 0.0, time.monotonic()
        started = time.monotonic()
        what = known[name]()
        time.sleep(max(0.0, options.seconds - (time.monotonic() - started)))
        gaps = sorted(max(client.gap, time.monotonic() - client.last) for client in clients)
        cluster.heal()
        recovered = until_all_get_on(clients, time.monotonic())
        print(f"{name}: {what}; clients stood still for {gaps[0]:.1f} to {gaps[-1]:.1f} s; "
              + (f"all got on {recovered:.1f} s after the end" if recovered is not None else "NOT all got on"), flush=True)
        if recovered is None:
            problems.append(f"{name}: a client did not get on within {RECOVERS_WITHIN_S} s")
    stop.set()
    for client in clients:
        client.join(60)
    return problems + check(clients)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--shapes", default="leader,pd,minority,deaf,flapping")
    options = parser.parse_args()
    require("a namespace", ["ip", "iptables"])
    if pymysql is None:
        not_run("PyMySQL is not installed")
    with tempfile.TemporaryDirectory() as folder, Cluster(options.binary, pathlib.Path(folder)) as cluster:
        problems = rounds(options, cluster)
    if problems:
        sys.exit("\n".join(problems))
    print("nothing acknowledged was lost, every history is one of snapshot isolation, every index equals its table")


try:
    import pymysql
except ImportError:
    pymysql = None

if __name__ == "__main__":
    main()
