"""Real processes for the end-to-end tests: a hub, agents, `drover up`, in a directory of their own.

Promises: every wait has a deadline; processes are ended by pid; at the end of each test nothing is left, which is
looked up in /proc (this process is the subreaper of all that the test started); on failure every log is shown.
DROVER_BIN names the folder with drover and drover-keeper; DROVER_E2E_FULL=1 adds the long variants.
"""
import ctypes
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FULL = os.environ.get("DROVER_E2E_FULL") == "1"
PROGRAMS = ("drover", "drover-keeper")
SHOWN_LOG = 6000  # characters of each log that a failure shows


def find_binaries():
    if "DROVER_BIN" in os.environ:
        return pathlib.Path(os.environ["DROVER_BIN"]).resolve()
    for preset in ("asan", "dev", "release"):
        if (ROOT / "build" / preset / "bin/drover").exists():
            return ROOT / "build" / preset / "bin"
    raise unittest.SkipTest("there is no drover: ./dev build")


BIN = find_binaries()
# Sanitizers cost a factor; deadlines are not what these tests measure.
PATIENCE = float(os.environ.get("DROVER_E2E_PATIENCE", "3" if "asan" in str(BIN) or "tsan" in str(BIN) else "1"))


def become_subreaper():
    PR_SET_CHILD_SUBREAPER = 36
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


# ---- processes ----------------------------------------------------------------------------------------------------

def stat_of(pid):
    """(state, parent, start time), or None when it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return fields[0], int(fields[1]), int(fields[19])
    except (OSError, IndexError, ValueError):
        return None


def alive(pid):
    """Runs; a zombie does not."""
    found = stat_of(pid)
    return found is not None and found[0] not in "ZX"


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def environment_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def descendants(root):
    """{pid: parent} of all that come from `root`, zombies included."""
    parents = {}
    for pid in all_pids():
        found = stat_of(pid)
        if found:
            parents[pid] = found[1]
    out = {}
    for pid in parents:
        above = pid
        for _ in range(200):
            above = parents.get(above, 0)
            if above in (0, root):
                break
        if above == root:
            out[pid] = parents[pid]
    return out


def memory_of(pid):
    """Proportional set size in bytes; resident size where that cannot be read."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_until(what, look, limit=20.0, pause=0.05):
    """The first true value of `look()`. Fails after `limit` seconds, with the last thing that was seen."""
    limit *= PATIENCE
    end = time.monotonic() + limit
    while True:
        try:
            value, trouble = look(), None
        except (OSError, http.client.HTTPException, KeyError, ValueError) as error:
            value, trouble = None, error
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:.0f} s: {what}{f' ({trouble!r})' if trouble else ''}")
        time.sleep(pause)


# ---- stack files --------------------------------------------------------------------------------------------------

def shell(script):
    """A command that runs `script`: the stack file's ${…} is kept away from it."""
    return ["/bin/sh", "-c", script.replace("$", "$$")]


def numbered(every=0.02, first="starts"):
    """Prints numbered lines for ever."""
    return shell(f'echo {first}; i=0; while :; do i=$((i+1)); echo "line $i"; sleep {every}; done')


def service(command, **more):
    return {"command": command, "stop": {"grace": "5s"}, **more}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Refused(Exception):
    def __init__(self, status, problem):
        super().__init__(f"{status}: {problem}")
        self.status, self.problem = status, problem


class Api:
    """The hub's REST API over its Unix socket."""

    def __init__(self, state, timeout=15):
        self.path, self.timeout = str(pathlib.Path(state) / "hub.sock"), timeout * PATIENCE

    def raw(self, method, path, body=None, headers=None):
        connection = UnixConnection(self.path, self.timeout)
        try:
            data = body if isinstance(body, (bytes, str, type(None))) else json.dumps(body)
            sent = {"Content-Type": "application/json", **(headers or {})} if data is not None else dict(headers or {})
            connection.request(method, "/api/v1" + path, data, sent)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace"), dict(answer.getheaders())
        finally:
            connection.close()

    def call(self, method, path, body=None, headers=None):
        status, text, _ = self.raw(method, path, body, headers)
        parsed = json.loads(text) if text.strip() else {}
        if status >= 400:
            raise Refused(status, parsed)
        return parsed

    def get(self, path):
        return self.call("GET", path)

    def items(self, path, query=""):
        out, cursor = [], ""
        for _ in range(100):
            page = self.get(f"{path}?limit=1000{query}{cursor}")
            out += page["items"]
            if not page.get("next"):
                return out
            cursor = "&cursor=" + page["next"]
        raise AssertionError(f"{path} has no end")

    def apply(self, stack):
        """Over REST there is no file whose directory could be meant."""
        services = {name: {"working_dir": "/", **one} for name, one in stack["services"].items()}
        return self.call("PUT", f"/stacks/{stack['name']}", {**stack, "services": services})

    def instances(self, stack=None):
        found = self.items("/instances")
        return {i["name"]: i for i in found if stack is None or i["stack"] == stack}

    def instance(self, stack, name):
        return self.get(f"/instances/{stack}:{name}")

    def lines(self, stack, name, tail=1_000_000):
        status, text, _ = self.raw("GET", f"/instances/{stack}:{name}/logs?tail={tail}")
        if status != 200:
            raise Refused(status, text)
        return [json.loads(line)["line"] for line in text.splitlines() if line.strip()]


