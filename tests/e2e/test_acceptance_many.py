"""Acceptance tests 27 and 28: many instances, and kills at random, leave nothing behind. The table is in acceptance.md.

Here in small; `./dev soak SECONDS` runs 1,000 instances ten times, and kills for a third of its time.
"""
import os
import pathlib
import random
import signal
import time

from harness import FULL, PATIENCE, all_pids, alive, descendants, environment_of, keeper_of, memory_of, service, stat_of
from machine import SHADOW, OneMachine

MANY, ROUNDS = (1000, 10) if FULL else (40, 3)
KILLS_FOR = float(os.environ.get("DROVER_E2E_SOAK", "4"))  # seconds
GROWTH = (8 << 20) + SHADOW // 4  # bytes: what allocators keep is no leak


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cgroups():
    """Those of Drover, of all hierarchies."""
    mounts = [line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines() if "cgroup" in line.split()[2]]
    return sum(1 for mount in mounts for path in pathlib.Path(mount).rglob("*drover*") if path.is_dir())


class Many(OneMachine):
    def setUp(self):
        super().setUp()
        # A sanitizer keeps what is freed, for a while; that is no leak either.
        self.env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "detect_leaks=1") + ":quarantine_size_mb=1"
        self.bare()

    def ours(self):
        return {"up": self.up_pid(self.state), **dict(zip(("guard", "keeper"), keeper_of(self.state / "agent")))}

    def zombies(self):
        return [pid for pid in descendants(self.ours()["guard"]) if (stat_of(pid) or " ")[0] == "Z"]

    def counts(self):
        """What must not grow: descriptors of each of ours."""
        return {name: descriptors(pid) for name, pid in self.ours().items()}

    def memory(self):
        return {name: memory_of(pid) for name, pid in self.ours().items()}

    def settled_memory(self):
        if FULL:
            time.sleep(65)  # old tasks go each minute
        return self.memory()

    def test_many_started_and_stopped_again_and_again(self):
        """27: no descriptor, zombie, cgroup or memory is left."""
        self.run_here({"name": "t", "services": {"a": service(["sleep", "1000"], scale=MANY, update={"batch": MANY})}},
                      limit=60 + MANY / 10)
        self.cli("stop", "t", "--wait", state=self.state, timeout=60 + MANY / 5)
        counts, folders, memory = self.counts(), cgroups(), None
        for turn in range(ROUNDS):
            self.cli("start", "t", "--wait", state=self.state, timeout=60 + MANY / 5)
            pids = [i["pid"] for i in self.api.instances("t").values()]
            self.assertEqual(len([p for p in pids if alive(p)]), MANY)
            began = time.monotonic()
            self.cli("ps", state=self.state)
            if turn == ROUNDS - 1:
                print(f"drover ps of {MANY}: {(time.monotonic() - began) * 1000:.0f} ms")
            self.cli("stop", "t", "--wait", state=self.state, timeout=60 + MANY / 5)
            self.assertEqual([p for p in pids if alive(p)], [])
            if turn == ROUNDS // 2:  # the hub keeps its last 10,000 finished tasks: by now it has as many
                memory = self.settled_memory()
        self.wait_for("no zombies", lambda: not self.zombies(), 5)
        self.wait_for("no more descriptors than before", lambda: all(
            now <= counts[name] + 4 for name, now in self.counts().items()), 10)
        self.wait_for("no more cgroups than before", lambda: cgroups() <= folders, 10)
        grown = {name: now - memory[name] for name, now in self.settled_memory().items()}
        print("grown by", grown)
        self.assertLess(max(grown.values()), GROWTH, grown)
        self.down()

    def test_kills_at_random_leave_memory_flat(self):
        """28: services, keeper and guard are killed; what runs is what shall run, and nothing of ours grows."""
        self.run_here({"name": "t", "services": {"a": service(
            ["sleep", "1000"], scale=20, environment={"DROVER_E2E_KILLS": str(self.base)},
            restart={"policy": "always", "backoff": "10ms..100ms", "give_up": "never"})}})
        rng, end, before, kills = random.Random(7), time.monotonic() + KILLS_FOR, None, 0
        began = time.monotonic()
        while time.monotonic() < end:
            ours = self.ours()
            pids = [i["pid"] for i in self.api.instances("t").values() if i.get("pid")]
            victim = rng.choice(["service"] * 12 + ["keeper", "guard"])
            pid = rng.choice(pids) if victim == "service" and pids else ours.get(victim, 0)
            if pid and alive(pid):
                os.kill(pid, signal.SIGKILL)
                kills += 1
            time.sleep(0.05)
            if before is None and time.monotonic() - began > KILLS_FOR / 3:
                before = self.memory()["up"]
        self.wait_states(self.api, "t", {f"a-{n}": "ready" for n in range(1, 21)}, 60)
        grown = self.memory()["up"] - before
        print(f"{kills} kills, grown by {grown >> 10} KiB")
        self.assertLess(grown, GROWTH)
        pids = {i["pid"] for i in self.api.instances("t").values()}
        self.assertEqual(len(pids), 20)
        self.wait_for("no zombies", lambda: not self.zombies(), 5 * PATIENCE)
        marker = f"DROVER_E2E_KILLS={self.base}".encode()
        self.assertEqual({p for p in all_pids() if marker in environment_of(p) and alive(p)}, pids)
        self.down()
