#!/usr/bin/env python3
"""How much a service can print: bytes a second into the CRI log, beside a bare copy from a pipe to a file."""
import datetime
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from rig import BIN, Rig, figure, floors  # noqa: E402

MIB = 96


def main():
    with Rig() as rig:
        hub, _ = rig.fleet("n1")
        for length in (100, 1000):
            floor = floors("pipe", MIB, length, rig.base)[f"pipe.{length}"]
            name = f"log{length}"
            hub.api.apply({"name": name, "services": {"a": {
                "kind": "job", "command": [str(BIN / "bench_lines"), str(MIB), str(length)],
                "logs": {"budget": "1GiB", "segment": "64MiB"}}}})
            rig.wait_states(hub.api, name, {"a-1": "completed"}, 120)
            instance = hub.api.instance(name, "a-1")
            moment = lambda key: datetime.datetime.fromisoformat(instance[key].replace("Z", "+00:00")).timestamp()
            took = moment("since") - moment("started_at")
            stored = sum(p.stat().st_size for p in rig.base.glob(f"n1/instances/{name}/*/logs/*.log"))
            assert stored > MIB << 20, f"lines are missing: {stored} bytes"
            figure(f"log.{length}", MIB / took, "MiB/s", f"a job that prints {MIB} MiB in lines of {length} bytes, one write each; "
                   "every line stored with its time", floor)


main()
