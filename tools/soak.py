#!/usr/bin/env python3
"""Runs the simulator with new seeds until the time is over; stops at the first broken history and names its seed.

Usage: soak.py SECONDS
"""
import os
import pathlib
import secrets
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    end = time.monotonic() + float(sys.argv[1])
    rounds = 0
    while time.monotonic() < end:
        first = secrets.randbits(48)
        env = dict(os.environ, SEED_BASE=str(first))
        result = subprocess.run([str(ROOT / "build/release/bin/sim_world"), "--gtest_brief=1"], env=env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=3600)
        rounds += 1
        if result.returncode != 0:
            print(result.stdout[-8000:])
            print(f"broken with SEED_BASE={first} after {rounds} rounds")
            sys.exit(1)
        print(f"{rounds} rounds, {max(0, end - time.monotonic()):.0f} s left", file=sys.stderr, flush=True)
    print(f"{rounds} rounds, all invariants held")


main()
