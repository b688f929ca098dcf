#!/usr/bin/env python3
"""Builds what is needed, runs the tests level by level, and ends with one line:

    N passed, N failed, N skipped

The numbers are single test cases, as GoogleTest, unittest, Playwright and vitest count them.
Usage: run_tests.py [--full] [--no-build] [--preset NAME] [LEVEL | NAME]...
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEVELS = ["lint", "unit", "sim", "integration", "e2e", "ui", "fuzz"]
SCRIPT_LIMIT = 1200  # seconds for one program, so that nothing can hang for ever
CASE = re.compile(r"^\[ +(RUN|OK|FAILED|SKIPPED) +\] ([\w/.]+)", re.M)


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []

    def add(self, name, outcome, why=""):
        if outcome == "passed":
            self.passed += 1
        elif outcome == "skipped":
            self.skipped.append((name, why))
        else:
            self.failed.append((name, why))

    def merge(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def environment(binaries):
    env = dict(os.environ)
    env["DROVER_BIN"] = str(binaries)
    env.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:strict_string_checks=1")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    if "asan" in str(binaries) or "tsan" in str(binaries):
        env.setdefault("DROVER_E2E_PATIENCE", "3")  # sanitizers cost a factor
    symbolizer = shutil.which("llvm-symbolizer-19") or shutil.which("llvm-symbolizer")
    if symbolizer:
        env.setdefault("ASAN_SYMBOLIZER_PATH", symbolizer)
    # Nothing of the person's own set-up may leak into the tests.
    for name in ("DROVER_STATE", "DROVER_HUB", "DROVER_TOKEN", "DROVER_OUTPUT", "DROVER_CONFIG"):
        env.pop(name, None)
    return env


def call(command, **options):
    """Runs a program in a session of its own; past the limit everything of it is killed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=options.pop("cwd", ROOT),
                               text=True, errors="replace", start_new_session=True, **options)
    try:
        output, _ = process.communicate(timeout=SCRIPT_LIMIT)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
        return 124, output + f"\n[killed after {SCRIPT_LIMIT} s]\n"


def google_cases(name, output, code, report):
    """Cases from the JSON report; from the output when the program died before it wrote one."""
    tally = Tally()
    if report.exists():
        for suite in json.loads(report.read_text())["testsuites"]:
            for case in suite["testsuite"]:
                title = f"{name}: {suite['name']}.{case['name']}"
                if case.get("failures"):
                    tally.add(title, "failed", case["failures"][0]["failure"].splitlines()[0])
                elif case.get("result") == "SKIPPED":
                    tally.add(title, "skipped", " ".join(s.get("message", "") for s in case.get("skipped", [])))
                elif case.get("status") == "RUN":
                    tally.add(title, "passed")
        if code != 0 and not tally.failed:
            tally.add(name, "failed", f"all cases passed, but the program ended with {code} (leak?)")
        return tally
    running = None
    for verb, title in CASE.findall(output):
        running = title if verb == "RUN" else None
        if verb == "OK":
            tally.add(f"{name}: {title}", "passed")
        elif verb == "SKIPPED":
            tally.add(f"{name}: {title}", "skipped")
        elif verb == "FAILED":
            tally.add(f"{name}: {title}", "failed")
    tally.add(f"{name}: {running or 'the program'}", "failed", f"the program ended with {code} in the middle")
    return tally


def run_google(binary, env, scratch):
    report = pathlib.Path(scratch) / f"{binary.name}.json"
    began = time.monotonic()
    code, output = call([str(binary), f"--gtest_output=json:{report}", "--gtest_brief=0"], env=env)
    tally = google_cases(binary.name, output, code, report)
    return binary.name, tally, output, time.monotonic() - began


def run_unittest(script, env, scratch):
    report = pathlib.Path(scratch) / f"{script.stem}.json"
    began = time.monotonic()
    code, output = call([sys.executable, str(ROOT / "tools/run_unittest.py"), str(script), str(report)], env=env)
    tally = Tally()
    name = f"{script.parent.name}/{script.stem}"
    if report.exists():
        for case in json.loads(report.read_text()):
            tally.add(f"{name}: {case['name']}", case["outcome"], case["why"])
        if not tally.passed and not tally.failed and not tally.skipped:
            tally.add(name, "failed", "it has no test case")
    else:
        tally.add(name, "failed", f"the script ended with {code}")
    return name, tally, output, time.monotonic() - began


