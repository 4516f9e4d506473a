#!/usr/bin/env python3
"""Loss of power on a real file system, again and again.

A loop-mounted ext4 is shut down under a writing store (EXT4_IOC_SHUTDOWN without flushing the journal), so that
everything not synced is gone, then mounted again. The store is the program of kv/client/tests/crash; the ids it
acknowledged are kept here, outside, and given to its next life, which checks them. With --control syncs do nothing
(eatmydata): then acknowledged rows must be lost, or this test could not fail.

    tests/consistency/power_loss.py [--cycles 50] [--control] [path of the crash test binary]

Needs root, loop devices and ext4. Where it can not run it says "NOT RUN: <reason>" and exits 2.
"""

import argparse
import fcntl
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

TEST = "kill::acknowledged_work_survives_kill_9"
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
IMAGE_BYTES = 2 << 30
ENDS_WITHIN_S = 20


def not_run(reason):
    print(f"NOT RUN: {reason}")
    sys.exit(2)


def require(what, tools):
    """Ends where there is no root, which `what` needs, or one of the tools is missing."""
    if os.geteuid():
        not_run(f"{what} needs root")
    for tool in tools:
        if not shutil.which(tool):
            not_run(f"{tool} is not installed")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")


def build():
    command = ["cargo", "test", "-p", "rutile-kv-client", "--test", "crash", "--no-run", "--message-format=json"]
    built = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    messages = (json.loads(line) for line in built.stdout.splitlines())
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "crash")


class Disk:
    """A file system that can lose its power."""

    def __init__(self, folder):
        self.image, self.mount_point = folder / "disk.img", folder / "disk"
        self.mount_point.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(IMAGE_BYTES)
        run("mkfs.ext4", "-q", "-F", self.image)
        self.mount()

    def mount(self):
        run("mount", "-o", "loop", self.image, self.mount_point)

    def lose_power(self):
        handle = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(handle)

    def unmount(self):
        run("umount", self.mount_point)


class Program:
    """One life; `acknowledged` grows by what it says."""

    def __init__(self, binary, disk, folder, acknowledged, life, control):
        listed = folder / "acknowledged"
        listed.write_text("".join(f"{row}\n" for row in sorted(acknowledged)))
        environment = dict(
            os.environ,
            RUTILE_CRASH_DIRECTORY=str(disk.mount_point / "data"),
            RUTILE_CRASH_ACKNOWLEDGED=str(listed),
        )
        if life:
            environment["RUTILE_CRASH_LIFE"] = str(life)
        command = [binary, "--exact", TEST, "--nocapture"]
        if control:
            command.insert(0, "eatmydata")
        self.acknowledged = acknowledged
        self.errors = open(folder / "stderr", "w+")
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )

    def read(self):
        line = self.process.stdout.readline()
        words = line.split()
        if len(words) >= 2 and words[-2] == "ack" and line.endswith("\n"):
            self.acknowledged.add(int(words[-1]))
        return line

    def read_until(self, condition):
        while line := self.read():
            if condition(line):
                return True
        return False

    def end(self):
        """Its exit status, and whether it ended by itself."""
        alone = True
        signal.alarm(ENDS_WITHIN_S)
        try:
            while self.read():
                pass
            self.process.wait()
        except TimeoutError:
            alone = False
            self.process.kill()
            while self.read():
                pass
            self.process.wait()
        finally:
            signal.alarm(0)
        return self.process.returncode, alone

    def complaint(self):
        self.errors.seek(0)
        return self.errors.read()[-2000:]


def timed_out(*_):
    raise TimeoutError


def cycles(options, disk, folder):
    acknowledged = set()
    endings = {"stopped by itself": 0, "killed": 0}
    for cycle in range(1, options.cycles + 1):
        program = Program(options.binary, disk, folder, acknowledged, cycle, options.control)
        if not program.read_until(lambda line: line.endswith("ready\n")):
            program.end()
            return f"cycle {cycle}: {program.complaint()}", acknowledged, endings
        rows = len(acknowledged) + 10 + cycle * 37 % 150
        program.read_until(lambda _: len(acknowledged) >= rows)
        disk.lose_power()
        status, alone = program.end()
        endings["stopped by itself" if alone and status == -signal.SIGABRT else "killed"] += 1
        disk.unmount()
        disk.mount()
    program = Program(options.binary, disk, folder, acknowledged, None, options.control)
    status, _ = program.end()
    return (program.complaint() if status else None), acknowledged, endings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("binary", nargs="?")
    parser.add_argument("--cycles", type=int, default=15)
    parser.add_argument("--control", action="store_true")
    options = parser.parse_args()
    require("mounting", ["mkfs.ext4", "losetup"] + ["eatmydata"] * options.control)
    options.binary = options.binary or build()
    signal.signal(signal.SIGALRM, timed_out)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        try:
            disk = Disk(folder)
        except RuntimeError as error:
            not_run(str(error))
        try:
            complaint, acknowledged, endings = cycles(options, disk, folder)
        finally:
            disk.unmount()
    print(f"{sum(endings.values())} power failures, {len(acknowledged)} rows acknowledged, {endings}")
    if options.control:
        print("control: " + ("rows were lost, as they must be" if complaint else "NOTHING was lost"))
        sys.exit(0 if complaint else 1)
    if complaint:
        print(complaint)
        sys.exit(1)
    print("nothing acknowledged was lost, the sum is what it was")


if __name__ == "__main__":
    main()
