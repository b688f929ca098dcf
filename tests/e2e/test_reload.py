"""Reload, and changes without a failed request: real clients, a real nginx, a Python server that is given its socket."""
import http.client
import json
import os
import shutil
import signal
import sys
import threading
import time

from harness import E2E, alive, free_port, service, shell

SERVER = r"""
import http.server, os, signal, socket, socketserver, sys, threading, time
assert os.environ["LISTEN_FDS"] == "1" and os.environ["LISTEN_PID"] == str(os.getpid())
ending = threading.Event()
content = open(sys.argv[1]).read().strip() if len(sys.argv) > 1 else os.environ.get("CONTENT", "")
def load(*_):
    global content
    content = open(sys.argv[1]).read().strip()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = f"{content} {os.getpid()}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if ending.is_set():
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
listener = socket.socket(fileno=3)
listener.setblocking(False)
server = Server(None, Handler, bind_and_activate=False)
server.socket = listener
signal.signal(signal.SIGTERM, lambda *_: ending.set())
if len(sys.argv) > 1: signal.signal(signal.SIGHUP, load)
threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
while not ending.wait(0.2): pass
server.shutdown()        # the other one accepts
time.sleep(1)            # connections that are kept get their last answer
"""

NGINX = """
daemon off; worker_processes 1; pid {base}/nginx-{name}.pid; error_log stderr;
events {{ worker_connections 256; }}
http {{ access_log off;
  client_body_temp_path {base}; proxy_temp_path {base}; fastcgi_temp_path {base}; uwsgi_temp_path {base};
  scgi_temp_path {base};
  server {{ listen {port}; location / {{ return 200 "{content} $pid"; }} }} }}
"""


class Load:
    """Clients that ask all the time: some keep their connection, some do not. Bounded in number and time."""

    def __init__(self, port, clients=4, most=20_000):
        self.port, self.most = port, most
        self.failures, self.bodies, self.count, self.again = [], [], 0, 0
        self.lock, self.over = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i % 2 == 0,), daemon=True) for i in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(30)

    def run(self, keep):
        connection, used = None, False
        while not self.over.wait(0.04) and self.count < self.most:
            for attempt in (0, 1):
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                try:
                    connection.request("GET", "/", headers={} if keep else {"Connection": "close"})
                    answer = connection.getresponse()
                    body = answer.read().decode()
                    with self.lock:
                        self.count += 1
                        self.bodies.append(body)
                        if answer.status != 200:
                            self.failures.append(f"status {answer.status}")
                    used = True
                    if not keep or answer.will_close:
                        connection.close()
                        connection, used = None, False
                    break
                except (OSError, http.client.HTTPException) as error:
                    connection.close()
                    connection = None
                    # A kept connection that was closed while it idled: every client asks again (RFC 9112 9.3.1).
                    if used and attempt == 0 and isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
                        used = False
                        with self.lock:
                            self.again += 1
                        continue
                    with self.lock:
                        self.failures.append(f"{'kept' if keep else 'new'} connection: {error!r}")
                    break

    def seen(self):
        with self.lock:
            return set(self.bodies)

    def wait_for(self, test, content, limit=30):
        test.wait_for(f"an answer {content!r}", lambda: any(b.startswith(content + " ") for b in self.seen()), limit)


