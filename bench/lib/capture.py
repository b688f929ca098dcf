"""One flood of numbered lines into each log, and what the log holds afterwards.

Each function: (rig, program, MiB) → (MiB/s, what `bench_supervised check` says). The clock runs from the writer's start
to the last change of a log file, whose length has stopped growing.
"""
import json
import os
import pathlib
import subprocess
import time

import harness
import peers

LINE = 100


def grown(files, limit=300):
    """The last change of any of the files, as soon as they have been still for a second."""
    end, before, still = time.monotonic() + limit, None, 0
    while time.monotonic() < end:
        sizes = {f: f.stat().st_size for f in files()}
        still = still + 1 if sizes == before and sum(sizes.values()) else 0
        if still >= 10:
            return max(f.stat().st_mtime_ns for f in sizes)
        before = sizes
        time.sleep(0.1)
    raise AssertionError("the log does not come to rest")


def checked(program, files, mib):
    """All files as one, in their order."""
    with subprocess.Popen(["cat", *map(str, files)], stdout=subprocess.PIPE) as cat:
        text = subprocess.run([str(program), "check", str((mib << 20) // LINE)], stdin=cat.stdout, check=True,
                              capture_output=True, text=True, timeout=300).stdout
    return json.loads(text)


def told(content):
    if not (content["missing"] or content["twice"] or content["other"]):
        return "no line lost or split"
    return f"{content['missing']} lines lost or damaged, {content['other']} pieces"


def through_pipe(program, mib, command, files, **options):
    """The writer's stdout is the logger's stdin, as its supervisor would have it."""
    began = time.time_ns()
    with subprocess.Popen(command, stdin=subprocess.PIPE, **options) as logger:
        subprocess.run([str(program), "write", str(mib)], stdout=logger.stdin, check=True, timeout=600)
        logger.stdin.close()
        logger.wait(120)
    took = (grown(files) - began) / 1e9
    return mib / took, checked(program, sorted(files(), key=lambda f: f.stat().st_mtime_ns), mib)


def bare(rig, program, mib):
    path = rig.base / "stamped"
    return through_pipe(program, mib, [str(program), "stamp", str(path)], lambda: [path])


def s6_log(rig, program, mib):
    place = rig.base / "s6"
    return through_pipe(program, mib, ["s6-log", "-b", "t", "n4000", "s16777216", str(place)],
                        lambda: [*place.glob("@*"), *place.glob("current")], env=peers.environment(rig.base))


def svlogd(rig, program, mib):
    place = rig.base / "sv"
    place.mkdir()
    (place / "config").write_text("s16777216\nn0\n")
    return through_pipe(program, mib, ["svlogd", "-tt", str(place)],
                        lambda: [*place.glob("@*"), *place.glob("current")], env=peers.environment(rig.base))


def pm2(rig, program, mib):
    log, done = rig.base / "out.log", rig.base / "done"
    script = rig.base / "writer"
    script.write_text(f"#!/bin/sh\n{program} write {mib}\ntouch {done}\nexec sleep 1000\n")
    script.chmod(0o755)
    one = peers.Pm2(rig.base)
    try:
        began = time.time_ns()
        one.up({"writer": [script]}, out_file=log, error_file="/dev/null", log_date_format="YYYY-MM-DDTHH:mm:ss.SSSZ")
        began = max(began, script.stat().st_atime_ns)
        harness.wait_until("the writer's end", done.exists, 600, 0.1)
        took = (grown(lambda: [log]) - began) / 1e9
        return mib / took, checked(program, [log], mib)
    finally:
        one.end()


def drover(rig, program, mib):
    hub, _ = rig.fleet("n1")
    hub.api.apply({"name": "log", "services": {"w": {
        "kind": "job", "command": harness.shell(f"touch {rig.base}/began; exec {program} write {mib}"),
        "logs": {"budget": f"{2 * mib + 256}MiB", "segment": "64MiB"}}}})
    rig.wait_states(hub.api, "log", {"w-1": "completed"}, 300)
    files = lambda: sorted(pathlib.Path(p) for p in rig.base.glob("n1/instances/log/*/logs/*.log"))
    took = (grown(files) - os.stat(rig.base / "began").st_mtime_ns) / 1e9
    return mib / took, checked(program, files(), mib)
