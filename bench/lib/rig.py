"""What the benchmarks share: a place for real processes (the end-to-end harness), floors, and printing figures."""
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests/e2e"))

import harness  # noqa: E402

BIN = harness.BIN


class Rig(harness.E2E):
    """with Rig() as rig: … ; everything that it started is ended at the end."""

    def __init__(self):
        super().__init__("runTest")

    def runTest(self):
        pass

    def __enter__(self):
        self.broken = False
        self.setUpClass()
        self.setUp()
        return self

    def __exit__(self, kind, _error, _trace):
        self.broken = kind is not None
        self.tearDown()

    def has_failed(self):
        return self.broken


def figure(name, value, unit, conditions, floor=None):
    """One JSON line. `floor`: (value, what it is), measured in the same run; its ratio is printed too."""
    out = {"name": name, "value": round(value, 3), "unit": unit, "conditions": conditions}
    if floor:
        out.update(floor=round(floor[0], 3), floor_is=floor[1],
                   ratio=round(value / floor[0], 2) if floor[0] else None)
    print(json.dumps(out), flush=True)


def floors(*arguments):
    """{name: (value, conditions)} of bench_floors."""
    output = subprocess.run([str(BIN / "bench_floors"), *map(str, arguments)], check=True, capture_output=True, text=True,
                            timeout=300).stdout
    found = [json.loads(line) for line in output.splitlines()]
    return {f["name"].removeprefix("floor."): (f["value"], f["conditions"]) for f in found}


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def median(values):
    return statistics.median(values)


def machine():
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / (1 << 20)
    kernel = ".".join(os.uname().release.split(".")[:2])
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {kernel}"
