"""One machine: `drover up`, `down`, and what one looks with in between."""
import json
import os
import re
import signal
import subprocess
import time

from harness import Api, Daemon, alive, environment_of, free_port, numbered, service, shell
from machine import OneMachine


def web(port_name="http"):
    return service(["python3", "-m", "http.server", "{{port.%s}}" % port_name, "--bind", "127.0.0.1"],
                   ports=[{"name": port_name, "published": "auto"}],
                   probes={"ready": {"http": "http://127.0.0.1:{{port.%s}}/" % port_name, "interval": "200ms"}},
                   environment={"PYTHONUNBUFFERED": "1"})


class Up(OneMachine):
    def test_nothing_runs_and_reading_starts_nothing(self):
        for command in (["ps"], ["status"], ["logs"], ["why", "web"], ["events"], ["down"]):
            result = self.cli(*command, state=self.state, check=3)
            self.assertIn("error:", result.stderr)
            self.assertEqual(result.stdout, "")
        self.assertFalse((self.state / "hub.db").exists())
        self.assertEqual(self.left_over(), {})

    def test_up_ps_logs_status_why_down(self):
        self.up({"name": "one", "services": {"web": web(), "talk": service(numbered())}})
        table = self.cli("ps", state=self.state).stdout
        self.assertRegex(table, r"one/web-1\s+ready")
        self.assertRegex(table, r"one/talk-1\s+ready")
        items = json.loads(self.cli("ps", "-o", "json", state=self.state).stdout)["items"]
        pids = [i["pid"] for i in items]
        self.assertTrue(all(alive(p) for p in pids), items)

        self.assertIn("line 3", self.cli("logs", "talk", state=self.state).stdout)
        followed = self.cli("logs", "--grep", "line 7$", "talk", state=self.state).stdout
        self.assertIn("line 7", followed)
        self.assertNotIn("line 8", followed)
        status = self.cli("status", "one/talk-1", state=self.state).stdout
        self.assertIn(str(self.api.instance("one", "talk-1")["pid"]), status)
        self.assertIn("line ", status)
        self.assertIn("ready", self.cli("why", "talk-1", state=self.state).stdout)
        self.assertIn("nodes", self.cli("status", state=self.state).stdout)
        used = json.loads(self.cli("ps", "--usage", "-o", "json", state=self.state).stdout)["items"]
        self.assertTrue(all(i["memory_bytes"] > 100_000 and i["cpu_percent"] >= 0 and i["processes"] >= 1 for i in used), used)
        self.assertRegex(self.cli("ps", "--usage", state=self.state).stdout, r"one/web-1 .* %  +[\d.]+ MiB")

        self.assertIn("stopped", self.down(timeout=90).stderr)
        self.wait_for("the processes' end", lambda: not any(alive(p) for p in pids), 5)
        self.assertEqual(self.end_what_is_left(), [])
        self.cli("ps", state=self.state, check=3)

    def test_logs_by_level_time_and_as_records_and_the_ports(self):
        said = shell("echo '{\"level\":\"warn\",\"msg\":\"hot\",\"gpu\":1}'; echo all is well; exec sleep 1000")
        held = service(shell("exec sleep 1000"), ports=[{"name": "in", "published": "auto", "pass": "listen_fds"}])
        self.up({"name": "one", "services": {"web": web(), "talk": service(said), "other": service(said), "held": held}})
        logs = lambda *flags: self.cli("logs", *flags, state=self.state).stdout
        self.wait_for("both lines", lambda: logs("talk").count("all is well") == 1)
        self.assertEqual(logs("--no-names", "--level", "warn", "talk").count("\n"), 1)
        self.assertEqual(logs("--until", "10m", "talk"), "")
        self.assertEqual(logs("talk", "other").count("hot"), 2)
        first, second = (json.loads(line) for line in logs("-o", "jsonl", "talk").splitlines())
        self.assertEqual((first["level"], first["message"], first["gpu"]), ("warn", "hot", "1"))
        self.assertEqual((second["level"], second["message"], second["service"]), ("info", "all is well", "one/talk"))
        items = json.loads(self.cli("port", "ls", "-o", "json", state=self.state).stdout)["items"]
        passed, = (p for p in items if p["instance"] == "one/held-1")
        self.assertEqual((passed["state"], passed["ours"], passed["command"]), ("held", True, ""))
        port, = (p for p in items if p["instance"] == "one/web-1")
        self.assertEqual((port["instance"], port["name"], port["state"]), ("one/web-1", "http", "listening"))
        self.assertEqual(port["pid"], self.api.instance("one", "web-1")["pid"])
        self.assertIn("listening", self.cli("port", "ls", state=self.state).stdout)
        self.down(timeout=90)

    def test_up_again_applies_the_file_to_what_runs(self):
        stack = {"name": "one", "services": {"a": service(self.appending("a")), "b": service(self.appending("b"))}}
        self.up(stack)
        before = self.api.instances("one")
        stack["services"]["b"]["environment"] = {"NEW": "1"}
        self.up(stack)
        after = self.api.instances("one")
        self.assertEqual(before["a-1"]["pid"], after["a-1"]["pid"])
        self.assertNotEqual(before["b-1"]["pid"], after["b-1"]["pid"])
        self.assertIn(b"NEW=1", environment_of(after["b-1"]["pid"]))
        self.assertEqual((len(self.starts("a")), len(self.starts("b"))), (1, 2))
        self.down(timeout=90)

    def test_detached_up_fails_with_reason_and_last_lines(self):
        stack = {"name": "bad", "services": {"crash": service(
            shell("echo about to die; exit 3"), restart={"policy": "always", "backoff": "50ms..100ms", "give_up": "3 in 10m"})}}
        result = self.up(stack, check=1)
        self.assertIn("about to die", result.stderr)
        self.assertIn("exit 3", result.stderr)
        self.down(timeout=90)

    def test_wrong_file_changes_nothing(self):
        path = self.base / "wrong.yaml"
        path.write_text("name: wrong\nservices:\n  web:\n    comand: [sleep, '1']\n    restart: { policy: sometimes }\n"
                        "  api:\n    command: [sleep, '1']\n    depends_on: { wbe: ready }\n")
        result = self.cli("up", "-d", path, state=self.state, check=2)
        for place in (r"wrong\.yaml:4:\d+", r"wrong\.yaml:5:\d+", r"wrong\.yaml:8:\d+"):
            self.assertRegex(result.stderr, place)
        self.assertIn("command", result.stderr)  # the nearest word
        self.cli("ps", state=self.state, check=3)

        good = {"name": "wrong", "services": {"web": service(self.appending("web"))}}
        self.up(good)
        self.cli("apply", path, state=self.state, check=2)
        answer = self.cli("-o", "json", "apply", path, state=self.state, check=2)
        self.assertEqual(answer.stdout, "")
        lines = sorted(e["line"] for e in json.loads(answer.stderr)["errors"])
        self.assertEqual(lines[:1] + lines[-1:], [4, 8])
        self.assertEqual(self.api.get("/stacks/wrong")["revision"], 1)
        self.assertEqual(len(self.starts("web")), 1)
        self.down(timeout=90)

    def test_ctrl_c_stops_everything_in_order(self):
        order = self.base / "order"

        def traced(name):
            return shell(f"trap 'sleep 0.1; echo {name} >> {order}; exit 0' TERM; echo {name} is up; "
                         "while :; do sleep 0.05; done")
        stack = {"name": "one", "services": {
            "db": service(traced("db")),
            "api": service(traced("api"), depends_on={"db": "started"}),
            "web": service(traced("web"), depends_on={"api": "started"})}}
        up = Daemon(self, "up", ["up", self.write_stack(stack), "--state", self.state])
        self.wait_for("all logs are shown", lambda: all(f"{n} is up" in up.output() for n in ("db", "api", "web")), 40)
        pids = [i["pid"] for i in self.api.instances("one").values()]
        self.assertIn(up.stop(signal.SIGINT, 60), (0, 130), up.output())
        self.assertEqual(order.read_text().split(), ["web", "api", "db"])
        self.assertIn("everything is stopped", up.output())
        self.assertFalse(any(alive(p) for p in pids))
        self.assertEqual(self.end_what_is_left(), [])

    def test_kill_9_of_up_is_adopted_by_the_next(self):
        stack = {"name": "one", "services": {"talk": service(numbered()), "a": service(self.appending("a"))}}
        self.up(stack)
        before = self.api.instances("one")
        pid = self.up_pid(self.state)
        os.kill(pid, signal.SIGKILL)
        self.wait_for("its end", lambda: not alive(pid), 5)
        self.assertTrue(all(alive(i["pid"]) for i in before.values()))
        self.cli("ps", state=self.state, check=3)
        time.sleep(0.5)
        self.up(stack)
        after = self.api.instances("one")
        for name, instance in before.items():
            self.assertEqual(after[name]["pid"], instance["pid"])
            self.assertEqual(after[name]["started_at"], instance["started_at"])
        self.assertEqual(len(self.starts("a")), 1)
        numbers = [int(n) for n in re.findall(r"line (\d+)$", "\n".join(self.api.lines("one", "talk-1")), re.M)]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        self.down(timeout=90)
        self.assertFalse(any(alive(i["pid"]) for i in before.values()))

    def test_down_after_kill_9_of_up(self):
        self.up({"name": "one", "services": {"talk": service(numbered())}})
        service_pid = self.api.instance("one", "talk-1")["pid"]
        pid = self.up_pid(self.state)
        os.kill(pid, signal.SIGKILL)
        self.wait_for("its end", lambda: not alive(pid), 5)
        self.down(timeout=90)
        self.assertFalse(alive(service_pid))
        self.assertEqual(self.end_what_is_left(), [])

    def test_two_side_by_side(self):
        other = self.base / "t"
        self.states.append(other)
        self.up({"name": "one", "services": {"a": service(self.appending("a"))}})
        path = self.write_stack({"name": "two", "services": {"b": service(self.appending("b"))}})
        self.cli("up", "-d", path, state=other, timeout=90,
                 env={"DROVER_AGENT_LISTEN": f"127.0.0.1:{free_port()}", "DROVER_HUB_LISTEN": f"127.0.0.1:{free_port()}"})
        self.assertEqual(list(self.api.instances()), ["a-1"])
        self.assertEqual(list(Api(other).instances()), ["b-1"])
        self.down(timeout=90)
        self.assertTrue(alive(Api(other).instance("two", "b-1")["pid"]))
        self.cli("down", state=other, timeout=90)

    def test_bare_up_ends_with_the_process_that_it_belongs_to(self):
        owner = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(owner.kill)
        self.cli("up", "--bare", "-d", "--die-with", str(owner.pid), state=self.state, timeout=90)
        self.assertEqual(self.api.items("/stacks"), [])
        self.api.apply({"name": "one", "services": {"a": service(self.appending("a"))}})
        self.wait_states(self.api, "one", {"a-1": "ready"})
        up, pid = self.up_pid(self.state), self.api.instance("one", "a-1")["pid"]
        self.cli("up", "--bare", "-d", state=self.state)  # it runs already
        self.cli("up", "--bare", "-d", "--die-with", str(os.getpid()), state=self.state, check=5)
        owner.kill()
        owner.wait()
        self.wait_for("the end of all", lambda: not alive(up) and not alive(pid), 40)
        self.cli("ps", state=self.state, check=3)
        self.assertEqual(self.end_what_is_left(), [])

    def test_bare_up_refuses_what_cannot_be(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        result = self.cli("up", "--bare", "-d", "--die-with", str(gone.pid), state=self.state, check=3)
        self.assertIn(str(gone.pid), result.stderr)
        path = self.write_stack({"name": "one", "services": {"a": service(["true"])}})
        self.cli("up", "--bare", path, state=self.state, check=2)
        self.cli("ps", state=self.state, check=3)

    def test_stop_start_restart_by_hand(self):
        self.up({"name": "one", "services": {"a": service(self.appending("a"))}})
        first = self.api.instance("one", "a-1")["pid"]
        self.cli("stop", "one/a", "--wait", state=self.state)
        self.wait_states(self.api, "one", {"a-1": "stopped"})
        self.assertFalse(alive(first))
        time.sleep(0.5)
        self.assertEqual(len(self.starts("a")), 1)  # stopped stays stopped
        self.cli("start", "one/a", "--wait", state=self.state)
        self.wait_states(self.api, "one", {"a-1": "ready"})
        self.cli("restart", "one/a", "--wait", state=self.state)
        self.wait_for("the restart", lambda: len(self.starts("a")) == 3)
        self.wait_states(self.api, "one", {"a-1": "ready"})
        self.down(timeout=90)
