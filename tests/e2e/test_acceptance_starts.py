"""Acceptance tests 6, 7, 8, 9, 10, 17: what does not start, and what is said of it. The table is in acceptance.md."""
import concurrent.futures
import time

from harness import Api, Refused, alive, all_pids, command_of, environment_of, free_port, free_ports, service, shell
from machine import OneMachine

NEVER_READY = {"exec": ["/usr/bin/test", "-e", "/nowhere"], "interval": "100ms"}
QUICKLY = {"policy": "always", "backoff": "50ms..100ms"}


class Starts(OneMachine):
    def test_each_wrong_start_says_exactly_why_and_is_not_repeated(self):
        """8: no program, no right, no directory, no user, ends at once. And 7: ends again and again after a while."""
        script = self.base / "script"
        script.write_text("#!/bin/sh\n")
        script.chmod(0o644)
        loop = {"policy": "always", "backoff": "20ms..50ms", "give_up": "3 in 10m"}
        self.bare()
        self.api.apply({"name": "t", "services": {
            "enoent": service(["/no/such/program"], restart=QUICKLY),
            "eacces": service([str(script)], restart=QUICKLY),
            "cwd": service(["/bin/true"], working_dir="/no/such/directory", restart=QUICKLY),
            "user": service(["/bin/true"], user="nobody-of-that-name", restart=QUICKLY),
            "config": service(shell("echo wrong file >&2; exit 78"), restart=QUICKLY),
            "crash": service(self.appending("crash", "echo the last words; exit 3"), restart=loop),
            "later": service(self.appending("later", "sleep 0.4; exit 4"), restart=loop)}})
        why = {name: self.wait_shown("t", f"{name}-1", "failed")
               for name in ("enoent", "eacces", "cwd", "user", "config", "crash", "later")}
        for name, said in {"enoent": "/no/such/program", "eacces": f"{script}: is not executable",
                           "cwd": "/no/such/directory: no such directory", "user": "nobody-of-that-name: there is no such user",
                           "config": "exit 78", "crash": "3 restarts in 10m", "later": "3 restarts in 10m"}.items():
            self.assertIn(said, why[name]["reason"] + why[name].get("last_exit", ""), name)
            self.assertIn(why[name]["reason"], self.cli("why", f"t/{name}", state=self.state, check=None).stdout)
        for name in ("enoent", "eacces", "cwd", "user", "config"):
            self.assertEqual(why[name]["restarts"], 0, name)
        self.assertIn("the last words", why["crash"]["last_lines"])
        self.assertIn("exit 4", why["later"]["last_exit"])
        counts = {n: len(self.starts(n)) for n in ("crash", "later")}
        time.sleep(0.5)
        self.assertEqual({n: len(self.starts(n)) for n in counts}, counts)
        self.assertLessEqual(max(counts.values()), 4)
        self.down()

    def test_what_never_gets_ready_holds_its_dependants_and_fails_up(self):
        """9: not ready; dependants do not start; `up -d` ends with an error, at its own deadline or at the service's."""
        stack = {"name": "t", "services": {
            "db": service(self.appending("db"), probes={"ready": NEVER_READY}),
            "app": service(self.appending("app"), depends_on={"db": "ready"})}}
        result = self.up(stack, "--timeout", "1s", check=6)
        self.assertIn("t", result.stderr)
        self.assertEqual(self.api.instance("t", "db-1")["state"], "starting")
        waiting = self.api.instance("t", "app-1")
        self.assertIn("db", self.cli("why", "t/app", state=self.state, check=None).stdout + waiting["reason"])
        stack["services"]["db"]["probes"]["start_timeout"] = "400ms"
        stack["services"]["db"]["restart"] = {**QUICKLY, "give_up": "1 in 10m"}
        result = self.up(stack, check=1)
        self.assertIn("not ready within 400ms", result.stderr + self.api.instance("t", "db-1")["reason"])
        self.assertEqual(self.starts("app"), [])
        self.down()

    def test_a_dependency_that_fails_is_named_and_its_policy_followed(self):
        """10: it dies before it is ready; a job before it ends with 1; later it is unhealthy."""
        flag = self.base / "well"
        flag.touch()
        probe = {"exec": ["/usr/bin/test", "-e", str(flag)], "interval": "100ms", "failures": 1}
        self.bare()
        self.api.apply({"name": "t", "services": {
            "dies": service(shell("exit 5"), probes={"ready": NEVER_READY}, restart={"policy": "no"}),
            "after-dies": service(self.appending("after-dies"), depends_on={"dies": "ready"}),
            "job": service(shell("exit 1"), kind="job"),
            "after-job": service(self.appending("after-job"), depends_on={"job": "completed"}),
            "free": service(self.appending("free"))}})
        for dependency, code in (("dies", "5"), ("job", "1")):
            self.assertIn(f"exit {code}", self.wait_shown("t", f"{dependency}-1", "failed")["last_exit"])
        self.wait_shown("t", "free-1", "ready")
        for name, dependency in (("after-dies", "dies"), ("after-job", "job")):
            said = self.cli("why", f"t/{name}", state=self.state, check=None).stdout
            self.assertIn(dependency + ":", said.replace(f"after-{dependency}", ""))
            self.assertEqual(self.starts(name), [])

        self.run_here({"name": "u", "services": {
            "db": service(self.appending("db"), probes={"ready": probe, "live": probe}, restart={**QUICKLY, "dependants": True}),
            "calm": service(self.appending("calm"), probes={"ready": probe}),
            "app": service(self.appending("app"), depends_on={"db": "ready", "calm": "ready"})}})
        flag.unlink()
        self.wait_for("the restart of what is not alive", lambda: len(self.starts("db")) >= 2)
        self.assertIn("exit 1", self.wait_shown("u", "calm-1", "unhealthy")["reason"])
        self.assertEqual(len(self.starts("app")), 1)
        flag.touch()
        self.wait_for("the dependant's restart", lambda: len(self.starts("app")) == 2)
        self.assertEqual(len(self.starts("calm")), 1)  # readiness never restarts
        self.down()


