#!/usr/bin/env python3
"""Builds and runs the benchmarks (bench/): one JSON line per figure on stdout. Never fails for a slow figure.

run_bench.py [NAME... [--FLAG...]]: flags go to the scripts. A run of all of them writes docs/performance.md.
DROVER_BIN: programs that are built already.
"""
import datetime
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GIVEN = os.environ.get("DROVER_BIN")
BIN = pathlib.Path(GIVEN) if GIVEN else ROOT / "build/release/bin"
LIMIT = 1800  # seconds for one program


def build(programs):
    if not GIVEN:
        subprocess.run(["ninja", "-C", str(ROOT / "build/release"), "drover", "drover-keeper", *programs], check=True,
                       stdout=sys.stderr)


def run(command):
    """Its lines, shown as they come."""
    print(f"==> {pathlib.Path(command[-1] if len(command) == 1 else command[1]).name}", file=sys.stderr, flush=True)
    process = subprocess.Popen(command, env=dict(os.environ, DROVER_BIN=str(BIN)), stdout=subprocess.PIPE, text=True)
    lines = []
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    return lines, process.wait(LIMIT) == 0


def main():
    cut = next((i for i, word in enumerate(sys.argv) if word.startswith("-")), len(sys.argv))
    wanted, flags = sys.argv[1:cut], sys.argv[cut:]
    names = [p.stem for p in sorted((ROOT / "bench").glob("*.cpp")) if not wanted or p.stem in wanted]
    scripts = [p for p in sorted((ROOT / "bench").glob("*.py")) if not wanted or p.stem in wanted]
    build([f"bench_{n}" for n in names] + ([] if not scripts else ["bench_floors", "bench_lines", "bench_supervised"]))
    lines, well = [], True
    for command in [[str(BIN / f"bench_{n}")] for n in names] + [[sys.executable, str(s), *flags] for s in scripts]:
        found, ended_well = run(command)
        lines += found
        well &= ended_well
    if not wanted:
        sys.path.insert(0, str(ROOT / "bench/lib"))
        os.environ["DROVER_BIN"] = str(BIN)
        import report
        import rig
        text = report.page(lines, rig.machine(), datetime.date.today().isoformat())
        (ROOT / "docs/performance.md").write_text(text)
        print("==> docs/performance.md", file=sys.stderr)
    sys.exit(0 if well else 1)


main()
