#!/usr/bin/env python3
"""Runs the end-to-end tests without the rest: run.py [-k PATTERN] [--full] [--json FILE] [FILE…]

`./dev test e2e` runs the same files. DROVER_BIN names the folder with the programs (default: build/{asan,dev,release}/bin).
DROVER_E2E_KEEP=1 keeps the directories, DROVER_E2E_PATIENCE=3 stretches every deadline.
"""
import argparse
import fnmatch
import json
import os
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent


class Timed(unittest.TextTestResult):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cases, self.began = [], 0.0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def note(self, test, outcome, reason=""):
        name = test.id()
        self.cases = [c for c in self.cases if c["name"] != name]
        self.cases.append({"name": name, "outcome": outcome, "seconds": round(time.monotonic() - self.began, 2), "reason": reason})

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "passed")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "failed", str(err[1])[:400])

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "failed", f"{err[0].__name__}: {err[1]}"[:400])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skipped", reason)

    def stopTest(self, test):
        super().stopTest(test)
        self.stream.write(f"    {time.monotonic() - self.began:.1f} s\n")


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--full", action="store_true", help="long variants too")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("files", nargs="*", help="test_up test_stacks …")
    options = parser.parse_args()
    if options.full:
        os.environ["DROVER_E2E_FULL"] = "1"
    sys.path.insert(0, str(HERE))
    sys.path.append(str(HERE / "manual"))
    places = ["test_*.py", *(["manual/test_*.py"] if options.full else [])]
    names = [pathlib.Path(f).stem for f in options.files] or [p.stem for place in places for p in sorted(HERE.glob(place))]
    tests = list(flatten(unittest.defaultTestLoader.loadTestsFromNames(names)))
    if options.k:
        tests = [t for t in tests if any(k in t.id() or fnmatch.fnmatch(t.id(), k) for k in options.k)]
    result = unittest.TextTestRunner(verbosity=2, resultclass=Timed, stream=sys.stdout).run(unittest.TestSuite(tests))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result.cases, indent=1) + "\n")
    counts = {o: sum(c["outcome"] == o for c in result.cases) for o in ("passed", "failed", "skipped")}
    for case in result.cases:
        if case["outcome"] != "passed":
            print(f"{case['outcome']}: {case['name']}: {case['reason'].splitlines()[0] if case['reason'] else ''}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
