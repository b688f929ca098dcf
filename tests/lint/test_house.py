"""Rules of docs/COMMON_ERRORS.md that a machine can check; each case names the entry that it enforces."""
import re
import subprocess
import unittest

from house import ROOT, code, sources, tracked, where

FILE_LINES = 400       # more is a warning
FILE_LINES_HARD = 700  # more is an error
# Files that may read the real clock, the environment or chance: the one place where each is made.
REAL_WORLD = {"src/base/time.cpp", "src/base/rng.hpp", "src/base/text.cpp", "src/base/id.cpp"}
# The shells and what touches a host have deadlines of their own, which no decision depends on.
STEADY = re.compile(r"std::chrono::steady_clock::now")
CLOCK = re.compile(r"std::chrono::(system_clock|high_resolution_clock)::now|\bclock_gettime\s*\(|"
                   r"\b(rand|srand|random|drand48|getrandom|gettimeofday)\s*\(|std::random_device|\btime\s*\(\s*(NULL|nullptr|0)\s*\)")


def hits(pattern, files, allowed=()):
    out = []
    for path in files:
        if str(path.relative_to(ROOT)) in allowed:
            continue
        for match in pattern.finditer(code(path)):
            line = code(path).count("\n", 0, match.start()) + 1
            out.append(f"{where(path, line)}: {match.group(0)}")
    return out


def exclude(files, *folders):
    return [f for f in files if not str(f.relative_to(ROOT)).startswith(tuple(f"src/{x}" for x in folders))]


class House(unittest.TestCase):
    def test_e1_time_and_chance_are_parameters(self):
        files = exclude(sources(), "main", "keeper/")  # the keeper is a world of its own: no base, no simulator
        self.assertEqual(hits(CLOCK, files, REAL_WORLD), [])
        self.assertEqual(hits(STEADY, exclude(files, "net/", "runtime/", "agent/", "hub/", "cli/"), REAL_WORLD), [])

    def test_e2_no_capturing_coroutine_lambdas(self):
        pattern = re.compile(r"\[[^\]\n]*[&=\w][^\]\n]*\]\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*(?:mutable\s*)?->\s*(?:net::)?Awaitable<[^{;]*>\s*\{[^}]*\bco_(?:await|return)")
        self.assertEqual(hits(pattern, sources()), [])

    def test_e3_nothing_is_detached(self):
        self.assertEqual(hits(re.compile(r"asio::detached|std::thread\([^)]*\)\.detach\(\)"), exclude(sources(), "main")), [])

    def test_e4_no_left_over_notes(self):
        pattern = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|not yet implemented|is not implemented")
        wrong = []
        for path in sources() + sources("tests") + sources("bench") + tracked("tools/*.py", "dev", "web/src/*"):
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                if pattern.search(line) and "lint:" not in line:
                    wrong.append(f"{where(path, number)}: {line.strip()[:80]}")
        self.assertEqual(wrong, [])

    def test_e5_headers_begin_with_pragma_once(self):
        wrong = [str(p.relative_to(ROOT)) for p in sources() if p.suffix == ".hpp" and
                 not p.read_text().startswith("#pragma once")]
        self.assertEqual(wrong, [])

    def test_e6_no_std_regex_iostream_or_format(self):
        pattern = re.compile(r"#include <(regex|iostream|format|print)>|std::regex\b")
        self.assertEqual(hits(pattern, sources()), [])

    def test_e7_kill_by_pidfd_only(self):
        # Only the keeper, which holds pidfds, may signal processes by number, and only where there is no pidfd.
        self.assertEqual(hits(re.compile(r"(?<!\w)::kill\s*\("), exclude(sources(), "keeper/"), {"src/base/fault.cpp"}), [])

    def test_e8_no_default_on_our_enums(self):
        # A switch over one of our own enums names every value, so that a new one does not compile until it is answered.
        wrong = []
        for path in exclude(sources(), "keeper/"):
            text = code(path)
            for match in re.finditer(r"\bdefault\s*:", text):
                start = text.rfind("switch", 0, match.start())
                if re.search(r"case\s+(\w+::)*[A-Z]\w*::\w+\s*:", text[start:match.start()]) and \
                        not re.search(r"case\s+(json|boost|YAML|CLI|toml)\w*::", text[start:match.start()]):
                    wrong.append(where(path, text.count("\n", 0, match.start()) + 1))
        self.assertEqual(wrong, [])

    def test_e9_files_are_short(self):
        lengths = {str(p.relative_to(ROOT)): len(p.read_text(errors="replace").splitlines()) for p in sources()}
        for name, lines in sorted(lengths.items()):
            if lines > FILE_LINES:
                print(f"warning: {name} has {lines} lines (at most {FILE_LINES})")
        self.assertEqual({n: l for n, l in lengths.items() if l > FILE_LINES_HARD}, {})

    def test_e10_every_module_has_a_short_readme(self):
        wrong = []
        for folder in sorted(p for p in (ROOT / "src").iterdir() if p.is_dir()):
            readme = folder / "README.md"
            if not any(folder.rglob("*.cpp")):
                continue
            if not readme.exists():
                wrong.append(f"{folder.name}: no README.md")
            elif len(readme.read_text().splitlines()) > 40:
                wrong.append(f"{folder.name}: README.md has more than 40 lines")
        self.assertEqual(wrong, [])

    def test_e11_common_errors_are_numbered_and_enforced(self):
        text = (ROOT / "docs/COMMON_ERRORS.md").read_text()
        numbers = [int(n) for n in re.findall(r"^## E(\d+)\b", text, re.M)]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        cases = {int(n) for n in re.findall(r"def test_e(\d+)_", (ROOT / "tests/lint/test_house.py").read_text())}
        self.assertEqual(cases - set(numbers), set())

    def test_e12_formatting(self):
        files = [str(p) for p in sources() + sources("tests") + sources("bench")]
        result = subprocess.run(["clang-format-19", "--dry-run", *files], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        wrong = sorted({line.split(":")[0].removeprefix(str(ROOT) + "/") for line in result.stderr.splitlines()
                        if "-Wclang-format-violations" in line})
        self.assertEqual(wrong, [], "try: ./dev format")


class Scripts(unittest.TestCase):
    def test_shell_scripts_pass_shellcheck(self):
        result = subprocess.run(["shellcheck", "dev", ".ci/run"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.assertEqual(result.stdout, "")


if __name__ == "__main__":
    unittest.main()
