#!/usr/bin/env python3
"""Start of 10, 100 and 1,000 services by `drover up -d`; memory of each; idle memory; the command line itself."""
import datetime
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from rig import BIN, Rig, figure, floors, median  # noqa: E402

import harness  # noqa: E402


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def start(count):
    with Rig() as rig:
        state = rig.base / "s"
        rig.states.append(state)
        rig.env.update(DROVER_AGENT_LISTEN=f"127.0.0.1:{harness.free_port()}", DROVER_HUB_LISTEN=f"127.0.0.1:{harness.free_port()}")
        path = rig.write_stack({"name": "many", "services": {"s": {"command": ["sleep", "1000"], "scale": count}}})
        floor = floors("spawn", count)[f"spawn.{count}"]
        wall, began = time.time(), time.monotonic()
        rig.cli("up", "-d", path, state=state, timeout=300)
        took = (time.monotonic() - began) * 1000
        api = harness.Api(state, 60)
        instances = api.instances("many").values()
        starts = [seconds_of(i["started_at"]) for i in instances]
        assert len(starts) == count
        figure(f"start.{count}.first", (min(starts) - wall) * 1000, "ms", "from the command to the first process started")
        figure(f"start.{count}.last", (max(starts) - wall) * 1000, "ms", "from the command to the last process started", floor)
        figure(f"start.{count}.ready", took, "ms", "from the command until `drover up -d` says that all are ready and stay so", floor)
        memory(rig, state, count)
        began = time.monotonic()
        rig.cli("down", state=state, timeout=300)
        figure(f"stop.{count}", (time.monotonic() - began) * 1000, "ms", "drover down: until nothing is left")


def memory(rig, state, count):
    guard, keeper = harness.keeper_of(state / "agent")
    brain = harness.memory_of(rig.up_pid(state))
    hands = harness.memory_of(guard) + harness.memory_of(keeper)
    one = harness.memory_of(next(iter(harness.Api(state).instances("many").values()))["pid"])
    if count == 10:
        figure("memory.up", brain / 2**20, "MiB", "drover up with 10 services, proportional set size")
        figure("memory.keeper", hands / 2**20, "MiB", "keeper and guard with 10 services, proportional set size")
        memory.small = brain + hands
    elif count == 1000:
        figure("memory.per_service", (brain + hands - memory.small) / 990 / 1024, "KiB",
               "what one more service costs in drover up, keeper and guard; from 10 to 1,000",
               (one / 1024, "a `sleep` itself"))


def command_line():
    times = []
    for _ in range(30):
        began = time.monotonic()
        subprocess.run([str(BIN / "drover"), "--version"], stdout=subprocess.DEVNULL, check=True)
        times.append((time.monotonic() - began) * 1000)
    bare = []
    for _ in range(30):
        began = time.monotonic()
        subprocess.run(["/bin/true"], check=True)
        bare.append((time.monotonic() - began) * 1000)
    figure("cli.version", median(times), "ms", "drover --version, median of 30", (median(bare), "/bin/true, started the same way"))


def main():
    command_line()
    for count in (10, 100, 1000):
        start(count)


main()
