#!/usr/bin/env python3
"""./dev run: a hub and three agents on this machine with examples/shop.yaml. Ctrl-C ends everything, in order.

Everything lives below one directory (its own state, ports and processes), which is removed at the end.
Usage: dev_run.py BIN_DIR [--once]     --once: stop as soon as all is ready (for tests)
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
NODES = ["north", "south", "west"]
READY_LIMIT = 120  # seconds


def say(text):
    print(f"\033[1m==> {text}\033[0m" if sys.stderr.isatty() else f"==> {text}", file=sys.stderr, flush=True)


def free_port(preferred):
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise SystemExit("error: no port is free")


class Fleet:
    def __init__(self, binaries, base):
        self.drover = str(pathlib.Path(binaries).resolve() / "drover")
        self.base = base
        self.processes = []  # (name, Popen), in the order of their start
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("DROVER_")}
        self.env["SHOP_DATA"] = str(base / "data")
        self.stopping = False

    def cli(self, *arguments, check=True, capture=True, state=None):
        command = [self.drover, "--state", str(state or self.base / "hub"), *arguments]
        result = subprocess.run(command, env=self.env, cwd=ROOT, text=True, timeout=180,
                                stdout=subprocess.PIPE if capture else None, stderr=subprocess.PIPE if capture else None)
        if check and result.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {result.returncode}\n{result.stdout or ''}{result.stderr or ''}")
        return result

    def spawn(self, name, *arguments):
        """In a session of its own, so that the terminal's Ctrl-C reaches this script alone."""
        log = open(self.base / f"{name}.log", "wb")
        process = subprocess.Popen([self.drover, *arguments], env=self.env, cwd=ROOT, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.processes.append((name, process))
        return process

    def wait_until(self, what, condition, limit):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            for name, process in self.processes:
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended with {process.returncode}:\n{self.tail(name)}")
            if condition():
                return
            time.sleep(0.1)
        raise RuntimeError(f"{what} did not happen within {limit} s\n{self.tail('hub')}")

    def tail(self, name):
        path = self.base / f"{name}.log"
        return "".join(f"  {name}: {line}\n" for line in path.read_text(errors="replace").splitlines()[-12:]) if path.exists() else ""

    def start(self):
        hub_port = free_port(3079)
        self.spawn("hub", "hub", "--state", str(self.base / "hub"), "--listen", f"127.0.0.1:{hub_port}")
        self.wait_until("the hub's start", lambda: self.cli("status", check=False).returncode == 0, 30)
        for index, name in enumerate(NODES):
            state = str(self.base / name)
            line = self.cli("token", "create", "--label", f"place={name}").stdout.strip().splitlines()[-1]
            self.cli("node", "join", line, "--name", name, state=state)
            self.spawn(name, "agent", "--state", state, "--listen", f"127.0.0.1:{free_port(3080 + 10 * index)}",
                       "--ports", f"{21000 + 1000 * index}-{21999 + 1000 * index}")
        self.wait_until("the nodes' arrival", lambda: self.online() == len(NODES), 30)

    def online(self):
        result = self.cli("node", "ls", "-o", "json", check=False)
        if result.returncode != 0:
            return 0
        return sum(node["state"] == "online" for node in json.loads(result.stdout)["items"])

    def show_access(self):
        for line in (self.base / "hub.log").read_text(errors="replace").splitlines():
            if "http" in line and not line.startswith("{"):
                print(line)
        print(f"\n  command line:  export DROVER_STATE={self.base}/hub PATH={pathlib.Path(self.drover).parent}:$PATH\n"
              f"                 drover ps; drover logs -f; drover stop app; drover node ls\n"
              f"  the shop:      http://127.0.0.1:8800/\n", flush=True)

    def stop(self):
        """Services in their order, then agents and keepers, then the hub. Whatever goes wrong, the next step follows."""
        if self.stopping:
            return
        self.stopping = True
        say("stopping everything in order (Ctrl-C again: at once)")
        self.attempt("the stack", lambda: self.cli("rm", "shop", "--yes", "--wait", "--timeout", "60s", check=False))
        for name, process in reversed(self.processes):
            self.end(name, process)
            if name in NODES:
                self.attempt(name, lambda state=self.base / name: self.cli("down", check=False, state=state))

    @staticmethod
    def attempt(what, action):
        try:
            action()
        except (subprocess.TimeoutExpired, OSError) as error:
            say(f"{what}: {error}")

    def end(self, name, process):
        if process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            say(f"{name} does not end; killed")
            process.kill()
            process.wait(5)

    def left_over(self):
        """Processes that still name our directory: on their command line or in their environment."""
        needle, out = str(self.base).encode(), []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                text = (entry / "cmdline").read_bytes()
                if needle in text or needle in (entry / "environ").read_bytes():
                    out.append((int(entry.name), text.replace(b"\0", b" ").decode(errors="replace").strip()))
            except OSError:
                continue
        return out


def follow(fleet, stop):
    """Merged logs until somebody says stop."""
    logs = subprocess.Popen([fleet.drover, "--state", str(fleet.base / "hub"), "logs", "-f", "--tail", "5"], env=fleet.env,
                            cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        while not stop.wait(0.2):
            for name, process in fleet.processes:
                if process.poll() is not None:
                    say(f"{name} has ended with {process.returncode}\n{fleet.tail(name)}")
                    return 1
    finally:
        logs.terminate()
        logs.wait(10)
    return 0


def main():
    once = "--once" in sys.argv[2:]
    base = pathlib.Path(tempfile.mkdtemp(prefix="drover-dev-"))
    fleet, stop, status = Fleet(sys.argv[1], base), threading.Event(), 1

    def on_signal(_number, _frame):
        if stop.is_set() and fleet.stopping:
            say("at once")
            for _, process in fleet.processes:
                process.kill()
        stop.set()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    try:
        fleet.start()
        say("applying examples/shop.yaml")
        fleet.cli("apply", "examples/shop.yaml", "--wait", "--timeout", f"{READY_LIMIT}s", capture=False)
        fleet.cli("ps", capture=False, check=False)
        fleet.show_access()
        status = 0 if once else follow(fleet, stop)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"error: {error}", file=sys.stderr)
    finally:
        fleet.stop()
    left = fleet.left_over()
    for pid, command in left:
        say(f"left over: {pid} {command}")
    if left or status != 0:
        say(f"logs and state are kept in {base}")
        sys.exit(1)
    subprocess.run(["rm", "-rf", str(base)], check=True)
    say("everything is stopped, nothing is left")


main()
