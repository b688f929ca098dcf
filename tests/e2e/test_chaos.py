"""Everything is killed at random while stacks are changed; afterwards desired = observed, and nothing ran twice.

DROVER_E2E_SEED=N repeats a choice of kills (the machine's timing is not repeated).
"""
import collections
import http.client
import os
import random
import signal
import threading
import time

from harness import FULL, E2E, Refused, alive, all_pids, environment_of, service

LASTS = 60 if FULL else 12  # seconds


class Watch(threading.Thread):
    """Looks all the time whether two processes run for one instance."""

    def __init__(self, marker):
        super().__init__(daemon=True)
        self.marker, self.ended, self.twice, self.looks = marker, threading.Event(), [], 0

    def living(self):
        """{instance id: {pid}}; each of our services is one process."""
        out = collections.defaultdict(set)
        for pid in all_pids():
            environment = environment_of(pid)
            if self.marker not in environment:
                continue
            for value in environment.split(b"\0"):
                if value.startswith(b"DROVER_INSTANCE=") and alive(pid):
                    out[value.partition(b"=")[2].decode()[:36]].add(pid)
        return out

    def run(self):
        while not self.ended.wait(0.03):
            self.looks += 1
            for instance, pids in self.living().items():
                if len(pids) > 1:
                    self.twice.append((instance, sorted(pids)))


class Chaos(E2E):
    def test_anything_may_die_at_any_time(self):
        seed = int(os.environ.get("DROVER_E2E_SEED", str(random.randrange(1 << 30))))
        print(f"DROVER_E2E_SEED={seed}")
        rng = random.Random(seed)
        hub, agents = self.fleet("n1", "n2")
        mark = f"chaos-{os.getpid()}-{seed}"
        watch = Watch(f"CHAOS={mark}".encode())
        watch.start()
        self.addCleanup(watch.ended.set)
        end, wanted, deeds = time.monotonic() + LASTS, {}, collections.Counter()
        while time.monotonic() < end:
            deed = rng.choice(["apply", "apply", "hub", "agent", "agent", "keeper", "guard", "rest"])
            deeds[deed] += 1
            if deed == "apply":
                self.change(hub, rng, wanted, mark)
            elif deed == "hub":
                hub.kill()
                time.sleep(rng.random() * 0.3)
                hub.start()
            elif deed == "agent":
                agent = rng.choice(agents)
                agent.kill()
                time.sleep(rng.random() * 0.3)
                agent.start(wait=False)
            elif deed in ("keeper", "guard"):
                pid = rng.choice(agents).keeper()[deed == "keeper"]
                if alive(pid):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(rng.random() * 0.4)
        print(dict(deeds), f"{len(wanted)} stacks, {watch.looks} looks")
        for agent in agents:
            agent.wait_online()
        for name, scale in wanted.items():
            self.wait_states(hub.api, name, {f"s-{i}": "ready" for i in range(1, scale + 1)}, 60)
        self.assertEqual(watch.twice, [])
        self.wait_for("just what is desired lives", lambda: self.settled(hub, watch), 15)
        self.assertTrue(hub.api.get("/audit/verify")["ok"])
        for name in wanted:
            hub.cli("rm", name, "--yes", "--wait")
        self.wait_for("nothing lives", lambda: not watch.living(), 10)

    def change(self, hub, rng, wanted, mark):
        name, scale = f"c{rng.randrange(4)}", rng.randrange(1, 6)
        stack = {"name": name, "services": {"s": service(
            ["sleep", "1000"], scale=scale, environment={"CHAOS": mark, "V": str(rng.randrange(3))}, update={"batch": 2})}}
        try:
            hub.api.apply(stack)
        except (OSError, http.client.HTTPException, Refused) as error:
            raise AssertionError(f"the hub was there and did not answer: {error!r}") from None
        wanted[name] = scale

    @staticmethod
    def settled(hub, watch):
        shown = {i["id"]: {i.get("pid")} for i in hub.api.items("/instances")}
        return dict(watch.living()) == shown
