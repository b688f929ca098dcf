#!/usr/bin/env python3
"""Kill to running again; submit to started through a hub and an agent; idle memory of both."""
import datetime
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from rig import Rig, figure, floors, percentile  # noqa: E402

import harness  # noqa: E402

ROUNDS = 60


def grown(path, size, limit=10):
    """Until the file is longer than `size`; watched without a pause that would be measured too."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            if os.stat(path).st_size > size:
                return
        except OSError:
            pass
        time.sleep(0.0002)
    raise AssertionError(f"{path} does not grow")


def submit_to_started(rig, hub):
    sync = floors("fsync", 200, rig.base)
    spawn = floors("spawn", 10)["spawn.10"][0] / 10
    answered, started = [], []
    for number in range(ROUNDS):
        stack = {"name": f"one{number}", "services": {"a": {"command": ["sleep", "1000"]}}}
        wall, began = time.time(), time.monotonic()
        hub.api.apply(stack)
        answered.append((time.monotonic() - began) * 1000)
        at = rig.wait_for("its start", lambda n=number: hub.api.instance(f"one{n}", "a-1").get("started_at"), 10, 0.002)
        at = datetime.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()
        started.append((at - wall) * 1000)
    bare = (sync["fsync.p50"][0] + spawn, "one fdatasync and one posix_spawn")
    conditions = f"PUT of a stack with one service, hub and agent as processes of their own over TLS; {ROUNDS} times"
    for part, word in ((0.5, "p50"), (0.99, "p99")):
        figure(f"submit.answered.{word}", percentile(answered, part), "ms", conditions + "; until the durable answer",
               (sync[f"fsync.{word}"][0], "one fdatasync"))
        figure(f"submit.started.{word}", percentile(started, part), "ms", conditions + "; until its process was started", bare)


def kill_to_running(rig, hub):
    floor = floors("respawn", 100)
    path = rig.base / "starts"
    restart = {"policy": "always", "backoff": "10ms..10ms", "give_up": 0}
    rig.wait_deployment(hub.api, hub.api.apply(
        {"name": "phoenix", "services": {"a": {"command": rig.appending("starts"), "restart": restart}}}))
    grown(path, 0)
    took = []
    for _ in range(ROUNDS):
        time.sleep(0.05)
        lines = path.read_text().split()
        size = path.stat().st_size
        began = time.monotonic()
        os.kill(int(lines[-1]), signal.SIGKILL)
        grown(path, size)
        took.append((time.monotonic() - began) * 1000)
    conditions = f"kill -9 of a service until its next incarnation writes; a backoff of 10 ms ± 20 % is part of it; {ROUNDS} times"
    for part, word in ((0.5, "p50"), (0.99, "p99")):
        figure(f"kill_to_running.{word}", percentile(took, part), "ms", conditions, floor[f"respawn.{word}"])


def main():
    with Rig() as rig:
        hub, (agent,) = rig.fleet("n1")
        time.sleep(1)
        figure("memory.hub.idle", harness.memory_of(hub.daemon.pid) / 2**20, "MiB", "one agent, no stack; proportional set size")
        figure("memory.agent.idle", harness.memory_of(agent.daemon.pid) / 2**20, "MiB", "connected, no service; proportional set size")
        kill_to_running(rig, hub)
        submit_to_started(rig, hub)


main()
