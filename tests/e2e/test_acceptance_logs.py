"""Acceptance tests 11, 12, 14, 16: what is printed comes out as it went in. The table is in acceptance.md.

The whole of 11 (500 MiB) and of 14 (10 minutes) run in `./dev soak`.
"""
import json
import os
import re
import signal
import subprocess
import time

from harness import BIN, FULL, memory_of, service, shell
from machine import SHADOW, OneMachine

LINES = 20_000_000 if FULL else 40_000  # of 26 bytes: 500 MiB, or 1
STOPPED_FOR = min(600, float(os.environ.get("DROVER_E2E_SOAK", "600"))) if FULL else 1  # seconds
FLOOD = r"""awk 'BEGIN { for (i = 1; i <= %d; i++) printf "%%09d the quick brown\n", i }'"""
LINE = re.compile(rb"(\d{9}) the quick brown")
GAP = re.compile(rb"\[drover: (\d+) log files? ")


class Flood(OneMachine):
    MUCH = 60_000  # lines: four times what the budget holds

    def setUp(self):
        super().setUp()
        if SHADOW:
            self.env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"

    def follow(self, *flags):
        """`drover logs -f` into a file."""
        path = self.base / f"followed-{len(self.daemons)}"
        with open(path, "wb") as out:
            process = subprocess.Popen([str(BIN / "drover"), "logs", "-f", "--no-names", *flags, "--state", str(self.state)],
                                       env=self.env, cwd=self.base, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT)
        process.name, process.ended, process.stop = "logs -f", lambda: process.poll() is not None, process.kill
        self.daemons.append(process)
        return process, path

    @staticmethod
    def over(path):
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - 8))
            return file.read() == b"the end\n"

    def numbers(self, path):
        """What was followed, in order; a line that is neither one of the flood nor a word of ours is a failure."""
        out = []
        for line in path.read_bytes().splitlines():
            found = LINE.fullmatch(line)
            if found:
                out.append(int(found[1]))
            else:
                self.assertTrue(line == b"the end" or GAP.match(line), line[:200])
                out.append(None)
        return out

    def test_a_flood_is_whole_and_in_order(self):
        """11: nothing lost, nothing damaged, with times; keeper and agent stay small."""
        self.bare()
        budget = f"{LINES * 80 // 1_000_000 + 64}MiB"
        self.api.apply({"name": "t", "services": {"a": service(
            shell(FLOOD % LINES + "; echo the end; sleep 1000"), logs={"budget": budget, "segment": "8MiB"})}})
        _, path = self.follow()
        self.wait_for("the end", lambda: self.over(path), 60 + LINES / 5_000, 0.3)
        self.assertEqual(self.numbers(path), list(range(1, LINES + 1)) + [None])
        record = json.loads(self.cli("logs", "-n", "1", "-o", "json", state=self.state).stdout)
        self.assertRegex(json.dumps(record), r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
        guard, keeper = (int(line.split()[1]) for line in (self.state / "agent/keeper.lock").read_text().splitlines())
        self.assertLess(memory_of(keeper) + memory_of(guard), (20 << 20) + SHADOW)
        self.down()

    def test_a_follower_across_rotation_sees_each_line_once_or_a_counted_gap(self):
        """16: the budget takes away what was not yet read."""
        self.bare()
        budget = {"budget": "1MiB", "segment": "64KiB", "compress": "none"}
        self.api.apply({"name": "t", "services": {"a": service(
            shell(f"while [ ! -e {self.base}/go ]; do sleep 0.02; done; {FLOOD % self.MUCH}; echo the end; sleep 1000"),
            logs=budget)}})
        self.wait_shown("t", "a-1", "ready")
        keen, seen = self.follow()
        slow, partly = self.follow()
        time.sleep(0.5)
        slow.send_signal(signal.SIGSTOP)
        (self.base / "go").touch()
        self.wait_for("the end", lambda: self.over(seen), 60, 0.3)
        slow.send_signal(signal.SIGCONT)
        self.wait_for("the end for the slow one", lambda: self.over(partly), 60, 0.3)
        for path in (seen, partly):
            numbers = self.numbers(path)
            for before, after in zip(numbers, numbers[1:]):
                if None not in (before, after):
                    self.assertEqual(after, before + 1, path)
        whole = [n for n in self.numbers(partly) if n]
        self.assertLess(len(whole), self.MUCH)
        self.assertEqual(whole, sorted(set(whole)))
        self.down()

    def test_a_stopped_follower_costs_no_memory(self):
        """14: its reader is asleep; the flood goes on, and what serves it stays as it is."""
        self.bare()
        size = 200 << 20 if FULL else 12 << 20
        self.run_here({"name": "t", "services": {"a": service(
            shell(f"while [ ! -e {self.base}/go ]; do sleep 0.02; done; {FLOOD % (size // 26)}; "
                  f"touch {self.base}/done; sleep 1000"), logs={"budget": "1GiB"})}})
        sleeper, _ = self.follow()
        time.sleep(0.5)
        sleeper.send_signal(signal.SIGSTOP)
        up = self.up_pid(self.state)
        before = memory_of(up)
        (self.base / "go").touch()
        self.wait_for("the flood is over", (self.base / "done").exists, 60 + STOPPED_FOR, 0.2)
        time.sleep(STOPPED_FOR)
        self.assertLess(memory_of(up) - before, size // 2 + SHADOW)
        self.assertEqual(self.wait_shown("t", "a-1", "ready", 5)["restarts"], 0)
        self.down()


class Bytes(OneMachine):
    SAYS = ("import os,sys\n"
            "w=lambda b: os.write(1,b)\n"
            "w(b'a\\0b\\0\\n'); w(b'\\xff\\xfe bad \\xc3\\n'); w(b'\\x1b[31mred\\x1b[0m\\n')\n"
            "sys.stdout.buffer.write(b'x'*{size}); sys.stdout.flush()\n"
            "w(b'\\nshort\\n'); w(b'no newline at the end')\n")

    def test_any_bytes_and_lines_without_an_end(self):
        """12: a line of many MiB, NULs, what is no UTF-8, an unfinished last line."""
        size = (100 << 20) if FULL else (3 << 20)
        self.bare()
        self.api.apply({"name": "t", "services": {"a": service(
            ["/usr/bin/python3", "-c", self.SAYS.format(size=size)], kind="job", logs={"budget": "1GiB"})}})
        self.wait_shown("t", "a-1", "completed", 60)
        lines = self.wait_for("all lines", lambda: (lambda found: found if len(found) == 6 else None)(self.api.lines("t", "a-1")))
        self.assertEqual(lines[:3], ["a\0b\0", "\ufffd\ufffd bad \ufffd", "\x1b[31mred\x1b[0m"])
        self.assertTrue(lines[3].startswith("x" * (1 << 20)))
        self.assertTrue(lines[3].endswith("was cut]"), lines[3][-80:])
        self.assertEqual(lines[4:], ["short", "no newline at the end"])
        self.assertNotIn("\x1b", self.cli("logs", "--plain", state=self.state).stdout)
        stored = b"".join(p.read_bytes() for p in sorted((self.state / "agent/instances").glob("t/a-1*/logs/*.log")))
        if not FULL:  # what is shown is cut, what is stored is whole
            self.assertEqual(stored.count(b"x"), size)
            self.assertIn(b"\xff\xfe bad \xc3\n", stored)
        self.down()
