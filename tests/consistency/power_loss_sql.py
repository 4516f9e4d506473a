#!/usr/bin/env python3
"""Loss of power on a real file system under SQL clients, again and again.

The server writes to a loop-mounted ext4 that is shut down under it without flushing the journal (see power_loss.py),
mounted again and served again. Clients insert rows and move money between accounts; the ids whose INSERT or COMMIT
was acknowledged are kept here. After each start every one of them is there, no transaction by half, the accounts
hold what they held, and ADMIN CHECK TABLE finds each index equal to its table. With --control syncs do nothing
(eatmydata): then acknowledged rows must be lost, or this test could not fail.

    tests/consistency/power_loss_sql.py [--cycles 50] [--control] target/debug/rutile

Needs root, loop devices, ext4 and PyMySQL. Where it can not run it says "NOT RUN: <reason>" and exits 2.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

from power_loss import Disk, not_run, require

WRITERS, BANKERS, ACCOUNTS, BALANCE = 6, 3, 12, 1000
ENDS_WITHIN_S = 20
RETRIED = (1205, 1213)
SCHEMA = (
    "CREATE DATABASE survival",
    "CREATE TABLE survival.written (id BIGINT PRIMARY KEY, writer INT NOT NULL, note VARCHAR(300), KEY by_writer (writer))",
    "CREATE TABLE survival.accounts (id INT PRIMARY KEY, balance BIGINT NOT NULL, KEY by_balance (balance))",
    "INSERT INTO survival.accounts VALUES " + ", ".join(f"({account}, {BALANCE})" for account in range(ACCOUNTS)),
)


class Life:
    """One start of the server on the disk, up to the loss of power."""

    def __init__(self, options, disk, folder):
        command = [options.binary, "start", "--port", "0", "--status-port", "0"]
        command += ["--data-dir", str(disk.mount_point / "data")]
        if options.control:
            command.insert(0, "eatmydata")
        self.log = open(folder / "log", "a+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = None
        for line in self.process.stdout:
            ready = re.match(r"ready mysql=\S+:(\d+)", line)
            if ready:
                self.port = int(ready.group(1))
                break

    def connect(self):
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True)

    def end(self):
        """Whether the process ended by itself once its disk was gone."""
        try:
            self.process.wait(ENDS_WITHIN_S)
            return True
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False


class Load:
    """Clients that work until their connections break."""

    def __init__(self, life, cycle, enough):
        self.life, self.cycle, self.enough = life, cycle, enough
        self.acknowledged, self.complaints = set(), []
        self.reached = threading.Event()
        work = [(self.write, writer) for writer in range(WRITERS)] + [(self.move, banker) for banker in range(BANKERS)]
        self.threads = [threading.Thread(target=self.guard, args=pair) for pair in work]
        for thread in self.threads:
            thread.start()

    def guard(self, work, number):
        try:
            connection = self.life.connect()
            with connection.cursor() as cursor:
                cursor.execute("USE survival")
                work(cursor, number)
        except pymysql.err.OperationalError as error:
            # Gone away, or the server says that its disk is: both are the loss of power.
            if error.args[0] not in (2003, 2006, 2013, 1021, 1105, 1180):
                self.complaints.append(str(error))
        except (pymysql.err.Error, OSError) as error:
            if isinstance(error, pymysql.err.IntegrityError):
                self.complaints.append(str(error))
        finally:
            # Nobody is left to reach it when all have failed.
            others = [thread for thread in self.threads if thread is not threading.current_thread()]
            if not any(thread.is_alive() for thread in others):
                self.reached.set()

    def write(self, cursor, writer):
        insert = "INSERT INTO written VALUES (%s, %s, %s)"
        sequence = 0
        while True:
            first = (self.cycle * WRITERS + writer) * 1_000_000 + sequence * 2
            ids = [first, first + 1] if sequence % 3 == 2 else [first]
            if len(ids) == 2:
                cursor.execute("BEGIN")
            for row in ids:
                cursor.execute(insert, (row, writer, "n" * (sequence % 300)))
            if len(ids) == 2:
                cursor.execute("COMMIT")
            self.acknowledged.update(ids)
            if len(self.acknowledged) >= self.enough:
                self.reached.set()
            sequence += 1

    def move(self, cursor, banker):
        step = 0
        while True:
            source, target = (banker * 5 + step * 3) % ACCOUNTS, (banker * 5 + step * 4 + 1) % ACCOUNTS
            step += 1
            try:
                cursor.execute("BEGIN")
                cursor.execute("UPDATE accounts SET balance = balance - 1 WHERE id = %s", (source,))
                cursor.execute("UPDATE accounts SET balance = balance + 1 WHERE id = %s", (target,))
                cursor.execute("COMMIT")
            except pymysql.err.OperationalError as error:
                if error.args[0] not in RETRIED:
                    raise
                cursor.execute("ROLLBACK")


def check(life, acknowledged):
    """What is wrong with what the server has now, if anything."""
    connection = life.connect()
    with connection.cursor() as cursor:
        cursor.execute("ADMIN CHECK TABLE survival.written, survival.accounts")
        cursor.execute("SELECT id FROM survival.written")
        present = {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT CAST(SUM(balance) AS SIGNED) FROM survival.accounts")
        total = cursor.fetchone()[0]
    connection.close()
    lost = sorted(acknowledged - present)
    if lost:
        return f"{len(lost)} acknowledged rows are gone: {lost[:10]}"
    halves = [row for row in present if row % 1_000_000 // 2 % 3 == 2 and row ^ 1 not in present]
    if halves:
        return f"half a transaction: {halves[:10]}"
    return None if total == ACCOUNTS * BALANCE else f"the accounts hold {total}"


def cycles(options, disk, folder, counts):
    acknowledged = set()
    for cycle in range(options.cycles + 1):
        life = Life(options, disk, folder)
        if life.port is None:
            return f"cycle {cycle}: the server does not start, see its log:\n" + (folder / "log").read_text()[-1500:]
        if cycle == 0:
            connection = life.connect()
            with connection.cursor() as cursor:
                for statement in SCHEMA:
                    cursor.execute(statement)
            connection.close()
        complaint = check(life, acknowledged)
        if complaint or cycle == options.cycles:
            life.process.terminate()
            life.end()
            return complaint and f"cycle {cycle}: {complaint}"
        load = Load(life, cycle, 60 + cycle * 37 % 150)
        load.reached.wait()
        disk.lose_power()
        counts["ended by itself" if life.end() else "had to be killed"] += 1
        for thread in load.threads:
            thread.join()
        if load.complaints:
            return f"cycle {cycle}: {load.complaints[:3]}"
        acknowledged |= load.acknowledged
        counts["rows acknowledged"] = len(acknowledged)
        disk.unmount()
        disk.mount()
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--cycles", type=int, default=3)
    parser.add_argument("--control", action="store_true")
    options = parser.parse_args()
    require("mounting", ["mkfs.ext4", "losetup"] + ["eatmydata"] * options.control)
    if pymysql is None:
        not_run("PyMySQL is not installed")
    counts = {"ended by itself": 0, "had to be killed": 0, "rows acknowledged": 0}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        try:
            disk = Disk(folder)
        except RuntimeError as error:
            not_run(str(error))
        try:
            complaint = cycles(options, disk, folder, counts)
        finally:
            disk.unmount()
    print(counts)
    if options.control:
        print("control: " + ("rows were lost, as they must be" if complaint else "NOTHING was lost"))
        sys.exit(0 if complaint else 1)
    if complaint:
        sys.exit(complaint)
    print("nothing acknowledged was lost, the accounts hold what they held, every index equals its table")


try:
    import pymysql
except ImportError:
    pymysql = None

if __name__ == "__main__":
    main()