# ---- daemons ------------------------------------------------------------------------------------------------------

class Daemon:
    """One long-running drover process that a test started."""

    def __init__(self, test, name, arguments, stdin=subprocess.DEVNULL):
        self.name, self.log = name, test.base / f"{name}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(test.bin / "drover"), *map(str, arguments)], env=test.env, cwd=test.base,
                                            stdin=stdin, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, **test.identity)
        self.pid = self.process.pid
        test.daemons.append(self)

    def ended(self):
        return self.process.poll() is not None

    def output(self):
        return self.log.read_text(errors="replace")

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait(10 * PATIENCE)

    def stop(self, number=signal.SIGTERM, limit=30):
        """The exit status. Killed, and a failure, when it does not end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(limit * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {limit} s after signal {number}") from None


class Hub:
    """A hub; it can be killed and started again on the same port."""

    def __init__(self, test, name="hub", heartbeat="500ms", lost_after="5s", **flags):
        self.test, self.name, self.state = test, name, test.base / name
        self.port = free_port()
        self.arguments = ["hub", "--state", self.state, "--listen", f"127.0.0.1:{self.port}",
                          "--heartbeat", heartbeat, "--lost-after", lost_after]
        for key, value in flags.items():
            self.arguments += ["--" + key.replace("_", "-"), value]
        self.api = Api(self.state)
        self.start()

    def start(self):
        self.daemon = Daemon(self.test, self.name, self.arguments)
        self.test.wait_for(f"{self.name} answers", lambda: self.api.get("/version"), 30)

    def kill(self):
        self.daemon.kill()

    def cli(self, *arguments, **options):
        return self.test.cli(*arguments, state=self.state, **options)


class Agent:
    """An agent with a state directory of its own, joined to a hub."""

    def __init__(self, test, hub, name, through=None, start=True, replace="", state=None, labels=()):
        self.test, self.hub, self.name = test, hub, name
        self.state = pathlib.Path(state or test.base / name)
        self.port = free_port()
        low = test.next_port_range()
        self.arguments = ["agent", "--state", self.state, "--listen", f"127.0.0.1:{self.port}",
                          "--ports", f"{low}-{low + 199}", "--reconnect-max", "1s"]
        more = ["--replace", replace] if replace else []
        for label in labels:
            more += ["--label", label]
        line = hub.cli("token", "create", *more).stdout.strip().splitlines()[-1]
        test.cli("node", "join", line, "--name", name, state=self.state)
        test.agents.append(self)
        if through:
            (self.state / "hub").write_text(f"https://127.0.0.1:{through}\n")
        if start:
            self.start()

    def start(self, wait=True):
        self.daemon = Daemon(self.test, self.name, self.arguments)
        if wait:
            self.wait_online()

    def shown(self):
        """The node's state, as the hub shows it."""
        return next((n["state"] for n in self.hub.api.items("/nodes") if n["name"] == self.name), None)

    def online(self):
        return self.shown() == "online"

    def takes_work(self):
        """Its inventory has arrived too: before that nothing is placed there."""
        trial = {"name": "trial", "services": {"x": {"command": ["true"], "working_dir": "/",
                                                     "place": {"strategy": "manual", "nodes": [self.name]}}}}
        plan = self.hub.api.call("POST", "/stacks/trial/plan", trial)
        return any(step["node"] == self.name for step in plan["steps"])

    def wait_online(self, limit=30):
        def look():
            if self.daemon.ended():
                raise AssertionError(f"{self.name} ended with {self.daemon.process.returncode}")
            return self.online() and self.takes_work()
        self.test.wait_for(f"{self.name} is online", look, limit)

    def kill(self):
        self.daemon.kill()

    def keeper(self):
        """(guard's pid, keeper's pid) from the lock file."""
        return keeper_of(self.state)


def keeper_of(state):
    try:
        lines = (pathlib.Path(state) / "keeper.lock").read_text().splitlines()
        found = dict(line.split() for line in lines if line.strip())
        return int(found["guard"]), int(found["keeper"])
    except (OSError, ValueError, KeyError):
        return 0, 0


# ---- the test case ------------------------------------------------------------------------------------------------

