#!/usr/bin/env python3
"""Whole-process comparison of Rutile with a MySQL server, by Debian's sysbench.

    tests/bench/sysbench.py --rutile 4000 --mysql 3308 [--seconds 20] [--threads 1,8,32] [--tests a,b] [--prepared]
    tests/bench/sysbench.py --load 1000000          rows through LOAD DATA LOCAL INFILE instead
    tests/bench/sysbench.py --binary target/release/rutile     start, memory and size instead

--prepared takes the tables as an earlier run left them, so that long tables of tests can be measured in pieces.

Both servers run on this machine and are driven in turn, so that each ratio comes from one run. Server
CPU is utime + stime of the server process divided by the statements it answered: on shared cores it
says more than throughput, which the client's own cost caps. Prints Markdown for docs/benchmarks.md.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

TABLES, ROWS = 4, 10_000


def sysbench(port, test, command, *extra):
    arguments = [
        "sysbench", test, "--db-driver=mysql", "--mysql-host=127.0.0.1", f"--mysql-port={port}",
        "--mysql-user=root", "--mysql-db=sbtest", f"--tables={TABLES}", f"--table-size={ROWS}", *extra, command,
    ]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def server_pid(port):
    listing = subprocess.run(["ss", "-ltnpH", f"sport = :{port}"], capture_output=True, text=True).stdout
    found = re.search(r"pid=(\d+)", listing)
    if not found:
        sys.exit(f"no process listens on port {port}")
    return int(found.group(1))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def client(port, statement):
    subprocess.run(
        ["mariadb", "-h127.0.0.1", f"-P{port}", "-uroot", "-e", statement], check=True, stdout=subprocess.DEVNULL
    )


def measure(port, test, threads, seconds):
    pid = server_pid(port)
    before = cpu_seconds(pid)
    text = sysbench(port, test, "run", f"--threads={threads}", f"--time={seconds}")
    spent = cpu_seconds(pid) - before
    queries = int(re.search(r"queries:\s+(\d+)", text).group(1))
    per_second = float(re.search(r"queries:\s+\d+\s+\(([\d.]+) per sec", text).group(1))
    errors = int(re.search(r"ignored errors:\s+(\d+)", text).group(1))
    return per_second, spent / queries * 1e6, errors


def load(port, rows, path):
    """Rows a second and CPU of the server per row."""
    client(port, "CREATE DATABASE IF NOT EXISTS sbtest; DROP TABLE IF EXISTS sbtest.loaded; CREATE TABLE sbtest.loaded"
           " (id INT PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL, KEY k (k))")
    pid = server_pid(port)
    before, started = cpu_seconds(pid), time.monotonic()
    subprocess.run(
        ["mariadb", "-h127.0.0.1", f"-P{port}", "-uroot", "--local-infile=1", "-e",
         f"SET GLOBAL local_infile = ON; LOAD DATA LOCAL INFILE '{path}' INTO TABLE sbtest.loaded"], check=True)
    seconds, spent = time.monotonic() - started, cpu_seconds(pid) - before
    return rows / seconds, spent / rows * 1e6


def bulk_load(options):
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        for row in range(options.load):
            text = f"{row * 7919 % 1_000_003:011d}-" * 10
            file.write(f"{row}\t{row * 7919 % 1_000_003}\t{text[:119]}\t{text[:59]}\n")
        file.flush()
        ours, peer = (load(port, options.load, file.name) for port in (options.rutile, options.mysql))
    print(f"| LOAD DATA of {options.load:,} rows | {ours[0]:.0f} rows/s | {peer[0]:.0f} rows/s | {ours[0] / peer[0]:.2f}x "
          f"| {ours[1]:.1f} | {peer[1]:.1f} | {ours[1] / peer[1]:.2f}x |")


def footprint(binary):
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        command = [binary, "start", "--port", "0", "--status-port", "0", "--data-dir", f"{folder}/data"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = next(m.group(1) for line in server.stdout if (m := re.match(r"ready mysql=\S+:(\d+)", line)))
            client(port, "SELECT 1")
            milliseconds = (time.monotonic() - started) * 1000
            time.sleep(5)
            status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
            memory = int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024
        finally:
            server.terminate()
            server.wait()
    print("| | |\n|---|---|")
    print(f"| start on an empty directory to the first SELECT, the client's own start included | {milliseconds:.0f} ms |")
    print(f"| memory when idle | {memory:.0f} MB |")
    print(f"| size of the binary | {os.path.getsize(binary) / 1e6:.0f} MB |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rutile", type=int, default=4000)
    parser.add_argument("--mysql", type=int, default=3308)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--threads", default="1,8,32")
    parser.add_argument("--tests", default="oltp_point_select,oltp_read_only,oltp_read_write,oltp_write_only,oltp_insert")
    parser.add_argument("--prepared", action="store_true")
    parser.add_argument("--load", type=int)
    parser.add_argument("--binary")
    options = parser.parse_args()

    if options.binary:
        return footprint(options.binary)
    if options.load:
        return bulk_load(options)
    for port in () if options.prepared else (options.rutile, options.mysql):
        client(port, "DROP DATABASE IF EXISTS sbtest; CREATE DATABASE sbtest")
        sysbench(port, "oltp_read_write", "prepare")
    print("| test | threads | Rutile q/s | MySQL q/s | throughput ratio | Rutile µs CPU/q | MySQL µs CPU/q | CPU ratio | ignored conflicts |")
    print("|---|---|---|---|---|---|---|---|---|")
    for test in options.tests.split(","):
        for threads in options.threads.split(","):
            ours = measure(options.rutile, test, threads, options.seconds)
            peer = measure(options.mysql, test, threads, options.seconds)
            print(
                f"| {test} | {threads} | {ours[0]:.0f} | {peer[0]:.0f} | {ours[0] / peer[0]:.2f}x "
                f"| {ours[1]:.1f} | {peer[1]:.1f} | {ours[1] / peer[1]:.2f}x | {ours[2]} / {peer[2]} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