class Reload(E2E):
    def setUp(self):
        super().setUp()
        self.hub, (self.agent,) = self.fleet("n1")
        self.api, self.port = self.hub.api, free_port()
        self.server = self.base / "server.py"
        self.server.write_text(SERVER)

    # -- stacks

    def web(self, command, **more):
        """A service that is given its socket, and is replaced start-first."""
        style = more.pop("pass_", "listen_fds")
        one = service(command, ports=[{"name": "http", "published": self.port, "pass": style}],
                      update={"order": "start-first", "healthy_for": "300ms"},
                      probes={"ready": {"http": f"http://127.0.0.1:{self.port}/", "interval": "100ms"},
                              "start_timeout": "10s"}, **more)
        return {"name": "app", "services": {"web": one}}

    def python(self, content, **more):
        return self.web([sys.executable, str(self.server)], environment={"CONTENT": content}, **more)

    def nginx(self, content, name="a", **more):
        config = self.base / f"nginx-{name}.conf"
        config.write_text(NGINX.format(base=self.base, name=name, port=self.port, content=content))
        command = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(self.base), "-c", str(config)]
        stack = self.web(command, pass_="nginx", **more)
        stack["services"]["web"]["stop"] = {"signal": "SIGQUIT", "grace": "10s"}
        return stack

    # -- looking

    def apply(self, stack, state="succeeded"):
        return self.wait_deployment(self.api, self.api.apply(stack), state)

    def all_of(self, name="web-1"):
        return [i for i in self.api.items("/instances") if i["stack"] == "app" and i["name"] == name]

    def pid(self):
        (one,) = self.all_of()
        return one["pid"]

    def wait_one(self, limit=40):
        """Exactly one is left, and it is ready."""
        def look():
            found = self.all_of()
            return len(found) == 1 and found[0]["state"] == "ready" and found[0]["role"] == "holder" and found[0]
        return self.wait_for("one instance, ready", look, limit)

    def reload(self, target="app/web", **options):
        return self.hub.cli("reload", target, "--wait", **options)

    def undisturbed(self, load, least=60):
        self.assertEqual(load.failures, [])
        self.assertGreater(load.count, least)

    # -- nothing fails

    def test_nginx_is_replaced_without_a_failed_request(self):
        if not shutil.which("nginx") and not os.path.exists("/usr/sbin/nginx"):
            self.skipTest("nginx is not installed")
        self.apply(self.nginx("one"))
        first = self.pid()
        with Load(self.port) as load:
            load.wait_for(self, "one")
            said = self.reload().stderr
            self.assertIn("start-first", said)
            self.wait_one()
            second = self.pid()
            self.assertNotEqual(second, first)
            self.apply(self.nginx("two", "b"))
            load.wait_for(self, "two")
            self.wait_one()
            time.sleep(0.5)
        self.undisturbed(load)
        self.assertFalse(alive(first) or alive(second))

    def test_nginx_reloads_by_its_signal_and_keeps_its_pid(self):
        if not shutil.which("nginx") and not os.path.exists("/usr/sbin/nginx"):
            self.skipTest("nginx is not installed")
        self.apply(self.nginx("one", reload="SIGHUP"))
        before = self.pid()
        with Load(self.port) as load:
            load.wait_for(self, "one")
            self.nginx("two")  # the file, not the stack
            self.assertIn("SIGHUP", self.reload().stderr)
            load.wait_for(self, "two")
            time.sleep(1)
        self.undisturbed(load, 30)
        now = self.wait_one()
        self.assertEqual((now["pid"], now["incarnation"], now["restarts"]), (before, 1, 0))
        self.assertTrue(now["reloaded_at"])
        self.assertIn("told to reload", self.hub.cli("why", "app/web").stdout)

    def test_a_server_with_a_passed_socket_is_replaced_without_a_failed_request(self):
        self.apply(self.python("one"))
        first = self.pid()
        with Load(self.port) as load:
            load.wait_for(self, "one")
            self.reload()
            self.wait_one()
            second = self.pid()
            plan = self.hub.cli("plan", self.write_stack({**self.python("two")})).stdout
            self.assertIn("start-first", plan)
            self.apply(self.python("two"))
            load.wait_for(self, "two")
            self.wait_one()
            time.sleep(0.5)
        self.undisturbed(load)
        self.assertEqual(load.again, 0)  # it says goodbye to those that it keeps
        self.assertNotEqual(first, second)
        self.assertFalse(alive(first) or alive(second))

    def test_several_are_replaced_one_after_the_other(self):
        def stack(content):
            out = self.python(content, scale=3)
            out["services"]["web"]["ports"][0].update(published=free, plus="instance.index")
            out["services"]["web"]["probes"]["ready"]["http"] = "http://127.0.0.1:{{port.http}}/"
            return out
        free = self.port
        self.apply(stack("one"))
        most, over = [0], threading.Event()

        def watch():
            while not over.wait(0.03):
                most[0] = max(most[0], len([i for i in self.api.items("/instances") if i["stack"] == "app"]))
        watcher = threading.Thread(target=watch, daemon=True)
        with Load(free) as one, Load(free + 2) as three:
            watcher.start()
            self.apply(stack("two"))
            one.wait_for(self, "two")
            three.wait_for(self, "two")
            over.set()
            watcher.join(20)
        self.undisturbed(one, 20)
        self.undisturbed(three, 20)
        self.assertEqual(most[0], 4)

    # -- what fails leaves the old one alone

    def test_a_successor_that_is_never_ready_changes_nothing(self):
        self.apply(self.python("one"))
        before = self.pid()
        bad = self.python("two")
        bad["services"]["web"]["command"] = shell("echo cannot read the configuration; sleep 60")
        bad["services"]["web"]["probes"] = {"ready": {"file": "/nonexistent/ready", "interval": "100ms"}, "start_timeout": "2s"}
        with Load(self.port) as load:
            result = self.hub.cli("apply", self.write_stack(bad), "--wait", check=1)
            self.assertIn("not ready within 2s", result.stderr)
            self.assertIn("cannot read the configuration", result.stderr)
            self.wait_one()
            time.sleep(0.3)
        self.undisturbed(load, 30)
        self.assertEqual(self.pid(), before)
        self.assertIn("its successor failed", self.hub.cli("why", "app/web").stdout)
        self.assertEqual(self.api.get("/stacks/app")["state"], "failed")
        self.apply(self.python("three"))  # and the next change works
        self.assertNotEqual(self.pid(), before)

    def test_the_old_ones_answers_do_not_make_the_new_one_ready(self):
        self.apply(self.python("one"))
        before = self.pid()
        deaf = self.python("two")  # it is given the socket, and never accepts
        deaf["services"]["web"].update(command=["sleep", "600"], stop={"grace": "1s"})
        deaf["services"]["web"]["probes"]["start_timeout"] = "3s"
        with Load(self.port) as load:
            failed = self.wait_deployment(self.api, self.api.apply(deaf), "failed")
            self.assertIn("does not accept at port", failed["message"])
            self.wait_one()
        self.undisturbed(load, 30)
        self.assertEqual(self.pid(), before)

    def test_a_failed_change_is_rolled_back_where_the_file_says_so(self):
        self.apply(self.python("one"))
        before = self.pid()
        bad = self.python("two")
        bad["services"]["web"]["update"]["on_failure"] = "rollback"
        bad["services"]["web"]["command"] = ["/bin/sh", "-c", "exit 3"]
        with Load(self.port) as load:
            failed = self.wait_deployment(self.api, self.api.apply(bad), "rolled_back")
            self.assertIn("exit 3", failed["message"])
            self.assertIn("rolled back to revision 1", failed["message"])
            self.wait_for("the way back", lambda: self.api.get("/stacks/app")["state"] == "ready")
            time.sleep(1)
        self.undisturbed(load, 10)
        self.assertEqual((self.api.get("/stacks/app")["revision"], self.pid()), (3, before))

    def test_a_stop_first_change_is_rolled_back_too(self):
        good = {"name": "app", "services": {"web": service(["sleep", "600"])}}
        bad = {"name": "app", "services": {"web": service(["/bin/false"], restart="no", update={"on_failure": "rollback"})}}
        self.apply(good)
        self.apply(bad, "rolled_back")
        self.wait_for("the way back", lambda: self.api.get("/stacks/app")["state"] == "ready")
        self.wait_one()

    # -- death in the middle

    def test_agent_and_hub_die_in_the_middle_of_it(self):
        self.apply(self.python("one"))
        with Load(self.port, most=60_000) as load:
            for round, victim in enumerate(("agent", "hub", "both")):
                before = self.pid()
                changed = self.python(f"round{round}")
                changed["services"]["web"]["update"]["healthy_for"] = "1s"
                self.api.apply(changed)
                self.wait_for("a successor", lambda: len(self.all_of()) == 2)
                if victim != "hub":
                    self.agent.kill()
                if victim != "agent":
                    self.hub.kill()
                    self.hub.start()
                if victim != "hub":
                    self.agent.start(wait=False)
                load.wait_for(self, f"round{round}", 60)
                self.wait_one(60)
                self.assertNotEqual(self.pid(), before)
                self.assertFalse(alive(before))
        self.undisturbed(load)

    # -- the other ways

    def test_a_reload_without_a_way_is_a_restart_and_says_so(self):
        self.apply({"name": "app", "services": {"web": service(["sleep", "600"])}})
        before = self.pid()
        self.assertIn("restarted: it has no", self.reload().stderr)
        self.assertNotEqual(self.pid(), before)

    def test_a_command_reloads_and_a_failing_one_is_told(self):
        note = self.base / "note"
        script = f"test -e {self.base}/allowed && echo $DROVER_INSTANCE_NAME > {note} || {{ echo not allowed; exit 4; }}"
        stack = {"name": "app", "services": {"web": service(["sleep", "600"], reload={"command": shell(script)})}}
        self.apply(stack)
        before = self.pid()
        result = self.reload(check=1)
        self.assertIn("exit 4: not allowed", result.stderr)
        self.assertEqual(self.wait_one()["pid"], before)
        (self.base / "allowed").touch()
        self.reload("web-1")
        self.assertEqual(note.read_text().strip(), "web-1")
        self.assertEqual(self.pid(), before)

    def test_a_program_that_says_so_is_not_ready_while_it_reloads(self):
        script = self.base / "notify.py"
        script.write_text(
            "import os, signal, socket, time\n"
            "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(os.environ['NOTIFY_SOCKET'])\n"
            "def reload(*_):\n"
            "    s.send(b'RELOADING=1'); time.sleep(1.5); s.send(b'READY=1')\n"
            "signal.signal(signal.SIGHUP, reload)\n"
            "s.send(b'READY=1')\n"
            "while True: time.sleep(0.1)\n")
        self.apply({"name": "app", "services": {"web": service([sys.executable, str(script)], reload="SIGHUP", probes={
            "ready": {"notify": True, "interval": "100ms"}})}})
        before = self.pid()
        self.hub.cli("reload", "app/web", "--no-wait")
        self.wait_for("not ready", lambda: self.all_of()[0]["state"] == "starting"
                      and "configuration" in self.all_of()[0]["reason"])
        self.assertEqual(self.wait_one()["pid"], before)

    def test_what_is_stopped_cannot_be_reloaded(self):
        self.apply({"name": "app", "services": {"web": service(["sleep", "600"])}})
        self.hub.cli("stop", "app", "--wait")
        result = self.hub.cli("reload", "app", check=5)
        self.assertIn("nothing to reload", result.stderr)
        self.assertIn("stopped on purpose", result.stderr)

    def test_wrong_words_are_named(self):
        def problems(**more):
            path = self.base / "wrong.json"
            path.write_text(json.dumps({"name": "app", "services": {"web": {"command": ["true"], **more}}}))
            return self.hub.cli("plan", path, check=2).stderr
        self.assertIn("SIGHOP", problems(reload="SIGHOP"))
        self.assertIn("either a signal or a command", problems(reload={"signal": "SIGHUP", "command": ["a"]}))
        self.assertIn("cannot bind port 8080", problems(ports=[8080], update={"order": "start-first"}))
        self.assertIn("start-first", problems(update={"order": "start-frist"}))
        self.assertIn("rollback", problems(update={"on_failure": "explode"}))
