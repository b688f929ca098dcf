#!/usr/bin/env python3
"""Builds and runs the benchmarks (bench/): one JSON line per figure on stdout. Never fails for a slow figure."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/release/bin"


def main():
    wanted = sys.argv[1:]
    names = [p.stem for p in sorted((ROOT / "bench").glob("*.cpp"))]
    scripts = sorted((ROOT / "bench").glob("*.py"))
    chosen = [n for n in names if not wanted or n in wanted]
    programs = [f"bench_{n}" for n in chosen]
    subprocess.run(["ninja", "-C", str(ROOT / "build/release"), "drover", "drover-keeper", *programs],
                   check=True, stdout=sys.stderr)
    env = dict(os.environ, DROVER_BIN=str(BIN))
    failed = False
    for program in programs:
        print(f"==> {program}", file=sys.stderr, flush=True)
        failed |= subprocess.run([str(BIN / program)], env=env, timeout=1800).returncode != 0
    for script in scripts:
        if not wanted or script.stem in wanted:
            print(f"==> {script.name}", file=sys.stderr, flush=True)
            failed |= subprocess.run([sys.executable, str(script)], env=env, timeout=1800).returncode != 0
    sys.exit(1 if failed else 0)


main()
