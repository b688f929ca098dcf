"""A Debian 12 guest with a real systemd as its first process and pure cgroup v2.

Disk and kernel are made once, from Debian's own packages, and kept in build/homes by the hash of the recipe. Without
kvm_intel or kvm_amd it is emulated, and a boot takes half a minute more: a KVM made by paravirtualization (kvm_pvm, where
this machine is a guest itself) does not run Debian's kernel, which hangs before its first message. The guest does what it
is told over its second serial port; nothing of it is reached over a network. Each start begins with the same disk: what a
guest writes lives as long as its qemu, reboots included.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from harness import BIN, PATIENCE, ROOT

PACKAGES = ("systemd", "systemd-sysv", "dbus", "libpam-systemd", "procps", "python3-minimal", "libssl3", "libsqlite3-0",
            "libyaml-0-2", "libsodium23", "libnghttp2-14", "libfmt9", "libzstd1", "libstdc++6", "libre2-9")
MODULES = ("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk")  # in this order
MAKING = 600  # seconds
TOOLS = ("debootstrap", "qemu-system-x86_64", "mke2fs", "apt-get", "busybox")

# What runs in the guest: a line "SECONDS HEX" is a shell command, answered by "STATUS HEX". "GET SOCKET PATH" instead of a
# command asks a hub: starting a program is slow there.
AGENT = r'''
import os, socket, subprocess
def get(path, what, limit):
    with socket.socket(socket.AF_UNIX) as hub:
        hub.settimeout(limit)
        hub.connect(path)
        hub.sendall(f"GET {what} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: hub.recv(65536), b""))
subprocess.run(["stty", "-F", "/dev/ttyS1", "raw", "-echo"], check=True)
with open("/dev/ttyS1", "r+b", buffering=0) as line:
    line.write(b"ready\n")
    pending = b""
    while True:
        while b"\n" not in pending:
            pending += line.read(4096) or b""
        words, pending = pending.split(b"\n", 1)
        try:
            limit, command = words.split()
            limit, command = float(limit), bytes.fromhex(command.decode()).decode()
            if command.startswith("GET "):
                status, output = 0, get(*command.split()[1:], limit)
            else:
                done = subprocess.run(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, timeout=limit)
                status, output = done.returncode, done.stdout
        except OSError as error:
            status, output = 126, str(error).encode()
        except subprocess.TimeoutExpired as expired:
            status, output = 124, expired.stdout or b""
        except ValueError:
            status, output = 125, b"not understood: " + words[:80]
        answer = b"%d %s\n" % (status, output.hex().encode() or b"-")
        while answer:
            answer = answer[line.write(answer):]
'''
AGENT_UNIT = """[Unit]
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target
After=basic.target
[Service]
ExecStart=/usr/bin/python3 /usr/local/lib/agent.py
Restart=always
TasksMax=infinity
[Install]
WantedBy=multi-user.target
"""
INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for module in {modules}; do /bin/busybox insmod /$module.ko; done
for wait in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/vda ] && break; /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 -o rw /dev/vda /root || exec /bin/busybox sh
exec /bin/busybox switch_root /root /sbin/init
"""
# Run in the new root: a user with a systemd of its own from boot on; nothing that works in the background by itself.
SETTLE = """
useradd --create-home --uid 1000 --shell /bin/sh worker
mkdir -p /var/lib/systemd/linger /mnt/bin /etc/systemd/journald.conf.d && touch /var/lib/systemd/linger/worker
systemctl -q enable test-agent.service
systemctl -q mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer \
  systemd-timesyncd.service getty.target serial-getty@ttyS0.service
rm -rf /var/cache/apt/* /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/*
rm -f /var/lib/dbus/machine-id; : > /etc/machine-id
"""


def why_not():
    """"" or why there can be no guest here."""
    if os.geteuid() != 0:
        return "only root can make the guest's disk (debootstrap)"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"not installed: {', '.join(missing)} (qemu-system-x86 debootstrap e2fsprogs busybox-static)" if missing else ""


def has_kvm():
    loaded = any(pathlib.Path("/sys/module", name).exists() for name in ("kvm_intel", "kvm_amd"))
    return loaded and os.access("/dev/kvm", os.R_OK | os.W_OK)


