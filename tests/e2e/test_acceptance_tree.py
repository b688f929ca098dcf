"""Acceptance tests 1, 2, 15, 19, 26: what ends, and what of it is left. The table is in acceptance.md."""
import os
import pathlib
import subprocess
import unittest

import fuse_disk
from harness import BIN, alive, command_of, descendants, service, shell, stat_of
from machine import OneMachine

# A child, one that does not care for TERM, one in a session of its own, one whose parent has gone.
TREE = ("sleep 3001 & sh -c 'trap \"\" TERM; while :; do sleep 1; done' & setsid sleep 3002 & "
        "(sh -c 'sleep 3003 & sleep 3004' &) ; while :; do sleep 1; done")


def cgroup2_mount():
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        if line.split()[2] == "cgroup2":
            return pathlib.Path(line.split()[1])
    return None


class Trees(OneMachine):
    def test_a_stop_leaves_nothing_and_the_next_run_lives(self):
        """1, and 19: a start after a kill, three times over."""
        self.bare()
        self.run_here({"name": "t", "services": {"tree": service(shell(TREE), stop={"grace": "300ms"})}})
        for _ in range(3):
            self.wait_shown("t", "tree-1", "ready")
            tokens = lambda: [p for p in descendants(os.getpid()) if "300" in command_of(p) or "trap" in command_of(p)]
            family = self.wait_for("the whole tree", lambda: (lambda f: f if len(f) >= 6 else None)(tokens()))
            self.cli("stop", "t", "--wait", state=self.state)
            self.assertEqual([command_of(p) for p in family if alive(p)], [])
            self.assertEqual(self.api.instance("t", "tree-1")["state"], "stopped")
            self.cli("start", "t", "--wait", state=self.state)
        self.assertEqual(self.wait_shown("t", "tree-1", "ready")["restarts"], 0)
        self.down()

    def test_the_leader_goes_first_and_a_child_does_not_care(self):
        """2: stopping until nothing is left; the child is killed at the end of the grace."""
        child = self.base / "child"
        self.bare()
        self.run_here({"name": "t", "services": {"a": service(shell(
            f"sh -c 'trap \"\" TERM; echo $$ > {child}; while :; do sleep 0.2; done' & trap 'exit 0' TERM; "
            "while :; do sleep 0.05; done"), stop={"grace": "2s"})}})
        deaf, = self.wait_for("the child", lambda: self.pids_in("child"))
        leader = self.api.instance("t", "a-1")["pid"]
        self.cli("stop", "t/a", "--no-wait", state=self.state)
        self.wait_for("the leader's end", lambda: not alive(leader), 3)
        self.assertTrue(alive(deaf))
        self.assertEqual(self.wait_shown("t", "a-1", "stopping", 1)["state"], "stopping")
        self.wait_shown("t", "a-1", "stopped")
        self.assertFalse(alive(deaf))
        self.down()

    def test_an_exit_is_seen_though_a_grandchild_holds_the_output(self):
        """15: not the end of the output is the end of the process."""
        self.bare()
        self.api.apply({"name": "t", "services": {"a": service(
            shell(f"setsid sleep 3005 & echo $! > {self.base}/grandchild; exit 3"), restart={"policy": "no"})}})
        seen = self.wait_shown("t", "a-1", "failed", 5)
        self.assertIn("exit 3", seen["last_exit"])
        self.assertFalse(alive(self.pids_in("grandchild")[0]))
        self.down()

    def test_a_supervisor_in_a_cgroup_that_was_once_killed(self):
        """19: since Linux 6.14 what is born into such a cgroup dies at birth."""
        top = cgroup2_mount()
        trap = top / f"drover-e2e-{os.getpid()}" if top else None
        try:
            if not trap:
                raise OSError("there is no cgroup2")
            trap.mkdir()
            (trap / "cgroup.kill").write_text("1")
        except OSError as error:
            raise unittest.SkipTest(f"no cgroup can be killed here: {error}") from None
        path = self.write_stack({"name": "t", "services": {"a": service(self.appending("a"), scale=3)}})
        enter = f"echo $$ > {trap}/cgroup.procs && exec \"$@\""
        subprocess.run(["sh", "-c", enter, "sh", str(BIN / "drover"), "up", "-d", str(path), "--state", str(self.state)],
                       env=self.env, cwd=self.base, check=True, timeout=120, capture_output=True)
        self.assertIn(trap.name, pathlib.Path(f"/proc/{self.up_pid(self.state)}/cgroup").read_text())
        instances = self.api.instances("t")
        self.assertEqual([i["state"] for i in instances.values()], ["ready"] * 3)
        self.assertTrue(all(alive(i["pid"]) and i["restarts"] == 0 for i in instances.values()))
        self.down()
        self.wait_for("the cgroup is empty", lambda: not (trap / "cgroup.procs").read_text().strip(), 5)
        for below in sorted(trap.rglob("*"), reverse=True):
            if below.is_dir():
                below.rmdir()
        trap.rmdir()


@unittest.skipIf(fuse_disk.usable(), fuse_disk.usable())
class Stuck(OneMachine):
    def waits_for_fuse(self, pid):
        """Asleep in the request; when it is killed this turns into a sleep that nothing ends."""
        return "request_wait" in pathlib.Path(f"/proc/{pid}/wchan").read_text() or (stat_of(pid) or " ")[0] == "D"

    def test_what_cannot_be_killed_is_told_and_not_doubled(self):
        """26: uninterruptible sleep on a hung file system. The others go on as if nothing were."""
        disk = fuse_disk.FuseDisk(self, self.base / "share")
        (disk.at / "data").write_text("x")
        self.bare()
        hangs = f"echo $$ >> {self.base}/hangs; while [ ! -e {self.base}/go ]; do sleep 0.02; done; exec cat {disk.at}/data"
        self.run_here({"name": "t", "services": {
            "hangs": service(shell(hangs), stop={"grace": "300ms"}, restart={"policy": "always"}),
            "other": service(self.appending("other"), stop={"grace": "300ms"})}})
        pid = self.api.instance("t", "hangs-1")["pid"]
        disk.be("hung")
        (self.base / "go").touch()
        self.wait_for("it hangs", lambda: command_of(pid).startswith("cat ") and self.waits_for_fuse(pid), 5)
        self.cli("stop", "t/hangs", "--no-wait", state=self.state)
        seen = self.wait_shown("t", "hangs-1", "stuck", 15)
        self.assertIn(str(pid), seen["reason"])
        self.cli("start", "t/hangs", "--no-wait", state=self.state, check=None)
        self.cli("restart", "t/other", "--wait", state=self.state)
        self.assertEqual(len(self.starts("other")), 2)
        self.assertEqual(len(self.starts("hangs")), 1)
        self.assertIn("stuck", self.cli("ps", state=self.state).stdout)
        disk.stop()
        self.wait_for("it is gone", lambda: not alive(pid), 10)
        self.wait_for("one new run", lambda: len(self.starts("hangs")) == 2, 15)
        self.down()
