#!/usr/bin/env python3
"""The hub with many agents: `drover hub` as it is, and agents that are simulated at the protocol's level, over real mutual TLS.

hub.py [--quick] [--only PART,…] [--agents N,…] [--idle-s N]
Parts: idle (memory, what heartbeats cost), restart (all come back after kill -9; the API meanwhile). Two processes share the machine.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from rig import BIN, Rig, figure, percentile  # noqa: E402

import harness  # noqa: E402

PROGRAM = BIN / "bench_fleet"


class Fleet:
    """bench_fleet with its events."""

    def __init__(self, hub, count):
        self.count = count
        self.place = tempfile.TemporaryDirectory(dir="/dev/shm", prefix="drover-fleet-")
        line = hub.cli("token", "create", "--uses", count, "--ttl", "1h").stdout.strip().splitlines()[-1]
        self.process = subprocess.Popen([str(PROGRAM), line, str(count), self.place.name], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def expect(self, event, limit):
        timer = threading.Timer(limit, self.process.kill)
        timer.start()
        try:
            while line := self.process.stdout.readline():
                found = json.loads(line)
                if found["event"] == event:
                    return found
        finally:
            timer.cancel()
        raise TimeoutError(f"no \"{event}\" from the fleet within {limit} s")

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                return self.expect("ended", 60)
            finally:
                self.process.kill()
                self.process.wait()
                self.place.cleanup()


def cpu_ns(pid):
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").glob("*"))


def resident(pid):
    fields = dict(line.split(":") for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


class Asker(threading.Thread):
    """Asks the API all the time, until stopped."""

    def __init__(self, api):
        super().__init__(daemon=True)
        self.api, self.took, self.stopping = api, [], False

    def run(self):
        while not self.stopping:
            began = time.monotonic()
            try:
                self.api.get("/instances?limit=100")
                self.took.append((time.monotonic() - began) * 1e3)
            except Exception:  # down, or coming up
                self.took.append((time.monotonic() - began) * 1e3) if self.took else None
            time.sleep(0.02)


def fleet_of(count, options):
    with Rig() as rig:
        hub = harness.Hub(rig, heartbeat="5s", lost_after="30s", log_level="warn")
        pid = hub.daemon.pid
        empty = resident(pid)
        fleet = Fleet(hub, count)
        try:
            joined = fleet.expect("joined", 600)
            figure(f"hub.join.{count}", joined["ms"] / count, "ms", f"one join (key, handshake, certificate), {count} of them, both sides")
            connected = fleet.expect("connected", 600)
            figure(f"hub.connect.{count}", connected["ms"] / 1e3, "s", f"{count} agents connect, both sides on these processors")
            time.sleep(7)
            before = cpu_ns(pid)
            time.sleep(options.idle_s)
            share = (cpu_ns(pid) - before) / options.idle_s / 1e7
            figure(f"hub.idle.memory.{count}", resident(pid), "MiB", f"resident; {empty:.1f} before the first agent; {count} agents idle")
            figure(f"hub.idle.memory.each.{count}", (resident(pid) - empty) * 1024 / count, "KiB", "for one agent")
            figure(f"hub.idle.cpu.{count}", share, "% of a core", f"{count} agents, a heartbeat every 5 s each")
            if "restart" in options.parts:
                restart(hub, fleet, count)
        finally:
            ended = fleet.end()
            if ended:
                figure(f"hub.heartbeat.p99.{count}", ended["p99_ms"], "ms", f"{ended['heartbeats']} heartbeats until their answers; median {ended['p50_ms']}")


def restart(hub, fleet, count):
    hub.daemon.kill()
    began = time.monotonic()
    hub.start()
    up = time.monotonic() - began
    asker = Asker(hub.api)
    asker.start()
    back = fleet.expect("connected", 300)
    took = time.monotonic() - began
    asker.stopping = True
    asker.join(10)
    suspects = [n["name"] for n in hub.api.items("/nodes") if n["state"] in ("suspect", "lost")]
    figure(f"hub.return.{count}", took, "s", f"kill -9 of the hub until all {count} have a session again; {back['dials']} dials; it answered after {up:.2f} s")
    figure(f"hub.return.api.p99.{count}", percentile(asker.took, 0.99), "ms", f"GET /instances?limit=100 meanwhile, {len(asker.took)} times; suspect or lost then: {len(suspects)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="idle,restart")
    parser.add_argument("--agents", default="")
    parser.add_argument("--idle-s", type=int, default=0)
    options = parser.parse_args()
    options.parts = options.only.split(",")
    options.idle_s = options.idle_s or (5 if options.quick else 30)
    counts = options.agents or ("100" if options.quick else "1000,10000")
    harness.become_subreaper()
    well = True
    for count in map(int, counts.split(",")):
        try:
            fleet_of(count, options)
        except Exception:
            traceback.print_exc()
            well = False
    sys.exit(0 if well else 1)


main()
