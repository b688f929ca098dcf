"""A cut network, a full disk, a host that was installed anew."""
import os
import re
import subprocess
import time

from harness import FULL, Agent, Daemon, E2E, Hub, Refused, alive, numbered, service, shell
from proxy import Proxy

CUT = 65 if FULL else 8  # seconds


class Network(E2E):
    def test_cut_network(self):
        """Services go on; what was changed meanwhile is caught up with: afterwards desired = observed."""
        hub = Hub(self, lost_after="3s")
        proxy = Proxy(hub.port)
        self.addCleanup(proxy.close)
        near, far = Agent(self, hub, "near"), Agent(self, hub, "far", through=proxy.port)
        flag = self.base / "flag"
        on_far = {"strategy": "manual", "nodes": ["far"]}
        stack = {"name": "net", "services": {
            "talk": service(numbered(), place=on_far), "keep": service(self.appending("keep"), place=on_far),
            "old": service(self.appending("old"), place=on_far, environment={"V": "1"}),
            "gone": service(self.appending("gone"), place=on_far),
            "crash": service(shell(f"echo $$ >> {self.base}/crash; while [ ! -e {flag} ]; do sleep 0.05; done; rm {flag}; exit 1"),
                             place=on_far, restart={"policy": "always", "backoff": "100ms..1s"}),
            "here": service(self.appending("here"), place={"strategy": "manual", "nodes": ["near"]})}}
        self.wait_deployment(hub.api, hub.api.apply(stack))
        before = hub.api.instances("net")
        proxy.cut()
        cut_at = time.monotonic()
        self.wait_for("far is lost", lambda: hub.api.get("/nodes/far")["state"] == "lost", 20)
        self.assertTrue(near.online())
        self.assertIn(hub.api.instance("net", "talk-1")["state"], ("unknown", "lost"))
        flag.touch()  # the agent restarts it without asking
        self.wait_for("a restart without the hub", lambda: len(self.starts("crash")) == 2)
        stack["services"]["old"]["environment"]["V"] = "2"
        del stack["services"]["gone"]
        stack["services"]["new"] = service(self.appending("new"), place=on_far)
        answer = hub.api.apply(stack)
        time.sleep(max(0, CUT - (time.monotonic() - cut_at)))
        self.assertTrue(all(alive(before[n]["pid"]) for n in ("talk-1", "keep-1", "old-1", "gone-1", "here-1")))
        self.assertEqual(self.starts("new"), [])
        proxy.heal()
        far.wait_online(40)
        self.wait_deployment(hub.api, answer, limit=60)
        self.wait_states(hub.api, "net", {n: "ready" for n in ("talk-1", "keep-1", "old-1", "crash-1", "here-1", "new-1")})
        after = hub.api.instances("net")
        for name in ("talk-1", "keep-1", "here-1"):
            self.assertEqual(after[name]["pid"], before[name]["pid"], name)
        self.assertFalse(alive(before["gone-1"]["pid"]))
        counts = {n: len(self.starts(n)) for n in ("keep", "old", "gone", "new", "here", "crash")}
        self.assertEqual(counts, {"keep": 1, "old": 2, "gone": 1, "new": 1, "here": 1, "crash": 2})
        found = [int(n) for line in hub.api.lines("net", "talk-1") for n in re.findall(r"^line (\d+)$", line)]
        self.assertEqual(found, list(range(1, len(found) + 1)))

    def test_a_flapping_link(self):
        hub = Hub(self)
        proxy = Proxy(hub.port)
        self.addCleanup(proxy.close)
        agent = Agent(self, hub, "far", through=proxy.port)
        answer = hub.api.apply({"name": "flap", "services": {"a": service(self.appending("a"), scale=10)}})
        for _ in range(6):
            time.sleep(0.15)
            proxy.heal()  # closes what there is
        agent.wait_online()
        self.wait_deployment(hub.api, answer, limit=60)
        self.assertEqual(len(self.starts("a")), 10)