def call(*command, limit=MAKING, **options):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit,
                          stdin=subprocess.DEVNULL, text=True, errors="replace", **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def cpio(entries):
    """An initramfs: [(name, mode, content)]."""
    out = b""
    for number, (name, mode, content) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        for part in (b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0", content):
            out += part + b"\0" * (-len(part) % 4)
    return out


def make_kernel(work, target):
    depends = call("apt-cache", "depends", "linux-image-cloud-amd64")
    package = re.search(r"Depends: (linux-image-\S+)", depends).group(1)
    call("apt-get", "download", "-q", package, cwd=work)
    call("dpkg-deb", "-x", next(work.glob("linux-image-*.deb")), work / "kernel")
    shutil.copy(next((work / "kernel/boot").glob("vmlinuz-*")), target / "vmlinuz")
    entries = [(d, 0o040755, b"") for d in ("bin", "dev", "root")]
    entries += [("bin/busybox", 0o100755, pathlib.Path(shutil.which("busybox")).read_bytes()),
                ("init", 0o100755, INIT.format(modules=" ".join(MODULES)).encode())]
    for name in MODULES:
        module = next((work / "kernel").rglob(f"{name}.ko"), None)
        if module:
            entries.append((f"{name}.ko", 0o100644, module.read_bytes()))
    (target / "initrd").write_bytes(cpio(entries))


def make_disk(work, target):
    root = work / "root"
    call("debootstrap", "--variant=minbase", "--include=" + ",".join(PACKAGES), "bookworm", root)
    (root / "usr/local/lib/agent.py").write_text(AGENT)
    (root / "etc/systemd/system/test-agent.service").write_text(AGENT_UNIT)
    call("chroot", root, "/bin/sh", "-ec", SETTLE)
    call("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root, target / "disk", "1200M")


def image():
    """The directory with vmlinuz, initrd and disk; made when it is not there yet."""
    recipe = repr((PACKAGES, MODULES, AGENT, AGENT_UNIT, INIT, SETTLE))
    final = ROOT / "build/homes" / ("guest-" + hashlib.sha256(recipe.encode()).hexdigest()[:12])
    if (final / "disk").exists():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    target = pathlib.Path(tempfile.mkdtemp(prefix=".making-", dir=final.parent))
    work = pathlib.Path(tempfile.mkdtemp(prefix="drover-guest-"))
    try:
        make_kernel(work, target)
        make_disk(work, target)
        target.rename(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)
    return final


class Guest:
    def __init__(self, base):
        self.base, self.process, self.line = base, None, None
        self.console, self.socket = base / "console.log", base / "agent.socket"
        self.pending = b""

    def boot(self):
        made = image()
        self.make_program_disk()
        accelerator = ("kvm", "host") if has_kvm() else ("tcg", "max")
        command = ["qemu-system-x86_64", "-accel", accelerator[0], "-cpu", accelerator[1], "-machine", "pc", "-m", "1024",
                   "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none",
                   "-kernel", made / "vmlinuz", "-initrd", made / "initrd",
                   "-append", "console=ttyS0 panic=-1 systemd.show_status=0 quiet",
                   "-drive", f"file={made}/disk,if=virtio,format=raw,snapshot=on",
                   "-drive", f"file={self.base}/programs,if=virtio,format=raw,readonly=on",
                   "-serial", f"file:{self.console}",
                   "-chardev", f"socket,id=agent,path={self.socket},server=on,wait=off", "-serial", "chardev:agent"]
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=open(self.base / "qemu.log", "wb"))
        self.connect()

    def make_program_disk(self):
        programs = self.base / "bin"
        programs.mkdir()
        strip = shutil.which("llvm-strip-19") or "strip"
        for name in ("drover", "drover-keeper"):
            call(strip, "-o", programs / name, BIN / name)
        call("mke2fs", "-q", "-t", "ext4", "-d", programs, self.base / "programs", "400M")

    def connect(self):
        end = time.monotonic() + 60 * PATIENCE
        self.line = socket.socket(socket.AF_UNIX)
        while self.line.connect_ex(str(self.socket)) != 0:
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError("qemu did not start: " + (self.base / "qemu.log").read_text(errors="replace"))
            time.sleep(0.05)
        self.wait_ready()

    def wait_ready(self):
        if self.read_line(120 * PATIENCE) != b"ready":
            raise AssertionError("the guest said something else first")

    def read_line(self, limit):
        end = time.monotonic() + limit
        while b"\n" not in self.pending:
            self.line.settimeout(max(0.01, end - time.monotonic()))
            try:
                got = self.line.recv(65536)
            except TimeoutError:
                raise AssertionError(f"the guest is silent for {limit:.0f} s\n{self.last_words()}") from None
            if not got:
                raise AssertionError("the guest is gone\n" + self.last_words())
            self.pending += got
        line, self.pending = self.pending.split(b"\n", 1)
        return line.strip()

    def last_words(self):
        return self.console.read_text(errors="replace")[-3000:] if self.console.exists() else ""

    def run(self, command, limit=60, check=0):
        """A shell command as root; its output. `check`: the status that is expected, None: any."""
        limit *= PATIENCE
        self.line.sendall(f"{limit} {command.encode().hex()}\n".encode())
        words = self.read_line(limit + 30).split()
        status, output = int(words[0]), bytes.fromhex(words[1].decode() if words[1] != b"-" else "").decode(errors="replace")
        if check is not None and status != check:
            raise AssertionError(f"in the guest, `{command}` ended with {status}, not {check}:\n{output[-3000:]}")
        return output

    def get(self, state, path):
        """What the hub with this state directory answers."""
        raw = self.run(f"GET {state}/hub.sock /api/v1{path}", limit=20)
        head, _, body = raw.partition("\r\n\r\n")
        if " 200 " not in head.splitlines()[0]:
            raise AssertionError(f"{path}: {raw[:300]}")
        return json.loads(body)

    def reboot(self):
        self.line.sendall(f"60 {b'systemctl reboot'.hex()}\n".encode())
        end = time.monotonic() + 240 * PATIENCE
        while self.read_line(max(1, end - time.monotonic())) != b"ready":
            pass

    def end(self):
        if self.line:
            self.line.close()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
