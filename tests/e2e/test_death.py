"""kill -9 of anything: what runs goes on, what was answered stays true, nothing runs twice."""
import os
import re
import signal
import socket
import subprocess
import threading
import time

from harness import BIN, E2E, PATIENCE, PROGRAMS, Api, Refused, alive, free_port, numbered, service, shell

NEVER = {"policy": "no"}


def numbers(lines):
    return [int(n) for line in lines for n in re.findall(r"^line (\d+)$", line)]


class HubDies(E2E):
    def test_kill_9_of_the_hub_while_tasks_run(self):
        hub, _ = self.fleet("n1", "n2", "n3")
        answered = {}
        for attempt in range(4):
            name = f"s{attempt}"
            stack = {"name": name, "services": {
                "job": service(shell(f"echo $$ >> {self.base}/{name}-job; sleep 0.2"), kind="job", scale=2),
                "app": service(self.appending(f"{name}-app"), scale=4, depends_on={"job": "completed"}),
                "free": service(self.appending(f"{name}-free"), scale=3)}}
            answered[name] = hub.api.apply(stack)
            time.sleep((0.0, 0.1, 0.25, 0.5)[attempt])
            seen = {t["id"]: t for t in hub.api.items("/tasks")}
            events = len(hub.api.items("/audit"))
            hub.kill()
            hub.start()
            kept = {t["id"]: t for t in hub.api.items("/tasks")}
            for task, was in seen.items():
                self.assertIn(task, kept)
                if was["state"] in ("completed", "failed", "cancelled"):
                    self.assertEqual(kept[task]["state"], was["state"])
            self.assertGreaterEqual(len(hub.api.items("/audit")), events)
            self.assertEqual(hub.api.get(f"/stacks/{name}")["revision"], answered[name]["revision"])
        for name, answer in answered.items():
            self.wait_deployment(hub.api, answer, limit=60)
            self.assertEqual(len(self.starts(f"{name}-job")), 2, name)
            self.assertEqual(len(self.starts(f"{name}-app")), 4, name)
            self.assertEqual(len(self.starts(f"{name}-free")), 3, name)
        time.sleep(1)
        for name in answered:
            self.assertEqual(len(self.starts(f"{name}-app")) + len(self.starts(f"{name}-free")), 7)

    def test_kill_9_of_the_hub_under_concurrent_writes(self):
        """Each answer that a client got is true after the kill."""
        hub, _ = self.fleet("n1")
        confirmed, ended = {}, threading.Event()

        def write(index):
            api = Api(hub.state, 5)
            for number in range(1, 200):
                if ended.is_set():
                    return
                stack = {"name": f"w{index}", "services": {"a": {"command": ["true"], "scale": 0, "environment": {"N": str(number)}}}}
                try:
                    confirmed[f"w{index}"] = api.apply(stack)["revision"]
                except (OSError, Refused, ValueError):
                    return
                except Exception:  # the connection broke in the middle of an answer
                    return
        writers = [threading.Thread(target=write, args=(i,)) for i in range(8)]
        for writer in writers:
            writer.start()
        self.wait_for("many answers", lambda: sum(confirmed.values()) > 100, 40)
        hub.kill()
        ended.set()
        for writer in writers:
            writer.join(30)
        hub.start()
        for name, revision in confirmed.items():
            self.assertIn(hub.api.get(f"/stacks/{name}")["revision"], (revision, revision + 1))
        self.assertTrue(hub.api.get("/audit/verify")["ok"])