def run_fuzzer(binary, env, _scratch):
    seconds = os.environ.get("FUZZ_SECONDS", "10")
    corpus = ROOT / "tests/fuzz/corpus" / binary.name.removeprefix("fuzz_")
    work = tempfile.mkdtemp(prefix="drover-fuzz-")  # new inputs go here, the tree's corpus stays as it is
    began = time.monotonic()
    command = [str(binary), f"-max_total_time={seconds}", "-rss_limit_mb=2048", "-timeout=10",
               f"-artifact_prefix={ROOT}/build/{binary.name}-", work]
    code, output = call(command + ([str(corpus)] if corpus.is_dir() else []), env=env)
    shutil.rmtree(work, ignore_errors=True)
    tally = Tally()
    tally.add(binary.name, "passed" if code == 0 else "failed", "" if code == 0 else output[-300:])
    return binary.name, tally, output, time.monotonic() - began


def node_ready(env):
    """web, sdk and tests/ui want Node 20.19 or newer; Debian 12 has 18. Then a newer one comes from npm, into build/node."""
    def version(path):
        try:
            words = subprocess.run(["node", "--version"], env=dict(env, PATH=path), stdout=subprocess.PIPE, text=True).stdout
            return tuple(int(n) for n in words.strip().lstrip("v").split(".")[:2])
        except (OSError, ValueError):
            return (0, 0)

    local = ROOT / "build/node"
    with_local = f"{local}/node_modules/.bin:{env['PATH']}"
    if version(env["PATH"]) >= (20, 19):
        return env
    if version(with_local) < (20, 19):
        local.mkdir(parents=True, exist_ok=True)
        call(["npm", "install", "--prefix", str(local), "--no-audit", "--no-fund", "node@20"], env=env)
    return dict(env, PATH=with_local)


def npm_ci(folder, env):
    """"" or what went wrong."""
    lock, stamp = folder / "package-lock.json", folder / "node_modules/.drover-stamp"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return ""
    code, output = call(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, env=env)
    if code == 0:
        stamp.touch()
    return output if code else ""


def vitest_cases(folder, env, report):
    name = folder.relative_to(ROOT)
    code, output = call(["npx", "vitest", "run", "--reporter=json", f"--outputFile={report}"], cwd=folder, env=env)
    tally = Tally()
    if not report.exists():
        tally.add(f"{name}: vitest", "failed", f"it ended with {code} and wrote no report")
        return tally, output
    for file in json.loads(report.read_text())["testResults"]:
        for case in file["assertionResults"]:
            outcome = {"passed": "passed", "failed": "failed"}.get(case["status"], "skipped")
            tally.add(f"{name}: {case['fullName']}", outcome, "\n".join(case.get("failureMessages", []))[:1000])
        if file["status"] == "failed" and not file["assertionResults"]:
            tally.add(f"{name}: {pathlib.Path(file['name']).name}", "failed", (file.get("message") or "")[:300])
    return tally, output


def browser_cases(folder, env):
    """tests/ui/run.mjs ends with a line of its own in our form."""
    code, output = call(["node", "run.mjs"], cwd=folder, env=env)
    tally = Tally()
    found = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", output, re.M)
    passed, failed, skipped = (int(n) for n in found[-1]) if found else (0, 0, 0)
    tally.passed = passed
    tally.failed = [("tests/ui", "see above")] * failed
    tally.skipped = [("tests/ui", next((l for l in output.splitlines() if "skipped" in l), ""))] * skipped
    if (code != 0 or not found) and not failed and not skipped:
        tally.add("tests/ui", "failed", f"it ended with {code}")
    return tally, output


def run_node(folder, kind, env, scratch):
    """vitest in web/ and sdk/typescript/, Chromium in tests/ui/."""
    name, began = str(folder.relative_to(ROOT)), time.monotonic()
    env = node_ready(dict(env, CI="1"))
    wrong = npm_ci(folder, env)
    if wrong:
        tally, output = Tally(), wrong
        tally.add(name, "failed", "npm ci failed")
    elif kind == "vitest":
        tally, output = vitest_cases(folder, env, pathlib.Path(scratch) / f"{folder.name}.json")
    else:
        tally, output = browser_cases(folder, env)
    return name, tally, output, time.monotonic() - began


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def run_command(command):
    if subprocess.run(command, cwd=ROOT, stdout=sys.stderr).returncode != 0:
        say(f"failed: {' '.join(command)}")
        print("0 passed, 1 failed, 0 skipped")
        sys.exit(1)


