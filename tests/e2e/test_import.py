"""drover import: what other supervisors' users have becomes a stack file, and that file runs."""
import json
import os
import pathlib
import shutil

from harness import ROOT, free_port, wait_until
from machine import OneMachine

ECHO = "import os, sys, time; print('hello from', sys.argv[1], os.environ.get('GREETING'), flush=True); time.sleep(600)"


def with_node(env):
    """The environment with a node in it: the machine's, or the one that the tests of the UI bring; None: there is none."""
    local = ROOT / "build/node/node_modules/.bin"
    path = env.get("PATH", os.environ["PATH"])
    if shutil.which("node", path=path):
        return env
    return dict(env, PATH=f"{local}:{path}") if (local / "node").exists() else None


class Import(OneMachine):
    def setUp(self):
        super().setUp()
        self.home = self.base / "app"
        self.home.mkdir()
        (self.home / "echo.py").write_text(ECHO + "\n")

    def put(self, name, text):
        path = self.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    def take(self, *arguments, **options):
        return self.cli("import", *arguments, state=self.state, **options)

    def runs(self, *arguments, services):
        """Imports, runs what came out, and finds each service's line in the logs; what the import said."""
        out = self.home / "drover.yaml"
        told = self.take(*arguments, "-o", str(out), "--name", "moved").stderr
        self.cli("up", "-d", str(out), state=self.state, timeout=90)
        for name, line in services.items():
            wait_until(f"{name} says {line}", lambda: line in self.cli("logs", name, state=self.state).stdout)
        items = json.loads(self.cli("ps", "-o", "json", state=self.state).stdout)["items"]
        self.assertEqual({i["service"] for i in items}, set(services))
        self.assertTrue(all(i["stack"] == "moved" for i in items), items)
        self.cli("down", state=self.state)
        return told

    def test_pm2_json(self):
        file = self.put("ecosystem.json", json.dumps({"apps": [
            {"name": "Api", "script": "./echo.py", "args": "api", "env": {"GREETING": "hi {{you}} $5"},
             "cron_restart": "0 3 * * *"},
            {"name": "worker", "script": "python3 echo.py worker", "env": {"GREETING": "a"},
             "env_production": {"GREETING": "b"}}]}))
        told = self.runs(file, "--env", "production",
                         services={"api": "hello from api hi {{you}} $5", "worker": "hello from worker b"})
        self.assertIn("cron_restart", told)
        self.assertIn("Not carried over:", told)

    def test_pm2_javascript(self):
        env = with_node(self.env)
        if env is None:
            self.skipTest("there is no node")
        self.env = env
        file = self.put("ecosystem.config.js", """
console.log('configurations may print');
module.exports = { apps: [{ name: 'one', script: './echo.py', args: ['one'], env: { GREETING: 'js' },
  out_file: 'x.log' }] };
""")
        told = self.runs(file, services={"one": "hello from one js"})
        self.assertIn("ecosystem.config.js:4: one: out_file", told)
        module = self.put("ecosystem.config.mjs", "export default async () => ({ apps: [{ script: './echo.py' }] });\n")
        self.assertIn("python3", self.take(module).stdout)

    def test_javascript_that_is_wrong(self):
        env = with_node(self.env)
        if env is None:
            self.skipTest("there is no node")
        self.env = env
        broken = self.take(self.put("broken.config.js", "module.exports = {\n  apps: [\n};\n"), check=2)
        self.assertIn("broken.config.js:3", broken.stderr)
        self.assertIn("SyntaxError", broken.stderr)
        throws = self.take(self.put("throws.config.cjs", "\nthrow new Error('no such secret');\n"), check=2)
        self.assertIn("throws.config.cjs:2", throws.stderr)
        self.assertIn("no such secret", throws.stderr)
        hangs = self.take(self.put("hangs.config.js", "for (;;) {}\n"), check=6, timeout=60)
        self.assertIn("within 10s", hangs.stderr.replace("10 s", "10s"))

    def test_without_node(self):
        self.env = dict(self.env, PATH=str(self.home))
        told = self.take(self.put("ecosystem.config.js", "module.exports = {}\n"), check=3)
        self.assertIn("there is no node on this machine", told.stderr)

    def test_supervisord(self):
        self.put("conf.d/two.conf", "[program:two]\ncommand=python3 echo.py two-%(process_num)d\n"
                 f"directory={self.home}\nnumprocs=2\nprocess_name=%(program_name)s_%(process_num)d\n")
        file = self.put("supervisord.conf", "[include]\nfiles=conf.d/*.conf\n[program:one]\n"
                        "command=python3 %(here)s/echo.py %(program_name)s\nenvironment=GREETING=\"%(ENV_GREETING)s\"\n")
        self.env["GREETING"] = "from outside"
        self.runs(file, services={"one": "hello from one from outside", "two": "hello from two-1"})

    def test_process_compose(self):
        file = self.put("process-compose.yaml", """
processes:
  first:
    command: "echo first is done"
  second:
    command: "python3 echo.py second | cat"
    environment: ["GREETING=pc"]
    depends_on: { first: { condition: process_completed_successfully } }
    readiness_probe: { exec: { command: "test -f echo.py" }, period_seconds: 1 }
""")
        self.runs(file, services={"first": "first is done", "second": "hello from second pc"})

    def test_procfile(self):
        self.put(".env", "GREETING='from the file'\n")
        port = free_port()
        file = self.put("Procfile", "web: python3 echo.py $PORT\nworker: python3 echo.py worker\n")
        imported = self.take(file, "--name", "moved").stdout
        self.assertIn("env_file", imported)
        stack = self.put("drover.yaml", imported.replace("5000", str(port)))
        self.cli("up", "-d", stack, state=self.state, timeout=90)
        for line in (f"hello from {port} from the file", "hello from worker from the file"):
            wait_until(line, lambda: line in self.cli("logs", state=self.state).stdout)
        self.cli("down", state=self.state)

    def test_systemd(self):
        first = self.put("first.service", f"[Service]\nWorkingDirectory={self.home}\nEnvironment=\"GREETING=two words\"\n"
                         "ExecStart=/usr/bin/env python3 echo.py \"%N 100%%\"\nRestart=always\n")
        second = self.put("second.service", "[Unit]\nRequires=first.service\nAfter=first.service network.target\n"
                          f"[Service]\nWorkingDirectory={self.home}\nExecStart=/usr/bin/env python3 echo.py second\n")
        self.runs(first, second, services={"first": "hello from first 100% two words", "second": "hello from second"})

    def test_what_is_there_is_not_overwritten(self):
        file = self.put("Procfile", "web: ./web\n")
        out = pathlib.Path(self.put("drover.yaml", "mine\n"))
        self.assertIn("--force", self.take(file, "-o", str(out), check=5).stderr)
        self.assertEqual(out.read_text(), "mine\n")
        self.take(file, "-o", str(out), "--force")
        self.assertIn("services:", out.read_text())
        self.assertEqual(out.stat().st_mode & 0o777, 0o600)

    def test_exit_statuses(self):
        part = self.put("part.conf", "[program:a]\ncommand=a\n[eventlistener:b]\ncommand=b\n")
        self.assertIn("eventlistener", self.take(part, check=8).stderr)
        wrong = self.take(self.put("wrong.conf", "[program:a]\ncommand='a\n"), check=2)
        self.assertIn("wrong.conf:2", wrong.stderr)
        self.assertEqual(wrong.stdout, "")
        self.take(str(self.home / "nothing.conf"), check=3)
        self.take(self.put("notes.txt", "hello\n"), check=2)


if __name__ == "__main__":
    import unittest
    unittest.main()
