"""Several nodes: what is applied comes to be, changes, and goes without a trace."""
import collections
import concurrent.futures
import json
import os
import random
import re
import shutil
import socket
import subprocess
import time
import urllib.request

from harness import (Agent, BIN, E2E, Hub, ROOT, Api, Refused, alive,
                     command_of, descendants, environment_of, free_port, free_ports, numbered, service, shell)


# Children, grandchildren, some of them in sessions of their own, one that does not care for TERM.
FAMILY = shell("sleep 3001 & setsid sleep 3002 & (setsid sh -c 'trap : TERM; sleep 3003 & while :; do sleep 1; done' &) ; "
               "sh -c 'sleep 3004 & wait' & while :; do sleep 1; done")


class Levels(E2E):
    def test_nothing_is_left_on_hosts_with_less(self):
        """Without cgroup.kill, without cgroup2, without any cgroup: stopped means that nothing is left."""
        for level in ("cgroup2-freeze", "freezer", "subreaper"):
            with self.subTest(level=level):
                self.env["DROVER_KEEPER_LEVEL"] = level
                hub = Hub(self, name=f"hub-{level}")
                node = Agent(self, hub, f"on-{level}")
                tree = {"name": "t", "services": {"tree": service(FAMILY, stop={"grace": "500ms"})}}
                self.wait_deployment(hub.api, hub.api.apply(tree))
                below = lambda: [p for p in descendants(node.keeper()[0]) if "sleep 3" in command_of(p)]
                self.wait_for("the family", lambda: len(below()) >= 7)
                pids = below()
                hub.cli("rm", "t", "--yes", "--wait")
                self.assertEqual([p for p in pids if alive(p)], [])


