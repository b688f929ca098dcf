"""The supervisors that supervision.py stands Drover beside: fetched into build/peers, run in a directory of their own.

Each has the settings with which it restarts soonest, and its logs off unless a log is what is measured. Debian's packages
are unpacked only, so that no service of theirs starts; but s6, which starts none and knows its own programs by fixed
paths, is installed.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import harness

PLACE = harness.ROOT / "build/peers"
ROOT = PLACE / "root"
PM2_VERSION = "7.0.4"
PACKAGES = ("supervisor", "python3-pkg-resources", "runit")
NAME = "w"  # of the service, where there is one


def fetch():
    """Once; a second call finds them."""
    PLACE.mkdir(parents=True, exist_ok=True)
    if not (ROOT / "usr/bin/runsv").exists():
        subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=PLACE, check=True, stdout=sys.stderr, timeout=300)
        for package in PLACE.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(ROOT)], check=True, timeout=60)
    if not pathlib.Path("/usr/bin/s6-supervise").exists():
        subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", "s6"], check=True, stdout=sys.stderr, timeout=300)
    if Pm2 in found() and not (PLACE / "npm/node_modules/pm2").exists():
        subprocess.run(["npm", "install", "--prefix", str(PLACE / "npm"), "--no-audit", "--no-fund", "--loglevel=error",
                        f"pm2@{PM2_VERSION}"], check=True, stdout=sys.stderr, timeout=300)


def environment(base, **more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("DROVER_", "PM2_", "XDG_"))}
    return {**env, "HOME": str(base), "PATH": f"{ROOT}/usr/bin:{env['PATH']}", **more}


def tree_of(root):
    return [root, *harness.descendants(root)]


class Peer:
    """One supervisor and what it looks after. `base`: an empty directory that is its own."""
    name = "?"
    note = ""
    limit = 60.0  # seconds that an orderly stop of one service may take

    def __init__(self, base):
        self.base, self.pid = base, 0
        self.env = environment(base)

    def run(self, *command, check=True, timeout=300):
        return subprocess.run([str(c) for c in command], env=self.env, cwd=self.base, check=check, timeout=timeout,
                              capture_output=True, text=True)

    def spawn(self, *command, env=None):
        with open(self.base / "daemon.log", "ab") as log:
            process = subprocess.Popen([str(c) for c in command], env=env or self.env, cwd=self.base,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.pid = process.pid

    def up(self, services):
        """Starts the supervisor with {name: command}."""
        raise NotImplementedError(self.name)

    def stop(self, service):
        """As its user would: until it says that the service is stopped."""
        raise NotImplementedError(self.name)

    def own(self, program):
        """The pids of the supervisor itself: what runs below it and is not `program`."""
        out = []
        for pid in tree_of(self.pid) if self.pid else []:
            try:
                if os.readlink(f"/proc/{pid}/exe") != str(program):
                    out.append(pid)
            except OSError:
                continue
        return out

    def end(self):
        """Everything of it, at once: no figure is taken here. First the supervisors, so that nothing is started again."""
        for _ in range(3):
            below = tree_of(self.pid) if self.pid else []
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in below:
                    try:
                        os.kill(pid, number)
                    except OSError:
                        pass
            time.sleep(0.05)


class Supervisord(Peer):
    name, note = "supervisord", "startsecs=0, autorestart=true, stopasgroup=true, killasgroup=true"

    def up(self, services):
        text = (f"[unix_http_server]\nfile={self.base}/s.sock\n[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\n"
                f"pidfile={self.base}/s.pid\nminfds=16384\n[supervisorctl]\nserverurl=unix://{self.base}/s.sock\n"
                "[rpcinterface:supervisor]\n"
                "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n")
        for name, command in services.items():
            text += (f"[program:{name}]\ncommand={' '.join(map(str, command))}\nautorestart=true\nstartsecs=0\n"
                     "startretries=1000000\nstopasgroup=true\nkillasgroup=true\nstopwaitsecs=2\n"
                     "stdout_logfile=NONE\nstderr_logfile=NONE\n")
        (self.base / "s.conf").write_text(text)
        self.env["PYTHONPATH"] = str(ROOT / "usr/lib/python3/dist-packages")
        self.spawn("/usr/bin/python3", ROOT / "usr/bin/supervisord", "-n", "-c", self.base / "s.conf")

    def stop(self, service):
        self.run("/usr/bin/python3", ROOT / "usr/bin/supervisorctl", "-c", self.base / "s.conf", "stop", service, timeout=self.limit)


class Pm2(Peer):
    name, note = "PM2", "fork mode, restart_delay 0, min_uptime 0, treekill on"

    def ecosystem(self, services, **more):
        apps = ",".join(
            '{"name":"%s","script":"%s","args":"%s","interpreter":"none","exec_mode":"fork","autorestart":true,'
            '"min_uptime":0,"max_restarts":1000000,"restart_delay":0,"kill_timeout":2000,%s}'
            % (name, command[0], " ".join(map(str, command[1:])), ",".join(f'"{k}":"{v}"' for k, v in more.items()))
            for name, command in services.items())
        path = self.base / "ecosystem.json"
        path.write_text(f'{{"apps":[{apps}]}}')
        return path

    def command(self, *words, **options):
        return self.run("node", PLACE / "npm/node_modules/pm2/bin/pm2", *words, **options)

    def up(self, services, **more):
        self.env.update(PM2_HOME=str(self.base / "pm2"), PM2_DISABLE_VERSION_CHECK="true")
        path = self.ecosystem(services, **(more or {"out_file": "/dev/null", "error_file": "/dev/null"}))
        self.command("ping")  # starts its daemon
        self.pid = int((self.base / "pm2/pm2.pid").read_text())
        if services:
            self.command("start", path)

    def stop(self, service):
        self.command("stop", service, timeout=self.limit)


class S6(Peer):
    name, note = "s6", "s6-svscan with one s6-supervise a service"

    def up(self, services):
        (self.base / "scan").mkdir()
        for name, command in services.items():
            self.write(self.base / "scan" / name, command)
        self.scan(len(services))

    def write(self, place, command):
        place.mkdir()
        (place / "run").write_text("#!/bin/sh\nexec " + " ".join(map(str, command)) + "\n")
        (place / "run").chmod(0o755)

    def scan(self, count):
        self.spawn("s6-svscan", "-c", max(500, 2 * count), self.base / "scan")

    def stop(self, service):
        self.run("s6-svc", "-wD", "-T", "5000", "-d", self.base / "scan" / service, check=False, timeout=self.limit)


class Runit(S6):
    name, note = "runit", "runsvdir with one runsv a service"

    def scan(self, count):
        self.spawn("runsvdir", self.base / "scan")

    def stop(self, service):
        self.run("sv", "-w", "5", "down", self.base / "scan" / service, check=False, timeout=self.limit)


PEERS = (Supervisord, Pm2, S6, Runit)


def found():
    """Those that can be had here."""
    return [kind for kind in PEERS if kind is not Pm2 or shutil.which("npm")]
