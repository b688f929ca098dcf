#!/usr/bin/env python3
"""Drover beside supervisord, PM2, s6 and runit: the same programs, in the same run, one supervisor at a time.

supervision.py [--quick] [--only PART,…] [--peers NAME,…] [--kills N] [--services N] [--log-mib N] [--idle-s N]
Parts: kill, many (start, memory, idle, ps), logs, tree. The peers are fetched into build/peers (lib/peers.py).
"""
import argparse
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from rig import BIN, Rig, figure, median, percentile  # noqa: E402

import capture  # noqa: E402
import harness  # noqa: E402
import peers  # noqa: E402

PROGRAM = BIN / "bench_supervised"
SETTLE = 3  # seconds before memory and idleness are looked at


class Ours(peers.Peer):
    """`drover up -d`: hub and agent in one process, keeper, guard."""
    name, note = "Drover", "restart always, backoff 0"

    def __init__(self, rig):
        super().__init__(rig.base)
        self.rig, self.state = rig, rig.base / "s"
        rig.states.append(self.state)
        rig.env.update(DROVER_AGENT_LISTEN=f"127.0.0.1:{harness.free_port()}",
                       DROVER_HUB_LISTEN=f"127.0.0.1:{harness.free_port()}")

    def up(self, services):
        if not services:
            return self.begin("--bare")
        stack = {"name": "bench", "services": {
            name: {"command": list(map(str, command)), "restart": {"policy": "always", "backoff": "0s..0s", "give_up": 0},
                   "stop": {"grace": "2s"}} for name, command in services.items()}}
        self.begin(self.rig.write_stack(stack))

    def begin(self, *what):
        self.rig.cli("up", "-d", *what, state=self.state, timeout=300)
        self.pid = self.rig.up_pid(self.state)

    def stop(self, service):
        self.rig.cli("stop", service, state=self.state)

    def own(self, _program):
        return [self.pid, *harness.keeper_of(self.state / "agent")]

    def end(self):
        self.rig.cli("down", state=self.state, check=None, timeout=300)


@contextlib.contextmanager
def place(kind):
    """A supervisor that is not started yet, in a directory of its own; afterwards nothing of it is left."""
    with Rig() as rig:
        one = kind(rig) if kind is Ours else kind(rig.base)
        try:
            yield rig, one
        finally:
            one.end()
            end_all()


