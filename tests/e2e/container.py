"""A Docker Engine of the test's own, and an image with nothing but our programs, their libraries and busybox."""
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import time
import unittest

from harness import BIN, PATIENCE

IMAGE = "drover-home"
APPLETS = ("sh", "sleep", "cat", "kill", "touch", "echo", "ls")


def why_not():
    """"" or why there can be no container here."""
    if os.geteuid() != 0:
        return "only root can start a Docker Engine"
    missing = [tool for tool in ("dockerd", "docker", "busybox") if not shutil.which(tool)]
    return f"not installed: {', '.join(missing)} (./dev deps)" if missing else ""


def needs_docker(test):
    reason = why_not()
    return unittest.skip(reason)(test) if reason else test


def libraries(program):
    out = subprocess.run(["ldd", str(program)], capture_output=True, text=True).stdout
    return {path for path in re.findall(r"(/\S+)(?: \(0x|$)", out, re.M) if os.path.exists(path)}


class Engine:
    def __init__(self, test):
        self.test, self.base, self.process = test, test.base / "docker", None
        self.host = f"unix://{self.base}/docker.sock"

    def start(self):
        self.base.mkdir()
        command = ["dockerd", "--data-root", self.base / "data", "--exec-root", self.base / "exec", "--pidfile",
                   self.base / "pid", "--host", self.host, "--bridge", "none", "--iptables=false", "--ip6tables=false",
                   "--storage-driver", "vfs", "--log-level", "warn"]
        with open(self.base / "dockerd.log", "wb") as log:
            self.process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 40 * PATIENCE
        while self.docker("version", check=None).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                said = (self.base / "dockerd.log").read_text(errors="replace")[-2000:]
                self.end()
                raise unittest.SkipTest(f"the Docker Engine does not start here: {said}")
            time.sleep(0.1)

    def docker(self, *arguments, check=0, limit=60):
        done = subprocess.run(["docker", "--host", self.host, *map(str, arguments)], text=True, errors="replace",
                              capture_output=True, timeout=limit * PATIENCE, stdin=subprocess.DEVNULL)
        if check is not None and done.returncode != check:
            raise AssertionError(f"docker {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def import_image(self):
        path = self.base / "image.tar"
        busybox = pathlib.Path(shutil.which("busybox")).resolve()
        with tarfile.open(path, "w", dereference=True) as tar:
            for name in ("drover", "drover-keeper"):
                tar.add(BIN / name, f"bin/{name}")
            tar.add(busybox, "bin/busybox")
            for library in sorted(libraries(BIN / "drover") | libraries(busybox)):
                tar.add(library, library.lstrip("/"))
            for applet in APPLETS:
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
            for folder in ("tmp", "run", "etc"):
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
                tar.addfile(entry)
        self.docker("import", path, IMAGE, limit=120)
        path.unlink()

    def end(self):
        if not self.process or self.process.poll() is not None:
            return
        running = self.docker("ps", "-aq", check=None).stdout.split()
        if running:
            self.docker("rm", "-f", *running, check=None)
        self.process.terminate()
        try:
            self.process.wait(30 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        for mount in reversed(re.findall(rf" ({re.escape(str(self.base))}\S*) ", pathlib.Path("/proc/self/mountinfo").read_text())):
            subprocess.run(["umount", "-l", mount], check=False)
