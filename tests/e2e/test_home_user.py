"""At home in a user's session: nobody's user, no cgroup that may be written, no systemd of its own."""
import os
import re
import signal
import unittest

from harness import E2E, PROGRAMS, Api, alive, all_pids, environment_of, free_port, keeper_of, numbered, service, shell

NOBODY = 65534
# A child, one that ignores TERM, one with a session of its own, and one that was forked twice.
TREE = ("sleep 100001 & (trap '' TERM; while :; do sleep 1; done) & setsid sleep 100002 & "
        "(setsid sh -c 'sleep 100003 & exit' &) ; touch {base}/tree; wait")


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class User(E2E):
    def setUp(self):
        super().setUp()
        self.install()
        self.state = self.base / "state"
        self.states.append(self.state)
        self.identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        for path in (self.base, *self.base.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        low = self.next_port_range()
        self.env.update(DROVER_AGENT_PORTS=f"{low}-{low + 199}", DROVER_AGENT_LISTEN=f"127.0.0.1:{free_port()}",
                        DROVER_HUB_LISTEN=f"127.0.0.1:{free_port()}", USER="nobody", LOGNAME="nobody")
        self.api = Api(self.state)
        self.stack = {"name": "shop", "services": {"talk": service(numbered()), "quiet": service(self.appending("quiet"))}}

    def up(self):
        self.cli("up", "-d", self.write_stack(self.stack), state=self.state, timeout=90)

    def ours(self):
        return {"up": self.up_pid(self.state), **dict(zip(("guard", "keeper"), keeper_of(self.state / "agent")))}

    def look_at(self, before, what):
        self.wait_for("all is ready", lambda: all(
            i["state"] == "ready" and i["fresh"] for i in self.api.instances("shop").values()), 40)
        after = self.api.instances("shop")
        for name, was in before.items():
            self.assertEqual((after[name]["pid"], after[name]["restarts"]), (was["pid"], 0), f"{name} after {what}")
        self.assertEqual(len(self.starts("quiet")), 1)

    def start(self):
        self.up()
        for pid in (*self.ours().values(), *(i["pid"] for i in self.api.instances("shop").values())):
            self.assertEqual(os.stat(f"/proc/{pid}").st_uid, NOBODY)
        return self.api.instances("shop")

    def test_everything_of_ours_dies_in_turn(self):
        before = self.start()
        for which in ("up", "keeper", "guard", "up"):
            killed = self.ours()[which]
            os.kill(killed, signal.SIGKILL)
            if which == "up":
                self.wait_for("its end", lambda: not alive(killed), 10)
                self.up()
            self.wait_for(f"another {which}", lambda: self.ours()[which] not in (0, killed) and alive(self.ours()[which]), 20)
            self.look_at(before, which)
        found = [int(n) for line in self.api.lines("shop", "talk-1") for n in re.findall(r"^line (\d+)$", line)]
        self.assertEqual(found, sorted(set(found)))
        self.assertLessEqual(found[-1] - found[0] + 1 - len(found), 3, "more than what the killed keeper had in its hands")
        self.assertIn("subreaper", self.cli("doctor", state=self.state, check=None).stdout)
        self.assertIn("subreaper", self.cli("node", "show", "local", state=self.state).stdout)
        self.cli("down", state=self.state, timeout=90)

    def test_upgrade(self):
        before = self.start()
        for name in PROGRAMS:
            self.replace(name)
        ours = self.ours()
        os.kill(ours["up"], signal.SIGKILL)
        self.wait_for("its end", lambda: not alive(ours["up"]), 10)
        self.up()
        self.look_at(before, "the upgrade")
        self.assertEqual(keeper_of(self.state / "agent"), (ours["guard"], ours["keeper"]))
        for which in ("guard", "keeper"):
            self.wait_for(f"{which} is the new one", lambda: self.runs_installed(ours[which]), 10)
        self.cli("down", state=self.state, timeout=90)

    def test_reboot(self):
        """Everything is gone at once, and so is what lay in memory."""
        before = self.start()
        pids = [*self.ours().values(), *(i["pid"] for i in before.values())]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.end_what_is_left()
        self.remove_run_directory(self.state / "agent")
        self.up()
        self.wait_for("all is ready", lambda: all(
            i["state"] == "ready" and i["fresh"] and alive(i["pid"]) for i in self.api.instances("shop").values()), 40)
        self.assertEqual(len(self.starts("quiet")), 2)
        self.cli("down", state=self.state, timeout=90)

    def test_a_tree_is_stopped_with_all_that_is_in_it(self):
        self.stack["services"]["tree"] = service(shell(TREE.format(base=self.base)), stop={"grace": "1s"},
                                                 environment={"TREE": str(self.base)})
        self.start()
        self.wait_for("the tree", lambda: (self.base / "tree").exists())
        mine = lambda: [p for p in all_pids() if f"TREE={self.base}".encode() in environment_of(p) and alive(p)]
        self.wait_for("all of it", lambda: len(mine()) >= 5)
        self.cli("stop", "shop/tree", "--wait", state=self.state)
        self.assertEqual(mine(), [])
        self.cli("down", state=self.state, timeout=90)
