#!/usr/bin/env python3
"""Whole-process comparison of Rutile with a MySQL server, by Debian's sysbench.

    tests/bench/sysbench.py --rutile 4000 --mysql 3308 [--seconds 20] [--threads 1,8,32] [--tests a,b]

Both servers run on this machine and are driven in turn, so that each ratio comes from one run. Server
CPU is utime + stime of the server process divided by the statements it answered: on shared cores it
says more than throughput, which the client's own cost caps. Prints Markdown for docs/benchmarks.md.
"""
import argparse
import os
import re
import subprocess
import sys

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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rutile", type=int, default=4000)
    parser.add_argument("--mysql", type=int, default=3308)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--threads", default="1,8,32")
    parser.add_argument("--tests", default="oltp_point_select,oltp_read_only,oltp_write_only,oltp_read_write")
    options = parser.parse_args()

    for port in (options.rutile, options.mysql):
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
