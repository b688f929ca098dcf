"""Acceptance test 13: the disk of the logs is full, or slow. The table is in acceptance.md."""
import re
import time
import unittest

import fuse_disk
from harness import alive, numbered, service, shell
from machine import OneMachine


@unittest.skipIf(fuse_disk.usable(), fuse_disk.usable())
class LogDisk(OneMachine):
    def setUp(self):
        super().setUp()
        self.disk = fuse_disk.FuseDisk(self, self.state / "agent/instances")
        self.bare()

    def numbers(self, name):
        return [int(n) for line in self.api.lines("t", name) for n in re.findall(r"^line (\d+)$", line)]

    def test_full_and_freed(self):
        """One that may be held up loses nothing; one that may not goes on, and what it lost is counted. Both are told."""
        written = self.base / "written"
        count = f"i=0; while :; do i=$((i+1)); echo \"line $i\"; echo $i > {written}-NAME; sleep 0.01; done"
        much = f"i=0; while :; do i=$((i+1)); printf 'line %d\\n%01500d\\n' $i 0; echo $i > {written}-NAME; sleep 0.002; done"
        self.run_here({"name": "t", "services": {
            "block": service(shell(count.replace("NAME", "block"))),
            "drop": service(shell(much.replace("NAME", "drop")), logs={"on_full": "drop"})}})
        pids = {n: i["pid"] for n, i in self.api.instances("t").items()}
        seen = lambda name: int((self.base / f"written-{name}").read_text() or 0)
        self.wait_for("both write", lambda: seen("block") > 20 and seen("drop") > 20)
        self.disk.be("full")
        begun = seen("drop")
        told = lambda name: self.api.instance("t", name)["reason"]
        for name in ("block-1", "drop-1"):
            self.wait_for(f"the trouble of {name} is told", lambda: "No space left" in told(name), 20)
        self.wait_for("it goes on", lambda: seen("drop") > begun + 400, 20)
        self.assertEqual(self.api.instance("t", "drop-1")["state"], "ready")
        self.disk.be("")
        for name in ("block-1", "drop-1"):
            self.wait_for(f"it is well again: {name}", lambda: "No space left" not in told(name), 20)
        self.assertEqual({n: i["pid"] for n, i in self.api.instances("t").items()}, pids)
        self.assertTrue(all(alive(p) for p in pids.values()))
        self.wait_for("the loss is counted", lambda: any(
            "[drover: dropped " in line for line in self.api.lines("t", "drop-1")), 20)
        kept = self.numbers("block-1")
        self.assertEqual(kept, list(range(1, len(kept) + 1)))
        self.down()

    def test_slow(self):
        """Each write takes 200 ms: what runs goes on, all calls are answered, and no line is lost."""
        self.run_here({"name": "t", "services": {"talk": service(numbered(0.01)), "a": service(self.appending("a"))}})
        self.disk.be("slow 0.2")
        end = time.monotonic() + 2
        worst = 0.0
        while time.monotonic() < end:
            began = time.monotonic()
            self.api.items("/instances")
            worst = max(worst, time.monotonic() - began)
        print(f"the slowest answer took {worst * 1000:.0f} ms")
        self.cli("restart", "t/a", "--wait", state=self.state)
        self.assertEqual(len(self.starts("a")), 2)
        self.assertEqual(self.api.instance("t", "talk-1")["state"], "ready")
        self.disk.be("")
        found = self.wait_for("more lines", lambda: (lambda n: n if len(n) > 100 else None)(self.numbers("talk-1")))
        self.assertEqual(found, list(range(1, len(found) + 1)))
        self.down()
