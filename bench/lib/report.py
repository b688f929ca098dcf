"""docs/performance.md from the lines of a run."""
import json

TITLES = {"start": "Start and stop by `drover up`", "stop": "Start and stop by `drover up`", "cli": "The command line",
          "memory": "Memory", "kill_to_running": "Kill to running", "submit": "Submit to started", "log": "Logs",
          "supervision": "Beside supervisord, PM2, s6 and runit",
          "placement": "Placement", "store_shape": "The stored shape (decision 0002)", "floor": "The machine itself"}


def row(figure):
    floor = f"{figure['floor']:g} ({figure['floor_is']})" if "floor" in figure else ""
    ratio = f"{figure['ratio']:g}" if figure.get("ratio") is not None else ""
    told = {"name", "value", "unit", "floor", "floor_is", "ratio", "conditions"}
    conditions = figure.get("conditions") or ", ".join(f"{k} {v}" for k, v in figure.items() if k not in told)
    return f"| `{figure['name']}` | {figure['value']:g} {figure['unit']} | {floor} | {ratio} | {conditions} |"


def page(lines, machine, when):
    figures = []
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and {"name", "value", "unit"} <= found.keys():
            figures.append(found)
    sections = {}
    for figure in figures:
        head = figure["name"].split(".")[0]
        sections.setdefault(TITLES.get(head, head), []).append(figure)
    out = ["# Performance", "",
           "Made by `./dev bench`; each figure stands beside what the bare machine needs for the same, measured in the same",
           f"run (the floor). A benchmark never fails the build. Release build, {when}: {machine}.", ""]
    for title, rows in sections.items():
        out += [f"## {title}", "", "| figure | value | floor | ratio | conditions |", "|---|---|---|---|---|"]
        out += [row(r) for r in rows] + [""]
    return "\n".join(out)