def targets(preset, levels):
    """Names of the test programs that CMake knows for these levels."""
    listing = subprocess.run(["ninja", "-C", f"build/{preset}", "-t", "targets", "all"], cwd=ROOT, text=True,
                             stdout=subprocess.PIPE, check=True).stdout
    pattern = re.compile(r"^bin/((?:%s)_\w+): " % "|".join(levels), re.M)
    return sorted(set(pattern.findall(listing)))


def build(preset, levels):
    if not (ROOT / f"build/{preset}/build.ninja").exists():
        run_command(["cmake", "--preset", preset])
    run_command(["ninja", "-C", f"build/{preset}", "build.ninja"])
    wanted = targets(preset, levels)
    if {"e2e", "ui", "integration"} & set(levels):
        wanted += ["drover", "drover-keeper"]
    if wanted:
        run_command(["ninja", "-C", f"build/{preset}"] + wanted)


def jobs(preset, levels, names):
    """(level, function, argument) in order; `names` narrows it down."""
    out = []
    binaries = ROOT / f"build/{preset}/bin"
    for level in levels:
        if level in ("unit", "sim", "integration"):
            out += [(level, run_google, b) for b in sorted(binaries.glob(f"{level}_*"))]
        elif level in ("lint", "e2e"):
            out += [(level, run_unittest, s) for s in sorted((ROOT / "tests" / level).glob("test_*.py"))]
        elif level == "fuzz":
            out += [(level, run_fuzzer, b) for b in sorted(binaries.glob("fuzz_*"))]
        elif level == "ui":
            for folder, kind in ((ROOT / "web", "vitest"), (ROOT / "sdk/typescript", "vitest"), (ROOT / "tests/ui", "browser")):
                if (folder / "package.json").exists():
                    run = lambda argument, env, scratch, kind=kind: run_node(argument, kind, env, scratch)
                    out.append((level, run, folder))
    if names:
        out = [job for job in out if any(name in job[2].name for name in names)]
    return out


def execute(work, preset, total):
    env = environment(ROOT / f"build/{preset}/bin")
    with tempfile.TemporaryDirectory(prefix="drover-test-") as scratch:
        # Pure levels share the cores; what measures time or starts servers runs alone.
        for parallel in (True, False):
            part = [job for job in work if (job[0] in ("lint", "unit", "sim")) == parallel]
            workers = os.cpu_count() or 1 if parallel else 1
            with concurrent.futures.ThreadPoolExecutor(workers) as pool:
                for future in concurrent.futures.as_completed(
                        [pool.submit(job[1], job[2], env, scratch) for job in part]):
                    name, tally, output, seconds = future.result()
                    mark = "FAILED" if tally.failed else "ok"
                    say(f"{name}: {mark}, {tally.passed} passed, {len(tally.failed)} failed, "
                        f"{len(tally.skipped)} skipped ({seconds:.1f} s)")
                    if tally.failed:
                        print(output[-20000:], file=sys.stderr)
                    total.merge(tally)


def main():
    parser = argparse.ArgumentParser(prog="./dev test")
    parser.add_argument("--full", action="store_true", help="add a ThreadSanitizer build of what has threads")
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--preset", default="asan")
    parser.add_argument("what", nargs="*", metavar="LEVEL|NAME")
    options = parser.parse_args()
    names = [w for w in options.what if w not in LEVELS]
    levels = [w for w in LEVELS if w in options.what] or list(LEVELS)
    total, began = Tally(), time.monotonic()
    if options.full:
        os.environ["DROVER_E2E_FULL"] = "1"  # the end-to-end tests have long variants

    if not options.no_build and levels != ["lint"]:
        build(options.preset, levels)
    execute(jobs(options.preset, levels, names), options.preset, total)
    if options.full:
        build("tsan", ["unit", "integration"])
        execute(jobs("tsan", ["unit", "integration"], names or ["net", "store", "hub", "agent", "runtime"]), "tsan", total)

    for name, why in total.skipped:
        print(f"skipped: {name}: {why}")
    for name, why in total.failed:
        print(f"FAILED: {name}: {why}")
    if total.passed + len(total.failed) + len(total.skipped) == 0:
        total.add(" ".join(options.what), "failed")
        print(f"FAILED: no test matches {' '.join(options.what)}")
    say(f"{time.monotonic() - began:.0f} s in all")
    sys.stderr.flush()
    print(f"{total.passed} passed, {len(total.failed)} failed, {len(total.skipped)} skipped")
    sys.exit(1 if total.failed else 0)


main()