class AgentDies(E2E):
    def test_kill_9_of_an_agent(self):
        hub, (agent,) = self.fleet("n1")
        flag = self.base / "flag"
        stack = {"name": "live", "services": {
            "talk": service(numbered()),
            "ends": service(shell(f"while [ ! -e {flag} ]; do sleep 0.05; done; exit 7"), restart=NEVER),
            "dies": service(shell(f"while [ ! -e {flag} ]; do sleep 0.05; done; kill -KILL $$"), restart=NEVER),
            "job": service(shell(f"echo >> {self.base}/job; while [ ! -e {flag} ]; do sleep 0.05; done"), kind="job"),
            "again": service(shell(f"echo $$ >> {self.base}/again; [ -e {flag}.2 ] || {{ while [ ! -e {flag} ]; do sleep 0.05; "
                                   f"done; touch {flag}.2; exit 1; }}; exec sleep 1000"),
                             restart={"policy": "always", "backoff": "100ms..1s"})}}
        hub.api.apply(stack)
        running = {"talk-1": "ready", "ends-1": "ready", "dies-1": "ready", "again-1": "ready"}
        self.wait_for("all run", lambda: all(hub.api.instances("live").get(n, {}).get("state") == s for n, s in running.items())
                      and self.starts("job"))
        before = hub.api.instances("live")
        agent.kill()
        flag.touch()
        self.wait_for("it is lost", lambda: agent.shown() in ("suspect", "lost"), 20)
        self.assertTrue(alive(before["talk-1"]["pid"]))
        self.assertFalse(hub.api.instance("live", "talk-1")["fresh"])
        agent.start()
        self.wait_states(hub.api, "live", {"talk-1": "ready", "ends-1": "failed", "dies-1": "failed", "job-1": "completed",
                                           "again-1": "ready"})
        after = hub.api.instances("live")
        self.assertEqual(after["talk-1"]["pid"], before["talk-1"]["pid"])
        self.assertEqual(after["talk-1"]["started_at"], before["talk-1"]["started_at"])
        self.assertIn("exit 7", after["ends-1"]["last_exit"])
        self.assertIn("signal 9", after["dies-1"]["last_exit"])
        self.assertEqual(len(self.starts("job")), 1)
        self.assertEqual(len(self.starts("again")), 2)
        time.sleep(0.3)
        found = numbers(hub.api.lines("live", "talk-1"))
        self.assertEqual(found, list(range(1, len(found) + 1)))
        self.assertGreater(len(found), 50)

    def test_kill_9_of_an_agent_again_and_again_while_it_works(self):
        hub, (agent,) = self.fleet("n1")
        stack = {"name": "many", "services": {"a": service(self.appending("a"), scale=8),
                                              "job": service(shell(f"echo $$ >> {self.base}/job; sleep 0.3"), kind="job", scale=3)}}
        answer = hub.api.apply(stack)
        for pause in (0.02, 0.05, 0.1, 0.2):
            time.sleep(pause)
            agent.kill()
            agent.start(wait=False)
        agent.wait_online()
        final = ("succeeded", "failed")
        ended = self.wait_for("the deployment's end", lambda: (
            lambda d: d if d["state"] in final else None)(hub.api.get(f"/deployments/{answer['deployment']}")), 60)
        self.wait_for("each runs", lambda: all(hub.api.instances("many")[f"a-{i}"]["state"] == "ready" for i in range(1, 9)), 30)
        self.assertEqual(len(self.starts("a")), 8)
        self.assertLessEqual(len(self.starts("job")), 3)  # a job's start is never repeated, even if its outcome is unknown
        if ended["state"] == "failed":
            self.assertIn("unknown", str(hub.api.instances("many")), ended)

    def test_a_second_agent_is_refused_with_the_pid_of_the_first(self):
        hub, (agent,) = self.fleet("n1")
        arguments = list(agent.arguments)
        arguments[arguments.index("--listen") + 1] = "127.0.0.1:0"
        result = subprocess.run([str(BIN / "drover"), *map(str, arguments)], env=self.env, capture_output=True, text=True,
                                timeout=30)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(str(agent.daemon.pid), result.stderr + result.stdout)
        self.assertTrue(agent.online())

        second_hub = subprocess.run([str(BIN / "drover"), "hub", "--state", str(hub.state), "--listen", "127.0.0.1:0"],
                                    env=self.env, capture_output=True, text=True, timeout=30)
        self.assertNotEqual(second_hub.returncode, 0)
        self.assertIn(str(hub.daemon.pid), second_hub.stderr + second_hub.stdout)


class KeeperDies(E2E):
    def setUp(self):
        super().setUp()
        self.hub, (self.agent,) = self.fleet("n1")
        self.flag = self.base / "flag"
        self.late = self.base / "late"

        def ends(flag, code):
            return service(shell(f"while [ ! -e {flag} ]; do sleep 0.02; done; exit {code}"), restart=NEVER)
        stack = {"name": "live", "services": {
            "talk": service(numbered()), "quiet": service(self.appending("quiet")),
            "loud": service(shell(f"trap 'echo pipe >> {self.base}/sigpipe' PIPE; while :; do echo "
                                  f"{'x' * 200} || echo write >> {self.base}/sigpipe; sleep 0.001; done")),
            "now": ends(self.flag, 5), "later": ends(self.late, 6)}}
        self.wait_deployment(self.hub.api, self.hub.api.apply(stack))
        self.before = self.hub.api.instances("live")

    def look_after(self):
        api = self.hub.api
        self.wait_for("the exit in the gap is known", lambda: "exit 5" in api.instance("live", "now-1")["last_exit"], 20)
        self.late.touch()
        self.wait_for("a later exit is known", lambda: "exit 6" in api.instance("live", "later-1")["last_exit"], 20)
        after = api.instances("live")
        for name in ("talk-1", "quiet-1", "loud-1"):
            self.assertEqual((after[name]["pid"], after[name]["state"]), (self.before[name]["pid"], "ready"), name)
            self.assertTrue(alive(after[name]["pid"]))
        self.assertEqual(self.starts("sigpipe"), [])
        self.assertEqual(len(self.starts("quiet")), 1)
        found = numbers(api.lines("live", "talk-1"))
        self.wait_for("new lines come", lambda: numbers(api.lines("live", "talk-1"))[-1] > found[-1] + 5, 10)
        self.assertEqual(found, sorted(set(found)))
        self.hub.cli("rm", "live", "--yes", "--wait")
        self.assertFalse(any(alive(i["pid"]) for i in after.values() if i.get("pid")))

    def test_kill_9_of_the_keeper(self):
        guard, keeper = self.agent.keeper()
        os.kill(keeper, signal.SIGKILL)
        self.flag.touch()
        self.wait_for("another keeper", lambda: self.agent.keeper()[1] not in (0, keeper) and alive(self.agent.keeper()[1]), 10)
        self.assertEqual(self.agent.keeper()[0], guard)
        self.look_after()

    def test_kill_9_of_the_guard(self):
        guard, keeper = self.agent.keeper()
        os.kill(guard, signal.SIGKILL)
        self.flag.touch()
        self.wait_for("another guard", lambda: self.agent.keeper()[0] not in (0, guard) and alive(self.agent.keeper()[0]), 10)
        self.assertTrue(alive(self.agent.keeper()[1]))
        self.look_after()

    def test_kill_9_of_both_and_the_agent(self):
        self.agent.kill()
        guard, keeper = self.agent.keeper()
        os.kill(guard, signal.SIGKILL)
        os.kill(keeper, signal.SIGKILL)
        self.wait_for("their end", lambda: not alive(guard) and not alive(keeper), 5)
        self.assertTrue(alive(self.before["talk-1"]["pid"]))
        self.agent.start()
        self.flag.touch()
        self.wait_for("the end of `now` is seen", lambda: self.hub.api.instance("live", "now-1")["state"] == "failed", 20)
        after = self.hub.api.instances("live")
        for name in ("talk-1", "quiet-1"):
            self.assertEqual(after[name]["pid"], self.before[name]["pid"], name)
        self.assertEqual(len(self.starts("quiet")), 1)
        self.assertEqual(self.starts("sigpipe"), [])


