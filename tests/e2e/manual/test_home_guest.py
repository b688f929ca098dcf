"""At home on a Debian 12 with systemd 252 and pure cgroup v2: as a unit of the machine, of a user, and of nobody."""
import json
import pathlib
import re
import shlex
import shutil
import tempfile
import time
import unittest

from guest import Guest, why_not
from harness import PATIENCE, wait_until

TALK = "i=0; while :; do i=$$((i+1)); echo line $$i; sleep 0.1; done"
# A child, one that ignores TERM, one with a session of its own, and one that was forked twice.
TREE = ("sleep 100001 & (trap '' TERM; while :; do sleep 1; done) & setsid sleep 100002 & "
        "(setsid sh -c 'sleep 100003 & exit' &) ; wait")
EAT = "import time\nwhile not __import__('os').path.exists('{home}/eat'): time.sleep(0.1)\nx = 'x' * (200 << 20)"
guest = None


def setUpModule():
    global guest
    if why_not():
        raise unittest.SkipTest(why_not())
    base = pathlib.Path(tempfile.mkdtemp(prefix="dr-guest-"))
    guest = Guest(base)
    try:
        guest.boot()
        guest.run("mount -o ro /dev/vdb /mnt/bin && cp /mnt/bin/drover* /usr/local/bin/ && umount /mnt/bin")
    except BaseException:
        tearDownModule()
        raise


def tearDownModule():
    guest.end()
    shutil.rmtree(guest.base, ignore_errors=True)


def sh(script):
    return ["/bin/sh", "-c", script]


class Home(unittest.TestCase):
    """One home; each test begins with the unit installed and everything ready, and ends with nothing left."""
    home, user = "/root", None
    level = "cgroup2"

    def setUp(self):
        self.state = f"{self.home}/state"
        self.as_home(f"rm -rf {self.home}/shop.json {self.home}/quiet {self.home}/eat {self.state}")

    def tearDown(self):
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors):
            print(guest.run(f"/usr/local/bin/drover logs --own --state {self.state} | tail -n 60; journalctl -b --no-pager -n 60; "
                            "systemd-cgls --no-pager", check=None)[-9000:])
        self.remove()
        left = guest.run("ps axo pid,args | grep -E 'drover|10000[123]|line' | grep -v grep; :")
        self.assertEqual([l for l in left.splitlines() if re.search(r"drover-keeper|drover up|sleep 10000|echo line", l)], [])

    # -- in the guest --

    def as_home(self, command, **options):
        if self.user:
            command = f"su {self.user} -s /bin/sh -c {shlex.quote('export XDG_RUNTIME_DIR=/run/user/1000; cd; ' + command)}"
        return guest.run(command, **options)

    def drover(self, command, **options):
        return self.as_home(f"/usr/local/bin/drover {command} --state {self.state}", **options)

    def systemctl(self, command, **options):
        return self.as_home(f"systemctl {'--user' if self.user else ''} {command}", **options)

    def write(self, services):
        text = json.dumps({"name": "shop", "services": services})
        self.as_home(f"printf %s {shlex.quote(text)} > {self.home}/shop.json")

    def install(self, services):
        self.write(services)
        self.drover(f"service install {'--user' if self.user else ''} {self.home}/shop.json", limit=150)
        self.wait_ready()
        return self.instances()

    def remove(self):
        self.drover(f"service uninstall {'--user' if self.user else ''} shop", limit=200, check=None)

    def instances(self):
        return {i["name"]: i for i in guest.get(self.state, "/instances?limit=100")["items"]}

    def wait_for(self, what, look, limit=60):
        def safe():
            try:
                return look()
            except (AssertionError, ValueError, KeyError):
                return None
        return wait_until(what, safe, limit, 0.3)

    def wait_ready(self):
        self.wait_for("all is ready", lambda: (lambda found: found and all(
            i["state"] == "ready" and i["fresh"] for i in found.values()) and found)(self.instances()), 120)

    def ours(self):
        locked = dict(line.split() for line in guest.run(f"cat {self.state}/agent/keeper.lock").splitlines())
        return {"up": int(guest.run(f"cat {self.state}/up.pid").split()[0]), **{k: int(v) for k, v in locked.items()}}

    def alive(self, pid):
        return guest.run(f"kill -0 {pid} 2>/dev/null && echo yes; :").strip() == "yes"

    def same(self, before, what):
        self.wait_ready()
        after = self.instances()
        for name, was in before.items():
            self.assertEqual((after[name]["pid"], after[name]["restarts"]), (was["pid"], 0), f"{name} after {what}")

    def kill(self, which):
        killed = self.ours()[which]
        guest.run(f"kill -9 {killed}")
        self.wait_for(f"another {which}", lambda: (lambda pid: pid != killed and self.alive(pid))(self.ours()[which]), 60)

    def cgroup(self, pid):
        return "/sys/fs/cgroup" + guest.run(f"cat /proc/{pid}/cgroup").strip().removeprefix("0::")

    def services(self):
        return {"talk": {"command": sh(TALK)}, "quiet": {"command": sh(f"echo $$$$ >> {self.home}/quiet; exec sleep 1000000")}}