class Replaced(E2E):
    def test_an_agent_reinstalled_with_replace(self):
        hub, (old,) = self.fleet("n1")
        stack = {"name": "re", "services": {"a": service(self.appending("a"), scale=2)}}
        self.wait_deployment(hub.api, hub.api.apply(stack))
        before = hub.api.instances("re")
        line = hub.cli("token", "create").stdout.strip()
        refused = self.cli("node", "join", line, "--name", "n1", state=self.base / "other", check=None)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("--replace", refused.stderr)

        old.daemon.stop()
        self.cli("down", state=old.state)  # the host is wiped: nothing of it runs any more
        self.assertFalse(any(alive(i["pid"]) for i in before.values()))
        new = Agent(self, hub, "n1", replace="n1", state=self.base / "n1-again")
        self.wait_for("both run again", lambda: all(
            i["state"] == "ready" and i["fresh"] and alive(i.get("pid", 0)) for i in hub.api.instances("re").values()), 40)
        self.assertEqual(sorted(hub.api.instances("re")), ["a-1", "a-2"])
        self.assertEqual(len(self.starts("a")), 4)
        self.assertEqual([n["name"] for n in hub.api.items("/nodes")], ["n1"])

        # The old disk was not wiped after all: its agent is refused, and what the hub shows is the new one's.
        after = {n: i["pid"] for n, i in hub.api.instances("re").items()}
        ghost = Daemon(self, "ghost", old.arguments)
        self.wait_for("it is told why", lambda: "revoked" in ghost.output(), 15)
        self.assertTrue(new.online())
        self.assertEqual({n: i["pid"] for n, i in hub.api.instances("re").items()}, after)

    def test_an_agent_reinstalled_while_its_services_live(self):
        """The state is lost, the processes are not: they are not started a second time beside themselves."""
        hub, (old,) = self.fleet("n1")
        self.wait_deployment(hub.api, hub.api.apply({"name": "re", "services": {"a": service(self.appending("a"))}}))
        pid = hub.api.instance("re", "a-1")["pid"]
        old.kill()
        for name in ("agent.db", "agent.db-wal", "agent.db-shm", "cert.pem", "key.pem", "uid", "hub", "pins", "ca.pem", "name"):
            (old.state / name).unlink(missing_ok=True)
        Agent(self, hub, "n1", replace="n1", state=old.state)
        self.wait_for("it runs", lambda: (lambda i: i["state"] == "ready" and i["fresh"])(hub.api.instance("re", "a-1")), 40)
        time.sleep(1)
        living = [p for p in self.starts("a") if alive(int(p))]
        self.assertEqual(len(living), 1, (pid, self.starts("a")))
        self.assertEqual(hub.api.instance("re", "a-1")["pid"], int(living[0]))


class FullDisk(E2E):
    def test_a_full_disk_under_the_agent(self):
        hub = Hub(self)
        small = self.base / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "none", str(small)], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"mounting is not permitted: {mounted.stderr.strip()}")
        self.mounts.append(small)
        agent = Agent(self, hub, "n1", state=small / "n1")
        flag = self.base / "flag"
        stack = {"name": "disk", "services": {
            "talk": service(numbered(0.005)), "keep": service(self.appending("keep")),
            "crash": service(shell(f"echo $$ >> {self.base}/crash; while [ ! -e {flag} ]; do sleep 0.05; done; rm {flag}; exit 1"),
                             restart={"policy": "always", "backoff": "100ms..1s"})}}
        self.wait_deployment(hub.api, hub.api.apply(stack))
        before = hub.api.instances("disk")
        self.fill(small / "ballast")
        time.sleep(1.5)
        flag.touch()
        self.wait_for("a restart on the full disk", lambda: len(self.starts("crash")) == 2, 20)
        self.assertTrue(all(alive(before[n]["pid"]) for n in ("talk-1", "keep-1")))
        self.assertFalse(agent.daemon.ended(), agent.daemon.output()[-2000:])
        stack["services"]["extra"] = service(self.appending("extra"))
        hub.api.apply(stack)
        time.sleep(2)
        self.assertTrue(alive(before["talk-1"]["pid"]))
        (small / "ballast").unlink()
        if agent.daemon.ended():
            agent.start()
        self.wait_states(hub.api, "disk", {n: "ready" for n in ("talk-1", "keep-1", "crash-1", "extra-1")}, 60)
        after = hub.api.instances("disk")
        for name in ("talk-1", "keep-1"):
            self.assertEqual(after[name]["pid"], before[name]["pid"], name)
        self.assertEqual((len(self.starts("keep")), len(self.starts("extra"))), (1, 1))
        hub.cli("rm", "disk", "--yes", "--wait")

    @staticmethod
    def fill(path):
        with open(path, "wb", buffering=0) as out:
            for block in (1 << 20, 4096, 1):
                try:
                    while True:
                        out.write(b"\0" * block)
                except OSError:
                    continue

    def test_a_full_disk_under_the_hub(self):
        small = self.base / "hub"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "none", str(small)], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"mounting is not permitted: {mounted.stderr.strip()}")
        self.mounts.append(small)
        hub, _ = self.fleet("n1")
        self.wait_deployment(hub.api, hub.api.apply({"name": "d", "services": {"a": service(self.appending("a"))}}))
        self.fill(small / "ballast")
        refused = None
        for number in range(400):
            stack = {"name": f"x{number}", "services": {"a": {"command": ["true"], "scale": 0, "environment": {"BIG": "y" * 100_000}}}}
            try:
                hub.api.apply(stack)
            except (Refused, OSError) as error:
                refused = error
                break
        self.assertIsNotNone(refused, "the disk is not full after all")
        self.assertFalse(hub.daemon.ended(), hub.daemon.output()[-2000:])
        self.assertEqual(hub.api.get("/summary")["hub_state"], "read_only")
        self.assertEqual(hub.api.instance("d", "a-1")["state"], "ready")
        (small / "ballast").unlink()
        self.wait_for("it takes changes again", lambda: self.applies(hub), 40)
        self.assertEqual(len(self.starts("a")), 1)

    @staticmethod
    def applies(hub):
        try:
            return hub.api.apply({"name": "after", "services": {"a": {"command": ["true"], "scale": 0}}})["revision"] == 1
        except Refused:
            return False