class ProgramsAreReplaced(E2E):
    """An upgrade of everything while it works: nothing of it is felt."""
    SERVER = """if True:
        import socket
        with socket.socket(fileno=3) as port:
            while True:
                client, _ = port.accept()
                with client:
                    client.recv(4096)
                    client.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\nhello')
        """

    def setUp(self):
        super().setUp()
        self.install()
        self.hub, (self.agent,) = self.fleet("n1")
        self.port = free_port()
        fast = shell('i=0; while :; do i=$((i+1)); echo "line $i"; [ $((i % 200)) = 0 ] && sleep 0.02; done')
        stack = {"name": "live", "services": {
            "talk": service(numbered()), "quiet": service(self.appending("quiet")), "fast": service(fast, logs={"budget": "1GiB"}),
            "web": service(["python3", "-c", self.SERVER], ports=[{"name": "http", "published": self.port, "pass": "listen_fds"}])}}
        self.wait_deployment(self.hub.api, self.hub.api.apply(stack))
        self.before = self.hub.api.instances("live")
        self.answered, self.failures, self.enough = 0, [], threading.Event()
        self.client = threading.Thread(target=self.ask)
        self.client.start()
        self.addCleanup(self.end_client)

    def ask(self):
        while not self.enough.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=10 * PATIENCE) as one:
                    one.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    said = b"".join(iter(lambda: one.recv(4096), b""))
                if not said.endswith(b"hello"):
                    raise ValueError(said)
                self.answered += 1
            except (OSError, ValueError) as error:
                self.failures.append(repr(error))
            time.sleep(0.001)

    def end_client(self):
        self.enough.set()
        self.client.join()

    def restart_agent(self):
        self.assertEqual(self.agent.daemon.stop(), 0)
        self.agent.start()

    def look(self):
        after = self.hub.api.instances("live")
        for name, was in self.before.items():
            self.assertEqual((after[name]["pid"], after[name]["restarts"], after[name]["state"]), (was["pid"], 0, "ready"), name)
            self.assertTrue(alive(was["pid"]))
        self.assertEqual(self.agent.keeper(), self.pids)

    def test_programs_are_replaced(self):
        self.pids = self.agent.keeper()
        for _ in range(3):
            for name in PROGRAMS:
                self.replace(name)
            self.assertFalse(any(self.runs_installed(pid) for pid in self.pids))
            self.assertEqual(self.hub.daemon.stop(), 0)
            self.hub.start()
            self.restart_agent()
            self.wait_for("guard and keeper are the new ones", lambda: all(map(self.runs_installed, self.pids)), 10)
            self.assertTrue(self.runs_installed(self.agent.daemon.pid, "drover"))
            self.look()
        self.assertIn("keeper and guard are now the installed ones", self.agent.daemon.output())

        # One that does not run is not taken: the former ones go on.
        self.replace("drover-keeper", size=100_000)
        self.restart_agent()
        self.wait_for("it is said", lambda: "cannot take over; the former one goes on" in self.agent.daemon.output(), 10)
        self.look()
        self.replace("drover-keeper")

        before = self.answered
        self.wait_for("more answers", lambda: self.answered > before + 20, 10)
        self.end_client()
        self.assertEqual(self.failures, [])
        self.assertEqual(len(self.starts("quiet")), 1)
        for name in ("talk-1", "fast-1"):
            found = numbers(self.hub.api.lines("live", name))
            self.assertEqual(found, list(range(found[0], found[0] + len(found))), name)
            self.assertGreater(len(found), 50)
