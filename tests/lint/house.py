"""What the lints share: our source files, and their text without comments and strings."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""", re.S)


def tracked(*patterns):
    """Files under version control, and new ones that are not ignored."""
    listing = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns], cwd=ROOT,
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    return sorted({ROOT / line for line in listing.splitlines() if (ROOT / line).is_file()})


def sources(folder="src"):
    return tracked(f"{folder}/*.cpp", f"{folder}/*.hpp")


def code(path):
    """The text with comments and literals blanked out, line numbers unchanged; #include lines keep their names."""
    text = path.read_text(errors="replace")

    def blank(match):
        found = match.group(0)
        line = text.rfind("\n", 0, match.start()) + 1
        if text[line:match.start()].lstrip().startswith("#include"):
            return found
        return re.sub(r"[^\n]", " ", found)

    return TOKEN.sub(blank, text)


def where(path, line):
    return f"{path.relative_to(ROOT)}:{line}"