class Units(Home):
    def test_everything_of_ours_dies_is_restarted_upgraded_and_rebooted(self):
        before = self.install(self.services())
        for which in ("up", "keeper", "guard", "up"):
            self.kill(which)
            self.same(before, f"the death of {which}")
        self.systemctl("restart drover-shop", limit=200)
        self.same(before, "a restart of the unit")

        for name in ("drover", "drover-keeper"):
            guest.run(f"cd /usr/local/bin && cp {name} .new && echo more >> .new && mv .new {name}")
        self.systemctl("restart drover-shop", limit=200)
        self.same(before, "an upgrade")
        installed = guest.run("stat -L -c %i /usr/local/bin/drover-keeper").strip()
        for which in ("keeper", "guard"):
            running = f"/proc/{self.ours()[which]}/exe"
            self.wait_for(f"{which} is the new one", lambda: guest.run(f"stat -L -c %i {running}").strip() == installed)
        self.assertEqual(len(guest.run(f"cat {self.home}/quiet").split()), 1)
        lines = [int(n) for n in re.findall(r"line (\d+)$", self.drover("logs talk --tail 1000000"), re.M)]
        self.assertEqual(lines, sorted(set(lines)))
        self.assertLessEqual(lines[-1] - lines[0] + 1 - len(lines), 3, "more than what the killed keeper had in its hands")

        guest.reboot()
        self.wait_for("the services come again", lambda: len(guest.run(f"cat {self.home}/quiet").split()) == 2, 240)
        self.wait_ready()
        self.assertIn(f"kill level: {self.level}", self.drover("doctor", check=None))

    def test_a_tree_is_stopped_with_all_that_is_in_it(self):
        self.install({**self.services(), "tree": {"command": sh(TREE), "stop": {"grace": "1s"}}})
        self.wait_for("the tree", lambda: len(guest.run("pgrep -f 'sleep 10000[123]'").split()) >= 3)
        pid = self.instances()["tree-1"]["pid"]
        members = guest.run(f"cat {self.cgroup(pid)}/cgroup.procs").split()
        self.assertGreaterEqual(len(members), 5)
        self.drover("stop shop/tree --wait")
        self.assertEqual([p for p in members if self.alive(p)], [])

    def test_limits_are_in_force_and_an_end_by_memory_is_named(self):
        eat = EAT.format(home=self.home)
        limits = {"memory": "64MiB", "pids": 50, "cpus": 0.5}
        before = self.install({**self.services(), "eater": {"command": ["/usr/bin/python3", "-c", eat], **limits}})
        where = self.cgroup(before["eater-1"]["pid"])
        self.assertEqual(guest.run(f"cat {where}/memory.max").strip(), str(64 << 20))
        self.assertEqual(guest.run(f"cat {where}/memory.oom.group").strip(), "1")
        self.assertEqual(guest.run(f"cat {where}/pids.max").strip(), "50")
        if not self.user or "cpu" in guest.run(f"cat {where}/cgroup.controllers").split():
            quota, period = guest.run(f"cat {where}/cpu.max").split()
            self.assertEqual(int(quota) * 2, int(period))
        guest.run(f"touch {self.home}/eat")
        self.wait_for("it is restarted", lambda: self.instances()["eater-1"]["restarts"] >= 1, 90)
        guest.run(f"rm {self.home}/eat")
        for look in ("status shop/eater-1", "why eater-1"):
            self.assertRegex(self.drover(look, check=None).lower(), "out of memory|oom", look)
        del before["eater-1"]
        self.wait_ready()
        self.same(before, "the other's end")

    def test_the_clock_jumps(self):
        probe = {"exec": ["true"], "interval": "500ms", "timeout": "20s"}
        before = self.install({"talk": {"command": sh(TALK), "probes": {"live": probe}},
                               **{k: v for k, v in self.services().items() if k == "quiet"}})
        for jump in (3600, -3600, -3600, 3600):
            now = int(guest.run("date +%s"))
            guest.run(f"date -s @{now + jump}")
            time.sleep(4 * PATIENCE)
            self.same(before, f"a jump by {jump} s")
            self.assertIn("online", self.drover("node ls"))
        events = self.drover("events --tail 200", check=None)
        self.assertNotIn("lost", events)


class SystemUnit(Units):
    pass


class UserUnit(Units):
    home, user = "/home/worker", "worker"


class UserWithoutSystemd(Home):
    """A session outside of the user's systemd: no cgroup that may be written."""
    home, user, level = "/home/worker", "worker", "subreaper"

    def remove(self):
        self.drover("down", limit=120, check=None)

    def test_the_level_is_named(self):
        self.write(self.services())
        self.drover(f"up -d {self.home}/shop.json", limit=120)
        self.wait_ready()
        before = self.instances()
        self.kill("keeper")
        self.kill("guard")
        self.same(before, "their death")
        self.assertIn("kill level: subreaper", self.drover("doctor", check=None))
        self.assertIn("subreaper", self.drover("node show local"))


del Units
