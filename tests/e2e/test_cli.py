"""The command line as scripts use it, the API from elsewhere, and the agent's own API."""
import http.client
import json
import os
import re
import ssl
import subprocess

from prometheus_client.parser import text_string_to_metric_families

from harness import BIN, E2E, ROOT, service, shell


def metrics(test, text):
    """The families of an exposition; each has a type and a help, no series is there twice, as `promtool check` asks."""
    families = {}
    for family in text_string_to_metric_families(text):
        test.assertNotIn(family.name, families)
        test.assertNotEqual(family.type, "unknown", family.name)
        test.assertTrue(family.documentation, family.name)
        series = [(s.name, tuple(sorted(s.labels.items()))) for s in family.samples]
        test.assertEqual(len(series), len(set(series)), family.name)
        families[family.name] = family
    return families


class CommandLine(E2E):
    def setUp(self):
        super().setUp()
        self.hub, _ = self.fleet("n1")
        self.wait_deployment(self.hub.api, self.hub.api.apply(
            {"name": "one", "services": {"a": service(self.appending("a"), scale=2), "b": service(shell("echo hello; exec sleep 1000"))}}))

    def test_output_formats(self):
        cli = self.hub.cli
        whole = json.loads(cli("ps", "-o", "json").stdout)
        self.assertEqual(sorted(whole), ["items", "next"])
        self.assertEqual(len(whole["items"]), 3)
        lines = [json.loads(line) for line in cli("ps", "-o", "jsonl").stdout.splitlines()]
        self.assertEqual([i["name"] for i in lines], [i["name"] for i in whole["items"]])
        self.assertEqual(sorted(cli("ps", "-o", "name").stdout.split()), ["one/a-1", "one/a-2", "one/b-1"])
        self.assertEqual(sorted(cli("ps", "-q").stdout.split()), ["one/a-1", "one/a-2", "one/b-1"])
        table = cli("ps", "-o", "tsv").stdout.splitlines()
        self.assertEqual(table[0].split("\t")[:2], ["NAME", "STATE"])
        self.assertIn("name: ", cli("ps", "-o", "yaml").stdout)
        self.assertNotIn("\x1b", cli("ps").stdout)
        self.assertIn("\x1b[", cli("ps", "--color", "always", env={"NO_COLOR": ""}).stdout)
        self.assertEqual(len(cli("ps", "--filter", "service:a", "-q").stdout.split()), 2)
        empty = cli("ps", "--filter", "service:nothing")
        self.assertEqual((empty.stdout, "match" in empty.stderr), ("", True))
        self.assertEqual(cli("ps", "--columns", "name,state", "--no-headers").stdout.count("one/"), 3)

    def test_exit_statuses_and_errors(self):
        cli = self.hub.cli
        for arguments, status in ((["status", "nobody"], 3), (["stop", "nobody"], 3), (["why", "nobody"], 3), (["rm", "nobody", "--yes"], 3),
                                  (["pss"], 2), (["ps", "--colour", "red"], 2), (["rm", "one"], 2), (["apply", "/nowhere.yaml"], None),
                                  (["task", "show", "nothing"], 3), (["deployment", "show", "nothing"], 3)):
            result = cli(*arguments, check=None)
            self.assertNotEqual(result.returncode, 0, arguments)
            if status is not None:
                self.assertEqual(result.returncode, status, (arguments, result.stderr))
            self.assertIn("error:", result.stderr, arguments)
            self.assertEqual(result.stdout, "", arguments)
        self.assertIn("ps", cli("pss", check=2).stderr)  # the nearest word
        problem = json.loads(cli("status", "nobody", "-o", "json", check=3).stderr)
        self.assertEqual((problem["code"], problem["status"]), ("not_found", 404))
        stack = {"name": "one", "services": {"a": service(["sleep", "1"])}}
        cli("apply", self.write_stack(stack), "--if-match", "99", check=5)
        self.assertEqual(self.hub.api.get("/stacks/one")["revision"], 1)
        cli("plan", self.write_stack(stack), "--exit-code", check=10)
        never = {"name": "never", "services": {"a": service(["sleep", "1000"], probes={
            "ready": {"exec": ["/usr/bin/false"], "interval": "100ms"}})}}
        cli("apply", self.write_stack(never), "--wait", "--timeout", "1s", check=6)

    def test_version_completion_schema_doctor_config(self):
        cli = self.hub.cli
        self.assertRegex(cli("version").stdout, r"\d+\.\d+\.\d+")
        self.assertIn("protocol", cli("version", "-o", "json").stdout)
        for sh in ("bash", "zsh", "fish"):
            self.assertIn("drover", cli("completion", sh).stdout)
        json.loads(cli("schema").stdout)
        self.assertIn("keeper", cli("doctor").stdout)
        self.assertIn("lost_after", cli("config", "explain", "hub").stdout)
        bad = self.base / "hub.toml"
        bad.write_text('heartbeet = "5s"\nlost_after = "never"\n')
        wrong = cli("config", "check", "hub", "--config", bad, check=2)
        self.assertIn("heartbeat", wrong.stderr)
        self.assertRegex(wrong.stderr, r"hub\.toml:2:\d+")

    def test_from_elsewhere_with_token_and_pin(self):
        cli = self.hub.cli
        token = cli("token", "create", "--api", "ci").stdout.strip()
        hub = f"https://127.0.0.1:{self.hub.port}"
        elsewhere = {"DROVER_HUB": hub, "DROVER_TOKEN": token, "DROVER_CA_FILE": str(self.ca_file())}

        def call(*arguments, **more):
            return subprocess.run([str(BIN / "drover"), *arguments], env={**self.env, **elsewhere, **more}, capture_output=True,
                                  text=True, timeout=30)
        self.assertEqual(call("ps", "-q").returncode, 0, call("ps").stderr)
        self.assertEqual(call("ps", DROVER_TOKEN="drv_wrong").returncode, 4)
        self.assertEqual(call("ps", DROVER_TOKEN="").returncode, 4)
        self.assertEqual(call("ps", DROVER_CA_FILE="").returncode, 7)  # the system's CAs do not know it
        self.assertEqual(call("ps", DROVER_CA_FILE="", DROVER_PIN="sha256/" + "A" * 43 + "=").returncode, 7)
        self.assertEqual(call("ps", DROVER_HUB="https://127.0.0.1:1").returncode, 7)
        self.assertIn("ci", json.dumps(self.hub.api.items("/audit")) + json.dumps(self.hub.api.items("/tokens")))
        listed = next(t for t in self.hub.api.items("/tokens") if t.get("name") == "ci")
        cli("token", "rm", listed["id"])
        self.assertEqual(call("ps").returncode, 4)

    def ca_file(self):
        return next(p for p in sorted(self.hub.state.rglob("ca*.pem")) if b"CERTIFICATE" in p.read_bytes())

    def test_the_hub_over_tcp(self):
        """Plain HTTP on loopback: health for everyone, the rest for those who say who they are; the UI; TLS beside it."""
        def get(path, headers=None):
            connection = http.client.HTTPConnection("127.0.0.1", self.hub.port, timeout=10)
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            return answer.status, body, answer.headers
        status, body, _ = get("/health")
        self.assertEqual((status, json.loads(body)["status"]), (200, "healthy"))
        self.assertEqual(get("/api/v1/instances")[0], 401)
        self.assertEqual(get("/health", {"Host": "evil.example"})[0] // 100, 4)
        status, body, headers = get("/")
        self.assertEqual(status, 200)
        self.assertIn("default-src", headers.get("Content-Security-Policy", ""))
        token = {"Authorization": "Bearer " + self.hub.cli("token", "create", "--api", "metrics").stdout.strip()}
        status, body, _ = get("/metrics", token)
        self.assertEqual(status, 200)
        self.assertTrue(metrics(self, body.decode()))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        secure = http.client.HTTPSConnection("127.0.0.1", self.hub.port, timeout=10, context=context)
        secure.request("GET", "/api/v1/instances")
        self.assertEqual(secure.getresponse().status, 401)
        secure.close()

    def test_the_agents_own_api(self):
        agent = self.agents[0]

        def call(method, path):
            connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=15)
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read().decode()
            connection.close()
            return answer.status, body
        status, body = call("GET", "/health")
        self.assertEqual((status, json.loads(body)["status"]), (200, "healthy"))
        self.assertIn('"a"', call("GET", "/services")[1])
        self.assertEqual(call("GET", "/services/a/health")[0], 200)
        self.assertIn("hello", call("GET", "/logs?service=b&tail=5")[1])
        families = metrics(self, call("GET", "/metrics")[1])
        self.assertIn("drover_service_up", families)
        self.assertEqual(call("POST", "/services/b/stop")[0] // 100, 2)
        self.wait_for("b is stopped", lambda: self.hub.api.instance("one", "b-1")["state"] == "stopped")
        self.assertEqual(call("POST", "/services/b/start")[0] // 100, 2)
        self.wait_for("b runs", lambda: self.hub.api.instance("one", "b-1")["state"] == "ready")
        self.hub.kill()  # and without a hub
        self.assertEqual(call("POST", "/services/b/restart")[0] // 100, 2)
        self.assertIn("hello", call("GET", "/logs?service=b&tail=5")[1])


class Example(E2E):
    def test_every_example_is_a_right_file(self):
        hub, _ = self.fleet("n1")
        for path in sorted((ROOT / "examples").glob("*.yaml")):
            hub.cli("plan", path, env={"SHOP_DATA": str(self.base)})
            self.assertFalse(re.search(r"warning", hub.cli("apply", path, "--dry-run").stderr), path)
        self.assertEqual(hub.api.items("/stacks"), [])
        self.assertFalse(os.path.exists(self.base / "redis"))
