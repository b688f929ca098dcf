"""Tasks by hand: commands that run at most once whatever dies, cancels that reach them, held queues, what failed for
good, and agents that are scripts (external_agent.sh: curl and jq)."""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from harness import E2E, Agent, Hub, Refused, alive, command_of, descendants, service

SCRIPT = pathlib.Path(__file__).resolve().parent / "external_agent.sh"
FINAL = ("completed", "failed", "cancelled")


class Tasks(E2E):
    def ends(self, hub, task, limit=30):
        return self.wait_for(f"task {task} ends", lambda: (t := hub.api.get(f"/tasks/{task}")) and t["state"] in FINAL and t, limit)

    def command(self, hub, script, node="n1", **more):
        body = {"type": "exec", "nodes": [node], "command": ["/bin/sh", "-c", script], **more}
        return hub.api.call("POST", "/tasks", body)["id"]

    def one_node(self, **flags):
        hub = Hub(self, **flags)
        return hub, Agent(self, hub, "n1")

    def test_a_command_runs_with_its_environment_and_its_output_comes_back(self):
        hub, _ = self.one_node()
        done = hub.cli("task", "exec", "--node", "n1", "--env", "WHO=drover", "--cwd", "/tmp", "--",
                       "/bin/sh", "-c", "echo $WHO in $(pwd); exit 3", check=3)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("drover in /tmp", done.stdout)
        task = self.ends(hub, self.command(hub, "echo fine"))
        self.assertEqual((task["state"], task["result"], task["attempts"][0]["output"]), ("completed", {"exit_code": 0}, ["fine"]))

    def test_a_command_goes_on_while_its_agent_dies_and_runs_once(self):
        hub, agent = self.one_node()
        marks = self.base / "marks"
        task = self.command(hub, f"echo begun >> {marks}; sleep 2; echo over >> {marks}; echo last")
        self.wait_for("it has begun", marks.exists)
        agent.daemon.kill()
        agent.start()
        done = self.ends(hub, task)
        self.assertEqual((done["state"], done["attempts"][-1]["output"]), ("completed", ["last"]))
        self.assertEqual(marks.read_text().split(), ["begun", "over"])

    def test_what_is_lost_in_the_middle_has_an_unknown_outcome_and_is_not_run_again(self):
        hub, agent = self.one_node()
        marks = self.base / "marks"
        task = self.command(hub, f"echo begun >> {marks}; exec sleep 61")
        self.wait_for("it has begun", marks.exists)
        agent.daemon.kill()
        self.lose_host(agent)
        agent.start()
        done = self.ends(hub, task)
        self.assertEqual(done["state"], "failed")
        self.assertIn("outcome unknown", done["message"])
        self.assertEqual(marks.read_text().split(), ["begun"])

    def lose_host(self, agent):
        """As a host that restarts: nothing of it is left, and nobody has seen how it ended."""
        mark = str(agent.state).encode()

        def ours(*words):
            lines = {pid: command_of(pid).encode() for pid in descendants(os.getpid()) if alive(pid)}
            return sorted(pid for pid, line in lines.items() if all(word in line for word in words))
        for words in ((b"drover-keeper", mark), (b"sleep 61",)):  # the guard brings the keeper back until it is gone itself
            for _ in range(50):
                for pid in ours(*words):
                    os.kill(pid, signal.SIGKILL)
                if not ours(*words):
                    break
                time.sleep(0.05)
        self.assertFalse(ours(b"drover-keeper", mark) + ours(b"sleep 61"))
        agent.arguments += ["--run-directory", self.base / "run-after"]  # it lay on tmpfs

    def test_a_cancel_ends_the_whole_tree(self):
        hub, _ = self.one_node()
        pids = self.base / "pids"
        task = self.command(hub, f"sleep 300 & echo $! >> {pids}; sleep 300 & echo $! >> {pids}; wait")
        started = self.wait_for("both run", lambda: pids.exists() and len(pids.read_text().split()) == 2 and pids.read_text().split())
        hub.cli("task", "cancel", task)
        self.assertEqual(self.ends(hub, task)["state"], "cancelled")
        for pid in started:
            self.assertFalse(alive(int(pid)))

    def test_limits_and_what_failed_for_good(self):
        hub, _ = self.one_node()
        late = self.ends(hub, self.command(hub, "sleep 60", timeout="1s"))
        silent = self.ends(hub, self.command(hub, "sleep 60", no_progress="1s"))
        self.assertEqual(late["message"], "not done within 1s")
        self.assertEqual(silent["message"], "no progress for 1s")
        dead = [json.loads(line)["id"] for line in hub.cli("task", "ls", "--dead", "-o", "jsonl").stdout.splitlines()]
        self.assertCountEqual(dead, [late["id"], silent["id"]])
        hub.cli("task", "dismiss", silent["id"])
        hub.cli("task", "requeue", "--all")
        again = next(t for t in hub.api.items("/tasks") if t.get("retry_of") == late["id"])
        self.assertEqual(self.ends(hub, again["id"])["state"], "failed")
        hub.kill()
        hub.start()
        self.assertEqual([t["id"] for t in hub.api.items("/tasks") if t["dead"]], [again["id"]])
        kept = [t["id"] for t in hub.api.items("/tasks/history")]
        self.assertEqual(sorted(kept), sorted([late["id"], silent["id"]]))

    def test_dependants_and_a_held_queue(self):
        hub, _ = self.one_node()
        hub.cli("task", "pause")
        first = self.command(hub, "exit 1")
        second = self.command(hub, "true", depends_on=[first])
        time.sleep(0.5)
        self.assertEqual(hub.api.get(f"/tasks/{first}")["state"], "pending")
        self.assertIn("the queue of hub", hub.cli("status").stdout)
        hub.kill()
        hub.start()
        self.assertEqual(hub.api.get("/tasks/stats")["paused"], ["hub"])
        hub.cli("task", "resume")
        blamed = self.ends(hub, second)
        self.assertEqual(blamed["state"], "cancelled")
        self.assertIn(first, blamed["message"])
        self.assertIn("has failed: exit 1", blamed["message"])

    def test_over_several_nodes_and_a_stop_taken_back(self):
        hub, agent = self.one_node()
        other = Agent(self, hub, "n2")
        done = hub.cli("task", "exec", "--all", "--", "/bin/sh", "-c", "echo here")
        self.assertEqual(sorted(line.split() for line in done.stdout.splitlines()), [["n1", "|", "here"], ["n2", "|", "here"]])
        self.wait_for("n1 takes work", agent.takes_work)
        self.wait_for("n2 takes work", other.takes_work)
        hub.api.apply({"name": "shop", "services": {"web": service(["sleep", "1000"], scale=2)}})
        running = lambda: all(i["state"] == "ready" for i in hub.api.instances("shop").values())
        self.wait_for("all run", running)
        stop = hub.api.call("POST", "/operations", {"kind": "stop", "targets": ["shop"]})
        over = self.wait_for("the stop is over", lambda: (o := hub.api.get(f"/operations/{stop['id']}"))["state"] != "running" and o)
        self.assertEqual((over["state"], over["progress"], over["undo"]), ("succeeded", 100, "start"))
        self.assertEqual(len(over["tasks"]), 2)
        hub.api.call("POST", f"/operations/{stop['id']}/undo")
        self.wait_for("all run again", running)
        facts = json.loads(hub.cli("task", "collect", "--node", "n1", "-o", "json").stdout)["result"]
        self.assertEqual(facts["node"], "n1")
        self.assertIn("kernel", facts["host"])

    # ---- agents that are scripts

    def script(self, hub, token, style):
        for program in ("curl", "jq"):
            if shutil.which(program) is None:
                self.skipTest(f"because there is no {program}")
        env = {**self.env, "HUB": f"http://127.0.0.1:{hub.port}", "NODE": "agent:nas" if style == "graphium" else "nas",
               "TOKEN": token, "STYLE": style, "POLL": "0.2", "NO_PROXY": "*"}
        log = open(self.base / f"script-{style}.log", "ab")
        process = subprocess.Popen(["/bin/sh", str(SCRIPT)], env=env, stdout=log, stderr=log, start_new_session=True)
        log.close()

        def end():
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait(10)
        self.addCleanup(end)
        return end

    def test_a_script_with_curl_is_an_agent(self):
        hub = Hub(self)
        made = json.loads(hub.cli("node", "add", "nas", "--external", "--lost-after", "3s", "-o", "json").stdout)
        end = self.script(hub, made["token"], "native")
        marks = self.base / "marks"
        body = {"type": "exec", "nodes": ["nas"], "payload": {"command": f"echo ran >> {marks}; echo done"}}
        task = self.ends(hub, hub.api.call("POST", "/tasks", body)["id"])
        self.assertEqual((task["state"], task["attempts"][0]["output"], task["result"]), ("completed", ["done"], {"exit_code": 0}))
        self.assertEqual(marks.read_text(), "ran\n")
        body["payload"] = {"command": "exit 4"}
        self.assertEqual(self.ends(hub, hub.api.call("POST", "/tasks", body)["id"])["message"], "exit 4")
        node = next(n for n in hub.api.items("/nodes") if n["name"] == "nas")
        self.assertEqual((node["kind"], node["state"]), ("external", "online"))
        end()
        self.wait_for("it is lost", lambda: hub.api.get("/nodes/nas")["state"] == "lost")

    def test_an_agent_of_graphium_works_unchanged(self):
        secret = self.base / "secret"
        secret.write_text("0123456789abcdef0123456789abcdef\n")
        secret.chmod(0o600)
        hub = Hub(self, agent_jwt_secret=str(secret))
        hub.cli("node", "add", "nas", "--external")

        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

        def token(key, **claims):
            text = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
            return text + "." + part(hmac.new(key, text.encode(), hashlib.sha256).digest())
        key, soon = secret.read_text().strip().encode(), int(time.time()) + 600
        good = token(key, sub="nas", roles=["agent"], iss="graphium", exp=soon)
        for bad in (token(b"x" * 32, sub="nas", roles=["agent"], exp=soon), token(key, sub="nas", roles=["agent"], exp=1),
                    token(key, sub="nas", roles=["user"], exp=soon), token(key, sub="nas", roles=["agent"])):
            with self.assertRaises(Refused):
                self.graphium(hub, "GET", "/agents/nas/tasks", token=bad)
        end = self.script(hub, good, "graphium")
        made = self.graphium(hub, "POST", "/tasks", {"@type": "AgentTask", "taskType": "deploy", "agentId": "agent:nas", "priority": 0,
                                                     "stackId": "shop", "payload": {"command": "echo deployed"}})
        self.assertEqual((made["status"], made["priority"], made["@type"]), ("pending", 5, "AgentTask"))
        over = self.wait_for("it is completed", lambda: (t := self.graphium(hub, "GET", f"/tasks/{made['@id']}"))["status"] == "completed" and t)
        self.assertEqual(over["result"], {"success": True, "message": "deployed"})
        for member in ("assignedAt", "startedAt", "completedAt", "dateCreated", "hostId"):
            self.assertIn(member, over)
        self.assertIsInstance(self.graphium(hub, "GET", "/tasks?status=completed&agentId=nas&stackId=shop"), list)
        self.assertEqual(self.graphium(hub, "GET", "/tasks/stats")["completed"], 1)
        with self.assertRaises(Refused):  # what is over stays over
            self.graphium(hub, "PUT", f"/tasks/{made['@id']}/status", {"status": "pending"})
        end()

    def graphium(self, hub, method, path, body=None, token=None):
        command = ["curl", "-sS", "--max-time", "10", "-X", method, "-w", "\n%{http_code}"]
        where = f"http://127.0.0.1:{hub.port}" if token else "http://hub"
        command += ["-H", f"Authorization: Bearer {token}"] if token else ["--unix-socket", str(hub.state / "hub.sock")]
        if body is not None:
            command += ["-d", json.dumps(body)]
        done = subprocess.run([*command, f"{where}/compat/graphium/api/v1{path}"], capture_output=True, text=True, timeout=20,
                              env={**self.env, "NO_PROXY": "*"}, check=True)
        text, _, code = done.stdout.rpartition("\n")
        if code[0] != "2":
            raise Refused(int(code), text)
        return json.loads(text)
