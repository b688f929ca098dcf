"""docs/features.md and tests/e2e/acceptance.md: every row is there, and each test that it names exists."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS = {letter: count for letter, count in zip("ABCDEF", (14, 10, 14, 8, 13, 10))}
PLAIN = ("simulation", "fuzz", "bench")


def table():
    for line in (ROOT / "docs/features.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) >= 4 and re.fullmatch(r"[A-F]\d+", cells[0]):
            yield cells[0], cells[2], cells[4] if len(cells) > 4 else ""


def acceptance():
    for line in (ROOT / "tests/e2e/acceptance.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and cells[0].isdigit():
            yield int(cells[0]), cells[2]


def words(shown):
    """Every name of a test in a cell: Suite.Case, Suite.*, test_file, file_test, 1-page."""
    return re.findall(r"\w+(?:/\w+)?\.(?:\w+|\*)|\btest_\w+|\b\w+_test\b|\b\d-\w+", shown)


class Features(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sources = [p for p in (ROOT / "tests").rglob("*") if p.suffix in (".cpp", ".hpp", ".py", ".mjs", ".ts")
                   and "node_modules" not in p.parts]
        sources += [p for p in (ROOT / "sdk").rglob("*.test.ts") if "node_modules" not in p.parts]
        cls.files = {p.name.split(".")[0] for p in sources}
        text = "\n".join(p.read_text(errors="replace") for p in sources if p.suffix in (".cpp", ".hpp", ".py"))
        cls.cases = set(re.findall(r"^\s*TEST(?:_[FP])?\((\w+), (\w+)\)", text, re.M))
        cls.suites = {suite for suite, _ in cls.cases}
        cls.functions = set(re.findall(r"def (test_\w+)", text))

    def exists(self, word):
        if "." in word:
            suite, case = word.split("/")[-1].split(".")
            return suite in self.suites if case == "*" else (suite, case) in self.cases
        return word in self.functions or word in self.files

    def test_every_row_of_the_product_is_there(self):
        wanted = [f"{letter}{n}" for letter, count in ROWS.items() for n in range(1, count + 1)]
        self.assertEqual([row for row, _, _ in table()], wanted)

    def test_what_is_named_exists(self):
        wrong = [f"{row}: {word}" for row, _, shown in table() for word in words(shown) if not self.exists(word)]
        self.assertEqual(wrong, [])

    def test_each_acceptance_test_is_shown(self):
        rows = list(acceptance())
        self.assertEqual([number for number, _ in rows], list(range(1, 33)))
        wrong = [f"{number}: {word}" for number, shown in rows for word in words(shown) if not self.exists(word)]
        self.assertEqual(wrong, [])
        for number, shown in rows:
            self.assertTrue(words(shown) or shown.startswith("not here: "), f"{number} names no test and no reason")

    def test_what_works_is_shown(self):
        for row, state, shown in table():
            self.assertIn(state, ("yes", "partly", "no"), row)
            if state == "yes":
                self.assertTrue(words(shown) or any(p in shown for p in PLAIN), f"{row} names no test")