class Once(OneMachine):
    SERVER = ("import os,socket,time\n"
              "s=socket.socket(); s.bind(('127.0.0.1',{port})); s.listen()\n"
              "open('{base}/listens','a').write(str(os.getpid())+chr(10))\n"
              "time.sleep(1000)\n")

    def server(self, port):
        return service(["/usr/bin/python3", "-c", self.SERVER.format(port=port, base=self.base)],
                       ports=[{"name": "x", "published": port}], probes={"ready": {"tcp": port, "interval": "100ms"}},
                       stop={"grace": "500ms"})

    def test_a_hundred_verbs_at_once_leave_one_instance_and_one_listener(self):
        """6: start, restart, apply and up, all together."""
        stack = {"name": "t", "services": {"web": self.server(free_port())}}
        path = self.write_stack(stack)
        self.up(stack)
        self.wait_shown("t", "web-1", "ready")

        def deed(index):
            if index % 12 == 0:
                return self.cli("up", "-d", path, state=self.state, check=None, timeout=90).returncode
            api = Api(self.state, 60)
            try:
                if index % 3 == 0:
                    api.apply(stack)
                else:
                    api.call("POST", f"/services/t/web/{'start' if index % 3 == 1 else 'restart'}")
            except Refused as refused:
                return refused.status
            return 0
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            outcomes = list(pool.map(deed, range(100)))
        self.assertLessEqual(set(outcomes), {0, 5, 409}, outcomes)
        self.wait_for("all is calm", lambda: all(t["state"] in ("completed", "cancelled") for t in self.api.items("/tasks")), 60)
        self.wait_shown("t", "web-1", "ready")
        living = [p for p in self.pids_in("listens") if alive(p)]
        self.assertEqual(living, [self.api.instance("t", "web-1")["pid"]])
        self.assertEqual(len(self.api.instances()), 1)
        marker = b"DROVER_INSTANCE_NAME=web-1"
        copies = [p for p in all_pids() if marker in environment_of(p) and str(self.base) in command_of(p) and alive(p)]
        self.assertEqual(copies, living)
        self.down()

    def test_a_declared_port_that_nothing_listens_on_is_told(self):
        """Running means that it owns its port: one without probes says so when it does not."""
        ports, listens = free_ports(2), self.base / "listens"
        late = (f"while [ ! -e {self.base}/go ]; do sleep 0.05; done; exec /usr/bin/python3 -c "
                f"\"{self.SERVER.format(port=ports[1], base=self.base).replace(chr(10), ';')}\"")
        self.bare()
        self.run_here({"name": "t", "services": {
            "never": service(["sleep", "1000"], ports=[{"name": "x", "published": ports[0]}], probes={"start_timeout": "1s"}),
            "late": service(shell(late), ports=[{"name": "x", "published": ports[1]}], probes={"start_timeout": "1s"})}})
        for name, port in zip(("never-1", "late-1"), ports):
            self.wait_for(f"{name} is told", lambda: f"nothing listens on its port {port} (x)" in self.api.instance("t", name)["reason"])
            self.assertEqual(self.api.instance("t", name)["state"], "ready")
        self.assertIn(f"port {ports[0]}", self.cli("status", "t/never", state=self.state, check=None).stdout)
        (self.base / "go").touch()
        self.wait_for("it listens", listens.exists)
        self.wait_for("it is well", lambda: self.api.instance("t", "late-1")["reason"] == "", 30)
        self.down()

    def test_a_port_that_an_orphan_of_its_own_holds(self):
        """17: what a crash has left is ended before the next run, which has its port and burns no restart more."""
        port = free_port()
        code = self.SERVER.format(port=port, base=self.base)
        script = self.base / "server.py"
        script.write_text("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + code)
        listens = f"/usr/bin/python3 {script}"
        crash = (f"if [ ! -e {self.base}/once ]; then touch {self.base}/once; setsid {listens} & "
                 f"while [ ! -s {self.base}/listens ]; do sleep 0.05; done; exit 1; fi; exec {listens}")
        self.bare()
        self.api.apply({"name": "t", "services": {"web": service(
            shell(crash), ports=[{"name": "x", "published": port}], probes={"ready": {"tcp": port, "interval": "100ms"}},
            restart=QUICKLY, stop={"grace": "300ms"})}})
        self.wait_for("the second listens", lambda: len(self.pids_in("listens")) == 2)
        orphan, second = self.pids_in("listens")
        self.assertFalse(alive(orphan))
        shown = self.wait_shown("t", "web-1", "ready")
        self.assertEqual((shown["pid"], shown["restarts"]), (second, 1))
        self.down()
