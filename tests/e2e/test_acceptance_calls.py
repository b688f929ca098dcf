"""Acceptance tests 24, 31, 32: who asks, and who must not hang, be heard, or be read. The table is in acceptance.md."""
import concurrent.futures
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import unittest

from harness import PATIENCE, alive, environment_of, service, shell
from machine import OneMachine


class Hung(OneMachine):
    VERBS = ("ps", "status", "status t/a", "why t/a", "logs", "logs -f", "events", "events -f", "start t", "stop t --wait",
             "restart t --wait --timeout 2s", "apply t.json --wait", "plan t.json", "scale t/a 2", "rollback t", "rm t --yes --wait",
             "stack ls", "stack show t", "node ls", "node show x", "node drain x --wait", "task ls", "task stats", "deployment ls",
             "port ls", "token ls", "token create", "user ls", "api GET /instances", "up -d t.json", "up --bare -d",
             "down --timeout 1s")

    def test_every_verb_comes_back_from_a_daemon_that_hangs(self):
        """24: stopped by SIGSTOP. Each ends with a clear error; `down --force` ends even that daemon and all it ran."""
        self.up({"name": "t", "services": {"a": service(self.appending("a"))}})
        self.env["DROVER_ANSWER_LIMIT"] = "1s"
        daemon, pid = self.up_pid(self.state), self.api.instance("t", "a-1")["pid"]
        os.kill(daemon, signal.SIGSTOP)
        try:
            with concurrent.futures.ThreadPoolExecutor(12) as pool:
                results = list(pool.map(lambda verb: self.cli(*verb.split(), state=self.state, check=None, timeout=20), self.VERBS))
            for verb, result in zip(self.VERBS, results):
                said = result.stderr
                if verb == "up --bare -d":
                    self.assertEqual(result.returncode, 0, said)  # it is there: nothing more is asked
                elif verb == "down --timeout 1s":
                    self.assertEqual(result.returncode, 6, said)
                    self.assertIn("--force", said)
                else:
                    self.assertEqual(result.returncode, 6, f"{verb}: {said}")
                    self.assertIn("does not answer", said, verb)
            self.assertTrue(alive(pid))
            result = self.cli("down", "--force", "--timeout", "1s", state=self.state, timeout=40)
            self.assertIn("killed", result.stderr)
            self.assertFalse(alive(daemon) or alive(pid))
        finally:
            if alive(daemon):
                os.kill(daemon, signal.SIGCONT)
        self.cli("ps", state=self.state, check=3)


class Refusals(OneMachine):
    def setUp(self):
        super().setUp()
        self.bare()
        self.port = int(self.env["DROVER_HUB_LISTEN"].rpartition(":")[2])

    def ask(self, path, headers=None, method="GET", body=None, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", int(port or self.port), timeout=10 * PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            return connection.getresponse().status
        finally:
            connection.close()

    def raw(self, head):
        """The status of a request of which only the head is sent."""
        with socket.create_connection(("127.0.0.1", self.port), 10 * PATIENCE) as connection:
            connection.sendall(head)
            return int(connection.recv(4096).split()[1])

    def test_strangers_are_refused(self):
        """31: another user, nobody with a name, a page of another site, a body without measure."""
        for path in ("/api/v1/instances", "/api/v1/stacks", "/metrics", "/api/v1/events"):
            self.assertEqual(self.ask(path), 401, path)
            self.assertEqual(self.ask(path, {"Authorization": "Bearer drv_wrong"}), 401, path)
        token = self.cli("token", "create", "--api", "test", state=self.state).stdout.strip()
        known = {"Authorization": f"Bearer {token}"}
        self.assertEqual(self.ask("/api/v1/instances", known), 200)
        self.assertGreaterEqual(self.ask("/api/v1/instances", {**known, "Host": "evil.example"}), 400)
        # The agent knows who calls by his uid, so a page that he looks at must not call in his name.
        agent = self.env["DROVER_AGENT_LISTEN"].rpartition(":")[2]
        self.assertEqual(self.ask("/instances", port=agent), 200)
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            for method, path in (("POST", "/services/t/a/restart"), ("GET", "/instances")):
                if method == "POST" or "Host" in headers:
                    self.assertIn(self.ask(path, headers, method, "{}" if method == "POST" else None, agent), (400, 403, 421),
                                  (method, path, headers))
        huge = (f"PUT /api/v1/stacks/x HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {1 << 30}\r\n\r\n").encode()
        self.assertEqual(self.raw(huge), 413)
        self.assertEqual(self.ask("/api/v1/instances", known), 200)

    @unittest.skipIf(os.geteuid() != 0, "only root can become another user")
    def test_another_user_of_this_machine(self):
        """31: the hub's socket is its owner's; the agent's API tells others that it lives, and no more."""
        agent = int(self.env["DROVER_AGENT_LISTEN"].rpartition(":")[2])
        os.chmod(self.base, 0o711)
        code = ("import http.client,os,socket,sys\nos.setgid(65534); os.setuid(65534)\ns=socket.socket(socket.AF_UNIX)\n"
                "try: s.connect(sys.argv[1]); print('connected')\nexcept OSError as error: print(type(error).__name__)\n"
                f"for port in ({self.port}, {agent}):\n"
                "  c=http.client.HTTPConnection('127.0.0.1',port,timeout=20); c.request('GET','/api/v1/instances' "
                f"if port=={self.port} else '/instances'); print(c.getresponse().status)\n")
        said = subprocess.run(["/usr/bin/python3", "-c", code, str(self.state / "hub.sock")], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(said.stdout.split(), ["PermissionError", "401", "403"], said)


class Secrets(OneMachine):
    LEAK, SECRET = "a-word-of-the-callers-own", "the-word-that-nobody-may-read"

    def test_the_callers_environment_stays_his_and_secrets_are_not_shown(self):
        """32."""
        self.env["CALLERS_WORD"] = self.LEAK
        self.up({"name": "t", "services": {"a": service(
            shell("echo started; exec sleep 1000"), environment={"PASSWORD": self.SECRET}),
            "bad": service(shell("exit 3"), environment={"PASSWORD": self.SECRET}, restart={"policy": "no"})}}, check=None)
        pid = self.api.instance("t", "a-1")["pid"]
        environment = environment_of(pid)
        self.assertIn(self.SECRET.encode(), environment)
        self.assertNotIn(self.LEAK.encode(), environment)
        self.assertNotIn(self.SECRET.encode(), pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
        for verb in ("status t/a", "status t/bad", "why t/bad", "ps -o json", "events -o json", "logs", "task ls -o json",
                     "deployment ls -o json", "status -o json"):
            result = self.cli(*verb.split(), state=self.state, check=None)
            self.assertNotIn(self.SECRET, result.stdout + result.stderr, verb)
        for path in ("/instances", "/tasks", "/deployments", "/events?limit=1000", "/audit", "/services"):
            self.assertNotIn(self.SECRET, self.api.raw("GET", path)[1], path)
        own = [p for p in self.state.rglob("*.log") if "instances" not in p.parts]
        for log in own:
            self.assertNotIn(self.SECRET, log.read_text(errors="replace"), log)
        self.down()
