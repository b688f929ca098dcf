#!/usr/bin/env python3
"""Runs one file of stdlib unittest cases and writes the outcome of each case as JSON.

Usage: run_unittest.py tests/e2e/test_up.py REPORT.json
"""
import importlib.util
import json
import pathlib
import sys
import unittest


class Recorder(unittest.TextTestResult):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cases = {}

    def note(self, test, outcome, why=""):
        name = test.id().split(".", 1)[-1]
        if self.cases.get(name, {}).get("outcome") != "failed":
            self.cases[name] = {"name": name, "outcome": outcome, "why": why}

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "passed")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "failed", str(err[1]).splitlines()[0] if str(err[1]) else err[0].__name__)

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "failed", f"{err[0].__name__}: {err[1]}".splitlines()[0])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skipped", reason)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note(subtest, "failed", str(err[1]).splitlines()[0] if str(err[1]) else "")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.note(test, "passed")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.note(test, "failed", "passed, although it is marked to fail")


def main():
    script, report = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    sys.path.insert(0, str(script.parent))
    spec = importlib.util.spec_from_file_location(script.stem, script)
    module = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = module
    spec.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    runner = unittest.TextTestRunner(verbosity=2, resultclass=Recorder, stream=sys.stdout)
    result = runner.run(suite)
    report.write_text(json.dumps(list(result.cases.values())))
    sys.exit(0 if result.wasSuccessful() else 1)


main()