class E2E(unittest.TestCase):
    """Each test has a directory, self.base, and ends everything that it started."""

    @classmethod
    def setUpClass(cls):
        become_subreaper()

    def setUp(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="dr-e2e-"))
        self.bin, self.identity = BIN, {}  # identity: who else our programs run as (Popen's user, group, extra_groups)
        self.daemons, self.agents, self.states, self.mounts = [], [], [], []
        self.port_ranges = iter(range(20_000 + os.getpid() % 40 * 200, 60_000, 200))
        home = self.base / "home"
        home.mkdir()
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("DROVER_", "XDG_"))}
        self.env.update(HOME=str(home), TERM="dumb", NO_COLOR="1", DROVER_E2E=str(self.base),
                        DROVER_HUB_SETTLE="100ms")
        if "DROVER_KEEPER_LEVEL" in os.environ:
            self.env["DROVER_KEEPER_LEVEL"] = os.environ["DROVER_KEEPER_LEVEL"]

    def tearDown(self):
        troubles = []
        if self.has_failed():
            self.show_everything()
        for daemon in reversed(self.daemons):
            try:
                if not daemon.ended():
                    daemon.stop()
            except AssertionError as error:
                troubles.append(str(error))
        for state in self.states:
            if (state / "up.pid").exists():  # a test that failed in the middle
                self.cli("down", state=state, check=None, timeout=60)
        for state in self.keeper_states():
            trouble = self.end_keeper(state)
            if trouble:
                troubles.append(trouble)
        troubles += self.end_what_is_left()
        for mount in reversed(self.mounts):
            subprocess.run(["umount", "-l", str(mount)], check=False)
        troubles += self.sanitizer_reports()
        if troubles and not self.has_failed():
            self.show_everything()
        self.remove_files()
        if troubles:
            self.fail("; ".join(troubles))

    def up_pid(self, state):
        """Of `drover up`, from the first line of up.pid."""
        return int((state / "up.pid").read_text().split()[0])

    def keeper_states(self):
        known = [a.state for a in self.agents] + self.states + [s / "agent" for s in self.states]
        return [s for s in known if (s / "keeper.lock").exists()]

    def end_keeper(self, state):
        guard, keeper = keeper_of(state)
        if not (alive(guard) or alive(keeper)):
            return None
        result = self.cli("down", "--timeout", "3s", state=state, check=None, timeout=60)
        if result.returncode != 0:
            return f"drover down of {state.name} ended with {result.returncode}: {result.stderr.strip()[-300:]}"
        try:
            self.wait_for("the keeper's end", lambda: not alive(guard) and not alive(keeper), 10)
        except AssertionError as error:
            return str(error)
        return None

    def left_over(self):
        """Processes of this test that are not its own daemons: {pid: command}."""
        mine = {d.pid for d in self.daemons}
        self.reap(mine)
        marker = f"DROVER_E2E={self.base}".encode()
        out = {}
        below = descendants(os.getpid())
        for pid in all_pids():
            ours = pid in below or (pid != os.getpid() and (marker in environment_of(pid)
                                                            or str(self.base) in command_of(pid)))
            if ours and pid not in mine and alive(pid):
                out[pid] = command_of(pid) or "(nameless)"
        return out

    def reap(self, mine):
        """We are the subreaper: what was orphaned and has ended waits for us."""
        for pid, parent in descendants(os.getpid()).items():
            found = stat_of(pid)
            if parent == os.getpid() and pid not in mine and found and found[0] == "Z":
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    pass

    def end_what_is_left(self):
        end = time.monotonic() + 3 * PATIENCE
        while (left := self.left_over()) and time.monotonic() < end:
            time.sleep(0.05)
        for _ in range(20):  # guard and keeper start each other again
            found = self.left_over()
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            if not found:
                break
            time.sleep(0.05)
        return [f"left over: {pid} {command}" for pid, command in left.items()]

    def sanitizer_reports(self):
        marks = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "broken invariant", "ThreadSanitizer")
        return [f"{log.name}: {line.strip()}" for log in sorted(self.base.rglob("*.log"))
                if "instances" not in log.parts
                for line in log.read_text(errors="replace").splitlines() if any(m in line for m in marks)][:5]

    def remove_files(self):
        if os.environ.get("DROVER_E2E_KEEP") == "1":
            print(f"kept: {self.base}", file=sys.stderr)
            return
        for state in [a.state for a in self.agents] + [s / "agent" for s in self.states]:
            self.remove_run_directory(state)
        shutil.rmtree(self.base, ignore_errors=True)

    def remove_run_directory(self, state):
        """What an agent has on tmpfs."""
        name = hashlib.blake2b(str(state).encode(), digest_size=32).hexdigest()[:12]
        for run in (f"/run/drover/{name}", f"/dev/shm/drover-{self.identity.get('user', os.geteuid())}/{name}"):
            shutil.rmtree(run, ignore_errors=True)

    def has_failed(self):
        result = self._outcome.result
        return any(test is self for test, _ in result.failures + result.errors)

    def show_everything(self):
        for log in sorted(self.base.rglob("*.log")):
            if "instances" in log.parts:
                continue
            text = log.read_text(errors="replace")
            print(f"---- {log.relative_to(self.base)} ----\n{text[-SHOWN_LOG:]}", flush=True)
        for daemon in self.daemons:
            if daemon.name.startswith("hub") and not daemon.ended():
                for what in ("instances", "deployments", "tasks"):
                    try:
                        items = Api(self.base / daemon.name, 3).items("/" + what)
                    except (OSError, Refused, ValueError, http.client.HTTPException) as error:
                        items = [repr(error)]
                    print(f"---- {daemon.name}: {what} ----\n" + "\n".join(json.dumps(i)[:900] for i in items[:25]))
        print("---- processes ----\n" + "\n".join(f"{p} {c}" for p, c in self.left_over().items()), flush=True)

    # -- for tests --

    def install(self):
        """An installation of the test's own, which replace() may change."""
        self.bin = self.base / "bin"
        self.bin.mkdir()
        for name in PROGRAMS:
            self.replace(name)

    def replace(self, name, size=None):
        """Another build of a program, as an installer puts it there; `size`: cut off after so many bytes."""
        fresh = self.bin / f".{name}"
        shutil.copy(BIN / name, fresh)
        if size is None:
            with open(fresh, "ab") as file:
                file.write(os.urandom(16))
        else:
            os.truncate(fresh, size)
        fresh.rename(self.bin / name)

    def runs_installed(self, pid, name="drover-keeper"):
        return os.path.samefile(f"/proc/{pid}/exe", self.bin / name)

    def next_port_range(self):
        return next(self.port_ranges)

    def wait_for(self, what, look, limit=20.0, pause=0.05):
        return wait_until(what, look, limit, pause)

    def cli(self, *arguments, state, check=0, timeout=60, stdin=None, env=None):
        """Runs the command line. `check`: the exit status that is expected, None: any."""
        words = [str(one) for one in arguments]
        at = words.index("--") if "--" in words else len(words)  # what follows is a program's own
        command = [str(self.bin / "drover"), *words[:at], "--state", str(state), *words[at:]]
        try:
            result = subprocess.run(command, env={**self.env, **(env or {})}, cwd=self.base, text=True, input=stdin,
                                    stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True,
                                    errors="replace", timeout=timeout * PATIENCE, **self.identity)
        except subprocess.TimeoutExpired as expired:
            raise AssertionError(f"{' '.join(command)} hung for {timeout * PATIENCE:.0f} s: {expired.stderr}") from None
        if check is not None and result.returncode != check:
            raise AssertionError(f"{' '.join(command)} ended with {result.returncode}, not {check}\n"
                                 f"{result.stdout}{result.stderr}")
        return result

    def write_stack(self, stack, name=None):
        path = self.base / f"{name or stack['name']}.json"
        path.write_text(json.dumps(stack, indent=1))
        return path

    def fleet(self, *names, **flags):
        hub = Hub(self, **flags)
        return hub, [Agent(self, hub, name) for name in names]

    def wait_deployment(self, api, answer, state="succeeded", limit=40):
        """Waits for the deployment of an answer of apply; fails at once when it ends otherwise."""
        return self.wait_ended(api, answer["deployment"], state, limit)

    def wait_ended(self, api, deployment, state="succeeded", limit=40):
        final = {"succeeded", "failed", "cancelled", "superseded", "rolled_back", "rollback_failed"}

        def look():
            found = api.get(f"/deployments/{deployment}")
            if found["state"] in final and found["state"] != state:
                raise AssertionError(f"deployment {deployment} has {found['state']}, not {state}: {found.get('message')}")
            return found if found["state"] == state else None
        return self.wait_for(f"deployment {deployment} is {state}", look, limit)

    def wait_states(self, api, stack, states, limit=30):
        """`states`: {instance name: state}; exactly these instances."""
        seen = {}

        def look():
            seen.clear()
            seen.update({name: i["state"] for name, i in api.instances(stack).items()})
            return seen == states
        try:
            self.wait_for(f"{stack} is {states}", look, limit)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {seen}") from None

    def wait_gone(self, api, stack, limit=40):
        def look():
            try:
                api.get(f"/stacks/{stack}")
                return False
            except Refused as refused:
                return refused.status == 404
        self.wait_for(f"{stack} is gone", look, limit)

    def starts(self, path):
        """Lines of a file to which a service appends at each start."""
        try:
            return (self.base / path).read_text().splitlines()
        except OSError:
            return []

    def appending(self, path, then="exec sleep 1000"):
        return shell(f'echo "$$" >> {self.base / path}; {then}')
