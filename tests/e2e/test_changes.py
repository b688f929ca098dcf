"""What a change of a stack file does to what runs: no more than it must."""
import json

from harness import E2E, service, shell


class Changes(E2E):
    def setUp(self):
        super().setUp()
        self.hub, _ = self.fleet("n1")
        self.stack = {"name": "app", "services": {
            "noisy": service(shell("while :; do printf '%01000d\\n' 7; sleep 0.002; done"), scale=2, working_dir=str(self.base),
                             logs={"budget": "64MiB", "segment": "8MiB"}),
            "other": service(self.appending("other"), working_dir=str(self.base))}}
        self.wait_deployment(self.hub.api, self.hub.api.apply(self.stack))
        self.before = self.pids()

    def pids(self):
        return {name: one["pid"] for name, one in self.hub.api.instances("app").items()}

    def plan(self):
        return json.loads(self.hub.cli("plan", self.write_stack(self.stack), "-o", "json").stdout)

    def apply(self):
        effects = {change["path"]: change["effect"] for change in self.plan()["changes"]}
        self.wait_deployment(self.hub.api, self.hub.api.apply(self.stack))
        return effects

    def test_settings_are_taken_over_while_it_runs(self):
        noisy = self.stack["services"]["noisy"]
        noisy["logs"] = {"budget": "1MiB", "segment": "128KiB"}
        noisy["restart"] = "always"
        noisy["stop"] = {"grace": "1s"}
        noisy["labels"] = {"team": "a"}
        shown = self.hub.cli("plan", self.write_stack(self.stack)).stdout
        self.assertRegex(shown, r"live\s+noisy\s+logs\.budget\s+64MiB\s+1MiB")
        effects = self.apply()
        self.assertEqual({effects[f] for f in ("logs.budget", "logs.segment", "restart.policy", "stop.grace")}, {"live"})
        self.assertEqual(effects["labels.team"], "none")
        self.assertEqual(self.pids(), self.before)
        logs = lambda: [p for p in self.base.glob("n1/**/noisy-1*/**/*.log") if p.is_file()]
        self.wait_for("smaller segments of the log", lambda: len(logs()) >= 3)

    def test_a_changed_environment_restarts_that_service_alone(self):
        self.stack["services"]["other"]["environment"] = {"LEVEL": "2"}
        self.assertEqual(self.apply(), {"environment.LEVEL": "restart"})
        now = self.pids()
        self.assertNotEqual(now["other-1"], self.before["other-1"])
        self.assertEqual({n: now[n] for n in ("noisy-1", "noisy-2")}, {n: self.before[n] for n in ("noisy-1", "noisy-2")})

    def test_more_instances_keep_those_there_are(self):
        self.stack["services"]["noisy"]["scale"] = 4
        self.assertEqual(self.apply(), {"scale.count": "none"})
        now = self.pids()
        self.assertEqual(len(now), 5)
        self.assertEqual({n: now[n] for n in self.before}, self.before)

    def test_a_wrong_file_changes_nothing(self):
        wrong = (": [", json.dumps({"name": "app", "services": {
                     "a": {"command": ["true"], "depends_on": ["b"]}, "b": {"command": ["true"], "depends_on": ["a"]}}}),
                 json.dumps({"name": "app", "services": {"noisy": {"command": ["true"], "comand": 1}}}))
        for text in wrong:
            path = self.base / "wrong.yaml"
            path.write_text(text)
            with self.subTest(text=text):
                self.assertNotEqual(self.hub.cli("apply", path, check=None).returncode, 0)
        self.assertEqual(self.hub.api.get("/stacks/app")["revision"], 1)
        self.assertEqual(self.pids(), self.before)
