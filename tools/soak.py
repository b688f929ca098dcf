#!/usr/bin/env python3
"""The long runs: the simulator with new seeds, then the end-to-end tests in their long form (a flood of 500 MiB, a
follower that sleeps, 1,000 instances ten times, kills at random). Stops at the first thing that is broken and names it.

Usage: soak.py SECONDS     the simulator has two thirds of it, the kills at random the rest; the other long tests take
                           their own time (minutes)
"""
import os
import pathlib
import secrets
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/release/bin"
LONG = ["test_chaos", "test_acceptance_many", "test_acceptance_logs"]


def simulate(seconds):
    end, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        first = secrets.randbits(48)
        env = dict(os.environ, SEED_BASE=str(first))
        result = subprocess.run([str(BIN / "sim_world"), "--gtest_brief=1"], env=env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=3600)
        rounds += 1
        if result.returncode != 0:
            print(result.stdout[-8000:])
            print(f"broken with SEED_BASE={first} after {rounds} rounds")
            sys.exit(1)
        print(f"{rounds} rounds, {max(0, end - time.monotonic()):.0f} s left", file=sys.stderr, flush=True)
    return rounds


def run_long_tests(seconds):
    env = dict(os.environ, DROVER_BIN=str(BIN), DROVER_E2E_SOAK=str(seconds))
    result = subprocess.run(["/usr/bin/python3", str(ROOT / "tests/e2e/run.py"), "--full", *LONG], env=env,
                            timeout=seconds + 3 * 3600)
    if result.returncode != 0:
        sys.exit(1)


def main():
    seconds = float(sys.argv[1])
    rounds = simulate(seconds * 2 / 3)
    run_long_tests(seconds / 3)
    print(f"{rounds} rounds of the simulator, all invariants held; the long end-to-end tests passed")


main()