def end_all():
    """What a peer has left behind: orphans come to us."""
    for _ in range(3):
        for pid in harness.descendants(os.getpid()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def births(path):
    """[(pid, monotonic ns)] of `bench_supervised born`, whole lines only."""
    try:
        text = path.read_text()
    except OSError:
        return []
    return [tuple(map(int, line.split())) for line in text[:text.rfind("\n") + 1].splitlines()]


def wait_births(path, count, limit, pause=0.002):
    return harness.wait_until(f"{count} starts in {path}", lambda: (b := births(path)) and len(b) >= count and b, limit, pause)


def with_peers(name, unit, ours, others, conditions, floor=None):
    """One line for Drover with the best peer's ratio in it, one for each peer."""
    for peer, value in others.items():
        if value is not None:
            figure(f"{name}.{peer.lower()}", value, unit, conditions)
    known = [v for v in others.values() if v]
    more = f"; best peer {min(known):.3g}" if known and unit != "MiB/s" else f"; best peer {max(known):.3g}" if known else ""
    figure(name, ours, unit, conditions + more, floor)


# ---- kill to running ----------------------------------------------------------------------------------------------

def kill_rounds(path, count, pause):
    took = []
    for _ in range(count):
        time.sleep(pause)
        before = births(path)
        began = time.monotonic_ns()
        os.kill(before[-1][0], signal.SIGKILL)
        took.append((wait_births(path, len(before) + 1, 10)[-1][1] - began) / 1e6)
    return took


def kill_of(kind, options):
    """runit and s6 wait where a service lived for less than a second: they get a longer pause between two kills."""
    with place(kind) as (rig, one):
        path = rig.base / "born"
        one.up({peers.NAME: [PROGRAM, "born", path]})
        wait_births(path, 1, 20)
        return kill_rounds(path, options.kills, 1.2 if kind in (peers.S6, peers.Runit) else 0.1)


def floor_of_kill(options):
    with Rig() as rig:
        path = rig.base / "born"
        loop = subprocess.Popen([str(PROGRAM), "keep", str(path), str(options.kills + 1)])
        wait_births(path, 1, 5)
        took = kill_rounds(path, options.kills, 0.1)
        loop.kill()
        loop.wait(5)
        end_all()
        return took


def kills(options, kinds):
    bare = floor_of_kill(options)
    found = {kind.name: kill_of(kind, options) for kind in [Ours, *kinds]}
    conditions = f"kill -9 of a service until its program runs again; no delay configured; {options.kills} times"
    for word, part in (("p50", 0.5), ("p99", 0.99)):
        ours = percentile(found[Ours.name], part)
        others = {k: percentile(v, part) for k, v in found.items() if k != Ours.name}
        with_peers(f"supervision.kill.{word}", "ms", ours, others, conditions,
                   (percentile(bare, part), "a bare loop of pidfd and posix_spawn"))


# ---- many services ------------------------------------------------------------------------------------------------

def memory(pids):
    return sum(harness.memory_of(pid) for pid in pids) / 2**20


def activity(pids):
    """{pid: (context switches, ns on a core)}, all threads."""
    out = {}
    for pid in pids:
        switches = spent = 0
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
            spent += int((task / "schedstat").read_text().split()[0])
            switches += sum(int(line.split()[1]) for line in (task / "status").read_text().splitlines() if "ctxt_switches" in line)
        out[pid] = (switches, spent)
    return out


def idle(one, seconds):
    """({pid: wake-ups a second}, share of a core in percent) over so many seconds."""
    pids = one.own(PROGRAM)
    before = activity(pids)
    time.sleep(seconds)
    after = activity(pids)
    wakes = {pid: (after[pid][0] - before[pid][0]) / seconds for pid in pids}
    return wakes, sum(after[p][1] - before[p][1] for p in pids) / seconds / 1e7


def population(kind, count, options):
    """One start of `count` services: when all ran, what it costs, how still it is."""
    with place(kind) as (rig, one):
        path = rig.base / "born"
        began = time.monotonic_ns()
        one.up({f"{peers.NAME}{i}": [PROGRAM, "born", path] for i in range(count)})
        all_born = wait_births(path, count, 120, 0.05)[-1][1] if count else began
        time.sleep(SETTLE)
        out = {"start": (all_born - began) / 1e6, "memory": memory(one.own(PROGRAM))}
        if count == options.few:
            out["idle"] = idle(one, options.idle_s)
        if kind is Ours and count == options.services:
            out["ps"] = ps_times(rig, one)
        return out


def ps_times(rig, one):
    times = []
    for _ in range(15):
        began = time.monotonic_ns()
        subprocess.run([str(BIN / "drover"), "ps", "--state", str(one.state)], stdout=subprocess.DEVNULL, env=rig.env, check=True)
        times.append((time.monotonic_ns() - began) / 1e6)
    return times


def floor_of_start(count):
    with Rig() as rig:
        path = rig.base / "born"
        began = time.monotonic_ns()
        loop = subprocess.Popen([str(PROGRAM), "many", str(path), str(count)])
        took = (wait_births(path, count, 60)[-1][1] - began) / 1e6
        loop.terminate()
        loop.wait(20)
        return took


def agent_memory(count):
    """A joined `drover agent` with its keeper and guard: the hub is elsewhere."""
    with Rig() as rig:
        hub, (agent,) = rig.fleet("n1")
        if count:
            hub.api.apply({"name": "m", "services": {"w": {"command": [str(PROGRAM), "born", str(rig.base / "born")], "scale": count}}})
            wait_births(rig.base / "born", count, 120, 0.05)
        time.sleep(SETTLE)
        found = memory([agent.daemon.pid, *[pid for pid in agent.keeper() if pid]])
        rig.cli("down", state=agent.state, check=None, timeout=120)
        return found


def many(options, kinds):
    count, names = options.services, [k.name for k in kinds]
    bare = floor_of_start(count)
    found = {k.name: {n: population(k, n, options) for n in (0, options.few, options.services)} for k in [Ours, *kinds]}
    with_peers(f"supervision.start.{count}", "ms", found["Drover"][count]["start"], {n: found[n][count]["start"] for n in names},
               f"from the command until the last of {count} services runs", (bare, "a bare posix_spawn loop"))
    for number in (0, options.few, count):
        with_peers(f"supervision.memory.{number}", "MiB", found["Drover"][number]["memory"],
                   {n: found[n][number]["memory"] for n in names},
                   f"proportional set size of all its own processes, {number} idle services; Drover: `drover up`, a hub included")
        figure(f"supervision.memory.agent.{number}", agent_memory(number), "MiB",
               f"`drover agent`, keeper and guard, {number} idle services; proportional set size")
    few = {n: found[n][options.few] for n in ["Drover", *names]}
    conditions = f"{options.few} services without probes, {options.idle_s} s"
    with_peers("supervision.idle.cpu", "% of a core", few["Drover"]["idle"][1], {n: few[n]["idle"][1] for n in names}, conditions)
    with_peers("supervision.idle.wakeups", "1/s", sum(few["Drover"]["idle"][0].values()),
               {n: sum(few[n]["idle"][0].values()) for n in names}, conditions + "; context switches of all its threads")
    for what, wakes in zip(("up", "guard", "keeper"), few["Drover"]["idle"][0].values()):
        figure(f"supervision.idle.wakeups.{what}", wakes, "1/s", conditions)
    figure(f"supervision.ps.{count}", median(found["Drover"][count]["ps"]), "ms", f"drover ps with {count} instances, median of 15")


# ---- the tree -----------------------------------------------------------------------------------------------------

def tree_of(kind):
    with place(kind) as (rig, one):
        path = rig.base / "tree"
        one.up({peers.NAME: [PROGRAM, "tree", path]})
        harness.wait_until("the tree", lambda: len(path.read_text().splitlines()) >= 5, 20)
        one.stop(peers.NAME)
        time.sleep(3)
        return [what for what, pid in map(str.split, path.read_text().splitlines()) if harness.alive(int(pid))]


def tree(_options, kinds):
    for kind in [Ours, *kinds]:
        left = tree_of(kind)
        suffix = "" if kind is Ours else "." + kind.name.lower()
        figure(f"supervision.tree{suffix}", len(left), "processes", "left 3 s after a stop, of main, child, one that ignores "
               f"SIGTERM, one with its own session, one forked twice; {kind.note}" + (f"; left: {', '.join(left)}" if left else ""))


# ---- logs ---------------------------------------------------------------------------------------------------------

def logs(options, kinds):
    ways = [capture.bare, capture.drover] + [w for k, w in ((peers.S6, capture.s6_log), (peers.Runit, capture.svlogd),
                                                            (peers.Pm2, capture.pm2)) if k in kinds]
    found = {}
    for way in ways:
        with Rig() as rig:
            try:
                found[way.__name__] = way(rig, PROGRAM, options.log_mib)
            finally:
                end_all()
    conditions = f"{options.log_mib} MiB in lines of 100 bytes, writes of 64 KiB; every line stored with its time"
    for name, (speed, content) in found.items():
        if name not in ("bare", "drover"):
            figure(f"supervision.log.{name}", speed, "MiB/s", conditions + "; " + capture.told(content))
    speed, content = found["drover"]
    figure("supervision.log", speed, "MiB/s", conditions + "; " + capture.told(content), (found["bare"][0], "a bare split and stamp"))


PARTS = {"kill": kills, "many": many, "logs": logs, "tree": tree}


FULL = {"kills": 100, "services": 1000, "few": 100, "log_mib": 1024, "idle_s": 20}
QUICK = {"kills": 15, "services": 100, "few": 10, "log_mib": 128, "idle_s": 5}


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="small numbers: shows that it works, measures little")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--peers", default=",".join(k.name for k in peers.PEERS))
    for name, value in FULL.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, help=f"default {value}, quick {QUICK[name]}")
    options = parser.parse_args()
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def main():
    options = read_options()
    wanted = options.peers.lower().split(",")
    kinds = [k for k in peers.found() if k.name.lower() in wanted]
    if kinds:
        peers.fetch()
    harness.become_subreaper()
    well = True
    for part in options.only.split(","):
        try:
            PARTS[part](options, kinds)
        except Exception:  # the other parts have their figures still
            traceback.print_exc()
            well = False
    sys.exit(0 if well else 1)


main()