class Stacks(E2E):
    def test_apply_change_scale_stop_delete(self):
        hub, _ = self.fleet("n1", "n2")
        api = hub.api
        stack = {"name": "app", "services": {"tree": service(FAMILY, scale=2, stop={"grace": "1s"}),
                                             "plain": service(self.appending("plain"), scale="per-node")}}
        self.wait_deployment(api, api.apply(stack))
        found = api.instances("app")
        self.assertEqual(sorted(found), ["plain@n1", "plain@n2", "tree-1", "tree-2"])
        self.assertEqual({found["tree-1"]["node"], found["tree-2"]["node"]}, {"n1", "n2"})
        self.wait_for("two trees", lambda: len(self.members("app", "tree")) >= 14, 10)

        again = api.apply(stack)
        self.assertEqual((again["changed"], again["revision"]), (False, 1))
        stack["services"]["plain"]["environment"] = {"VERSION": "2"}
        answer = api.apply(stack)
        self.assertEqual((answer["changed"], answer["revision"]), (True, 2))
        self.wait_deployment(api, answer)
        changed = api.instances("app")
        self.assertEqual(changed["tree-1"]["pid"], found["tree-1"]["pid"])
        self.assertIn(b"VERSION=2", environment_of(changed["plain@n1"]["pid"]))
        self.assertEqual(len(self.starts("plain")), 4)

        hub.cli("scale", "app/tree", "3", "--wait")
        self.wait_states(api, "app", {n: "ready" for n in ("plain@n1", "plain@n2", "tree-1", "tree-2", "tree-3")})
        hub.cli("scale", "app/tree", "1", "--wait")
        self.wait_states(api, "app", {n: "ready" for n in ("plain@n1", "plain@n2", "tree-1")})
        self.assertEqual(api.instance("app", "tree-1")["pid"], found["tree-1"]["pid"])

        hub.cli("stop", "app/tree", "--wait")
        self.wait_for("no process of tree", lambda: not self.members("app", "tree"), 10)
        hub.cli("start", "app/tree", "--wait")
        self.wait_for("the tree again", lambda: len(self.members("app", "tree")) >= 7, 10)

        hub.cli("rm", "app", "--yes", "--wait")
        self.wait_gone(api, "app")
        self.assertEqual(self.members("app"), {})
        self.assertEqual(api.instances("app"), {})

    def members(self, stack, of_service=""):
        """Processes of a stack, whoever their parent is: they inherit what the agent put into the environment."""
        wanted = {i["id"] for i in Api(self.base / "hub").items("/instances")
                  if i["stack"] == stack and i["service"].startswith(of_service)} if of_service else None
        out = {}
        for pid in self.left_over():
            values = dict(v.split(b"=", 1) for v in environment_of(pid).split(b"\0") if b"=" in v)
            token = values.get(b"DROVER_INSTANCE", b"").decode()
            if token and (wanted is None or any(w in token for w in wanted)):
                out[pid] = token
        return out

    def test_ready_of_a_service_on_one_node_starts_a_dependant_on_another(self):
        hub, _ = self.fleet("n1", "n2")
        flag = self.base / "flag"
        stack = {"name": "dep", "services": {
            "db": service(self.appending("db"), place={"strategy": "manual", "nodes": ["n1"]},
                          probes={"ready": {"exec": ["/usr/bin/test", "-e", str(flag)], "interval": "100ms"}}),
            "job": service(shell(f"echo done >> {self.base}/job"), kind="job", depends_on={"db": "ready"},
                           place={"strategy": "manual", "nodes": ["n2"]}),
            "app": service(self.appending("app"), depends_on={"job": "completed"},
                           place={"strategy": "manual", "nodes": ["n1"]})}}
        answer = hub.api.apply(stack)
        self.wait_for("db runs", lambda: self.starts("db"))
        time.sleep(1)
        self.assertEqual(self.starts("job") + self.starts("app"), [])
        self.assertIn("db", hub.cli("why", "dep/job").stdout)
        flag.touch()
        self.wait_deployment(hub.api, answer)
        self.wait_states(hub.api, "dep", {"db-1": "ready", "job-1": "completed", "app-1": "ready"})
        self.assertEqual((len(self.starts("db")), len(self.starts("job")), len(self.starts("app"))), (1, 1, 1))
        nodes = {n: i["node"] for n, i in hub.api.instances("dep").items()}
        self.assertEqual(nodes, {"db-1": "n1", "job-1": "n2", "app-1": "n1"})

    def test_hundred_simultaneous_applies_of_one_file(self):
        hub, _ = self.fleet("n1")
        stack = {"name": "same", "services": {"a": service(self.appending("a"), scale=2, working_dir="/"),
                                              "b": service(self.appending("b"), working_dir="/")}}
        path = self.write_stack(stack)

        def apply(index):
            if index % 10 == 0:  # some by the command line itself
                return json.loads(hub.cli("apply", path, "-o", "json", "--no-wait").stdout)
            return Api(hub.state, 60).apply(stack)
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(apply, range(100)))
        self.assertEqual({a["revision"] for a in answers}, {1})
        self.assertEqual(sum(a["changed"] for a in answers), 1)
        deployments = [d for d in hub.api.items("/deployments") if d["stack"] == "same"]
        self.assertEqual(len(deployments), 1, deployments)
        self.wait_ended(hub.api, deployments[0]["id"])
        self.assertEqual(len(hub.api.get("/stacks/same/revisions")["items"]), 1)
        self.assertEqual(sorted(hub.api.instances("same")), ["a-1", "a-2", "b-1"])
        time.sleep(0.5)
        self.assertEqual((len(self.starts("a")), len(self.starts("b"))), (2, 1))

    def test_second_revision_while_the_first_is_half_way(self):
        hub, _ = self.fleet("n1", "n2")
        stack = {"name": "roll", "services": {
            "web": service(self.appending("web"), scale=4, environment={"V": "1"}, update={"batch": 1, "healthy_for": "300ms"},
                           probes={"ready": {"exec": ["/usr/bin/true"], "interval": "200ms"}})}}
        self.wait_deployment(hub.api, hub.api.apply(stack))
        stack["services"]["web"]["environment"]["V"] = "2"
        second = hub.api.apply(stack)
        self.wait_for("half way", lambda: sum(not i["outdated"] and i["state"] == "ready"
                                              for i in hub.api.instances("roll").values()) in (1, 2, 3))
        stack["services"]["web"]["environment"]["V"] = "3"
        third = hub.api.apply(stack)
        self.assertEqual(third["revision"], 3)
        self.wait_deployment(hub.api, third)
        self.assertEqual(hub.api.get(f"/deployments/{second['deployment']}")["state"], "superseded")
        found = hub.api.instances("roll")
        self.assertEqual(sorted(found), [f"web-{i}" for i in (1, 2, 3, 4)])
        for instance in found.values():
            self.assertEqual((instance["state"], instance["revision"]), ("ready", 3))
            self.assertIn(b"V=3", environment_of(instance["pid"]))
        self.assertLess(len(self.starts("web")), 12)  # those that had not been touched skipped revision 2

    def test_cancel_racing_completion(self):
        """Whoever wins, the record and the processes agree, and what is desired comes to be in the end."""
        hub, _ = self.fleet("n1")
        final = ("completed", "failed", "cancelled")
        totals, wanted = {}, [f"a-{i}" for i in range(1, 9)]
        for attempt in range(5):
            name = f"race{attempt}"
            hub.api.apply({"name": name, "services": {"a": service(self.appending(name), scale=8)}})
            tasks = self.wait_for("its tasks", lambda n=name: [t for t in hub.api.items("/tasks") if t["stack"] == n], 5, 0.002)
            time.sleep(0.01 * attempt)

            def cancel(task):
                try:
                    Api(hub.state).call("POST", f"/tasks/{task['id']}/cancel")
                except Refused as refused:
                    self.assertEqual(refused.status, 409, refused)  # it had ended
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                list(pool.map(cancel, random.sample(tasks, len(tasks))))
            ended = self.wait_for("all tasks end", lambda n=name: (lambda all_: all_ if all(t["state"] in final for t in all_) else None)(
                [t for t in hub.api.items("/tasks") if t["stack"] == n]))
            cancelled = {t["instance"]: t["id"] for t in ended if t["state"] == "cancelled"}
            self.wait_states(hub.api, name, {n: "failed" if n in cancelled else "ready" for n in wanted})
            for lost in cancelled:  # a person's word holds, and is named
                self.assertIn("cancelled by", hub.api.instance(name, lost)["reason"])
            self.assertEqual(sum(alive(int(p)) for p in self.starts(name)), 8 - len(cancelled), name)
            for task in cancelled.values():
                hub.api.call("POST", f"/tasks/{task}/retry")
            self.wait_states(hub.api, name, dict.fromkeys(wanted, "ready"))
            outcomes = collections.Counter(t["state"] for t in ended)
            totals[name] = dict(outcomes)
            self.assertEqual(outcomes["failed"], 0, ended)
            started = self.starts(name)
            self.assertEqual(sum(alive(int(p)) for p in started), 8, name)
            self.assertTrue(8 <= len(started) <= 8 + len(cancelled), (outcomes, started))
        print("cancel racing completion:", totals)

    def test_crash_loop_ends_in_failed_with_reason_and_last_lines(self):
        hub, _ = self.fleet("n1")
        stack = {"name": "loop", "services": {"crash": service(
            shell(f"echo >> {self.base}/crash; echo reading the config; echo no such file: app.conf >&2; exit 3"),
            probes={"ready": {"exec": ["/usr/bin/test", "-e", "/nowhere"], "interval": "1s"}},
            restart={"policy": "always", "backoff": "50ms..100ms", "give_up": "3 in 10m"})}}
        answer = hub.api.apply(stack)
        self.wait_states(hub.api, "loop", {"crash-1": "failed"})
        instance = hub.api.instance("loop", "crash-1")
        self.assertIn("exit 3", instance["last_exit"])
        self.assertTrue(instance["reason"], instance)
        self.assertIn("no such file: app.conf", "\n".join(instance["last_lines"]))
        self.wait_ended(hub.api, answer["deployment"], "failed")
        self.assertIn("exit 3", hub.cli("why", "loop/crash-1").stdout)
        self.assertEqual(hub.cli("status", "loop/crash-1", check=None).returncode, 1)
        count = len(self.starts("crash"))
        self.assertIn(count, (3, 4))
        time.sleep(1)
        self.assertEqual(len(self.starts("crash")), count)
        self.assertIn("reading the config", "\n".join(hub.api.lines("loop", "crash-1")))

    def test_busy_port_names_its_holder_and_burns_no_restart(self):
        hub, _ = self.fleet("n1")
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            stack = {"name": "busy", "services": {"web": service(
                ["python3", "-m", "http.server", str(port), "--bind", "127.0.0.1"], ports=[{"name": "http", "published": port}],
                probes={"ready": {"tcp": f"127.0.0.1:{port}", "interval": "100ms"}})}}
            answer = hub.api.apply(stack)
            reason = self.wait_for("the holder is named", lambda: (
                lambda r: r if str(os.getpid()) in r else None)(hub.api.instance("busy", "web-1")["reason"]))
            self.assertIn(str(port), reason)
            time.sleep(0.5)
            self.assertEqual(hub.api.instance("busy", "web-1")["restarts"], 0)
            self.assertIn(str(os.getpid()), hub.cli("ps", "--no-trunc").stdout)
        self.wait_deployment(hub.api, answer, limit=90)
        self.assertEqual(hub.api.instance("busy", "web-1")["restarts"], 0)

    def test_wrong_file_changes_nothing(self):
        hub, _ = self.fleet("n1")
        path = self.base / "wrong.yaml"
        path.write_text("name: wrong\nservices:\n  web:\n    command: [sleep, '1']\n    scale: many\n    colour: red\n    working_dir: /\n")
        result = hub.cli("apply", path, check=2)
        self.assertRegex(result.stderr, r"wrong\.yaml:5:\d+.*\n(.*\n)*.*wrong\.yaml:6:\d+")
        self.assertEqual(hub.api.items("/stacks"), [])
        status, text, _ = hub.api.raw("PUT", "/stacks/wrong", path.read_text(), {"Content-Type": "application/yaml"})
        self.assertIn(status, (400, 422))
        self.assertEqual([e["line"] for e in json.loads(text)["errors"]], [5, 6])
        self.assertEqual(hub.api.items("/stacks"), [])

    def test_rollback_and_revisions(self):
        hub, _ = self.fleet("n1")
        stack = {"name": "back", "services": {"a": service(self.appending("a"), environment={"V": "1"})}}
        self.wait_deployment(hub.api, hub.api.apply(stack))
        stack["services"]["a"]["environment"]["V"] = "2"
        self.wait_deployment(hub.api, hub.api.apply(stack))
        hub.cli("rollback", "back", "--wait")
        instance = hub.api.instance("back", "a-1")
        self.assertIn(b"V=1", environment_of(instance["pid"]))
        self.assertEqual(hub.api.get("/stacks/back")["revision"], 3)

    def test_events_and_audit(self):
        hub, _ = self.fleet("n1")
        self.wait_deployment(hub.api, hub.api.apply({"name": "ev", "services": {"a": service(self.appending("a"))}}))
        self.assertIn("a-1", hub.cli("events").stdout)
        self.assertTrue(hub.api.get("/audit/verify")["ok"])
        actions = json.dumps(hub.api.items("/audit"))
        self.assertIn("ev", actions)

    def test_logs_follow_across_a_restart(self):
        hub, _ = self.fleet("n1")
        stack = {"name": "talk", "services": {"a": service(numbered(0.05, "hello from $$"))}}
        self.wait_deployment(hub.api, hub.api.apply(stack))
        with open(self.base / "followed.txt", "wb") as out:
            follower = subprocess.Popen([str(BIN / "drover"), "logs", "-f", "talk", "--state", str(hub.state)],
                                        env=self.env, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        try:
            text = lambda: (self.base / "followed.txt").read_text(errors="replace")
            self.wait_for("lines arrive", lambda: text().count("line ") > 5)
            hub.cli("restart", "talk/a", "--wait")
            self.wait_for("lines after the restart", lambda: text().count("hello from") == 2)
        finally:
            follower.terminate()
            follower.wait(10)

    def test_shop_on_three_nodes(self):
        for program in ("redis-server", "nginx"):
            if not shutil.which(program) and not os.path.exists(f"/usr/sbin/{program}"):
                self.skipTest(f"{program} is not installed")
        base_port = self.copy_shop()
        hub, _ = self.fleet("north", "south", "west")
        self.env["SHOP_DATA"] = str(self.base / "data")
        try:
            hub.cli("apply", self.base / "examples/shop.yaml", "--wait", "--timeout", "90s", timeout=100)
            for _ in range(3):
                with urllib.request.urlopen(f"http://127.0.0.1:{base_port}/", timeout=10) as answer:
                    self.assertEqual(answer.status, 200)
            request = urllib.request.Request(f"http://127.0.0.1:{base_port}/buy/apple", method="POST")
            with urllib.request.urlopen(request, timeout=10) as answer:
                self.assertEqual(answer.status, 200)
            states = {n: i["state"] for n, i in hub.api.instances("shop").items()}
            self.assertEqual(states, {"redis-1": "ready", "migrate-1": "completed", "app-1": "ready", "app-2": "ready",
                                      "nginx-1": "ready"})
        finally:
            hub.cli("rm", "shop", "--yes", "--wait", "--timeout", "60s", timeout=70, check=None)
        self.wait_gone(hub.api, "shop")
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", base_port), timeout=1)

    def copy_shop(self):
        """The example with free ports: others may use its own. The shop's own port."""
        front, redis = free_ports(2)
        app = free_port()
        while any(self.taken(app + i) for i in (1, 2)):
            app = free_port()
        shutil.copytree(ROOT / "examples", self.base / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        for path in (self.base / "examples").rglob("*"):
            if path.is_file():
                text = path.read_text()
                for old, new in (("8801", app + 1), ("8802", app + 2), ("8800", front), ("6390", redis)):
                    text = re.sub(rf"\b{old}\b", str(new), text)
                path.write_text(text)
        return front

    @staticmethod
    def taken(port):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return False
            except OSError:
                return True

    def test_cordon_drain_labels_and_constraints(self):
        hub, _ = self.fleet("n1", "n2")
        hub.cli("node", "label", "n2", "site=home")
        stack = {"name": "where", "services": {
            "home": service(self.appending("home"), place={"constraints": ["label.site == home"]}),
            "any": service(self.appending("any"), scale=4)}}
        self.wait_deployment(hub.api, hub.api.apply(stack))
        nodes = {n: i["node"] for n, i in hub.api.instances("where").items()}
        self.assertEqual(nodes["home-1"], "n2")
        self.assertEqual({nodes[f"any-{i}"] for i in range(1, 5)}, {"n1", "n2"})
        hub.cli("node", "cordon", "n2")
        hub.cli("scale", "where/any", "6", "--wait")
        nodes = {n: i["node"] for n, i in hub.api.instances("where").items()}
        self.assertEqual({nodes["any-5"], nodes["any-6"]}, {"n1"})
        hub.cli("node", "uncordon", "n2")
        hub.cli("node", "drain", "n1", "--wait")
        self.wait_for("all are on n2", lambda: {i["node"] for i in hub.api.instances("where").values()} == {"n2"})
        self.wait_states(hub.api, "where", {n: "ready" for n in nodes})
        self.assertEqual(hub.cli("node", "rm", "n2", "--yes", check=None).returncode, 5)  # it is online and has instances
