"""The module rule. This table is the architecture (docs/architecture.md); it changes only with a decision record."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from house import ROOT, sources, where

# module → modules that it may include (itself always), and folders of foreign headers that it may include.
BELOW = {
    "base": [],
    "model": ["base"],
    "core": ["model", "base"],
    "protocol": ["model", "base"],
    "spec": ["model", "base"],
    "import": ["spec", "model", "base"],
    "store": ["core", "protocol", "spec", "model", "base"],
    "net": ["core", "protocol", "spec", "model", "base"],
    "keeper": [],
    "runtime": ["net", "store", "core", "protocol", "spec", "model", "base"],
    "hub": ["runtime", "net", "store", "core", "protocol", "spec", "model", "base"],
    "agent": ["runtime", "net", "store", "core", "protocol", "spec", "model", "base"],
    "cli": ["import", "runtime", "net", "store", "core", "protocol", "spec", "model", "base"],
    "main": ["cli", "import", "hub", "agent", "runtime", "net", "store", "core", "protocol", "spec", "model", "base"],
}
# runtime speaks the keeper's protocol and writes our own logs with its log writer (decision 0010), and may see nothing
# else of the keeper.
SINGLE_FILES = {("runtime", f"keeper/{name}.hpp") for name in ("protocol", "protocol_io", "spawn_spec", "cri", "segments")}
# What stands between the shells: hub and agent in one process are joined by a link that main makes.

FOREIGN = {  # the first part of an include → modules that may use it
    "openssl": {"net"},
    "boost/beast": {"net"},
    "boost/asio": {"net", "runtime", "hub", "agent", "cli", "main"},
    "sqlite3.h": {"store"},
    "yaml.h": {"spec"},
    "zstd.h": {"runtime"},
    "sodium": {"base", "store", "hub", "agent"},
    "toml++": {"base"},
    "CLI": {"cli", "main"},
    "nghttp2": {"net"},
    "re2": {"runtime", "hub", "spec"},
    "fmt": {"base", "model", "core", "protocol", "spec", "import", "store", "net", "runtime", "hub", "agent", "cli", "main"},
    "boost": {"base", "model", "core", "protocol", "spec", "import", "store", "net", "runtime", "hub", "agent", "cli", "main"},
}
LIBRARIES = {  # what the binary may need at run time
    "libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
    "libssl.so.3", "libcrypto.so.3", "libsqlite3.so.0", "libyaml-0.so.2", "libzstd.so.1", "libsodium.so.23",
    "libfmt.so.9", "libre2.so.9", "libnghttp2.so.14",
    "libresolv.so.2", "libdl.so.2", "libpthread.so.0", "librt.so.1",  # sanitizer builds
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def module_of(path):
    parts = path.relative_to(ROOT / "src").parts
    return "main" if parts[0] in ("main.cpp", "main") else parts[0]


def foreign_key(name):
    return max((key for key in FOREIGN if name == key or name.startswith(key + "/") or
                (key == "sodium" and name == "sodium.h") or (key == "yaml.h" and name == "yaml.h")),
               key=len, default=None)


def wrong_includes(path):
    module, text = module_of(path), path.read_text(errors="replace")
    for match in INCLUDE.finditer(text):
        place, name = where(path, text.count("\n", 0, match.start()) + 1), match.group(2)
        if match.group(1) == '"':
            target = name.split("/")[0]
            if target == module or (module, name) in SINGLE_FILES or (module == "main" and target == "main"):
                continue
            if target not in BELOW:
                yield f'{place}: "{name}": includes are written "module/file.hpp"'
            elif target not in BELOW[module]:
                yield f'{place}: {module} may not see {target} ("{name}")'
            continue
        key = foreign_key(name)
        if key and module not in FOREIGN[key]:
            yield f"{place}: {module} may not use {key} (<{name}>)"


class Modules(unittest.TestCase):
    def test_every_folder_is_in_the_table(self):
        folders = {p.name for p in (ROOT / "src").iterdir() if p.is_dir()}
        self.assertEqual(folders - set(BELOW), set())

    def test_includes_follow_the_table(self):
        self.assertEqual([problem for path in sources() for problem in wrong_includes(path)], [])

    def test_pure_modules_include_nothing_of_the_system(self):
        pattern = re.compile(r"#include <(unistd\.h|fcntl\.h|sys/\w+\.h|netinet/.*|fstream|thread|mutex)>")
        wrong = [where(path, number) for module in ("model", "core", "protocol", "spec", "import") for path in sources(f"src/{module}")
                 for number, line in enumerate(path.read_text().splitlines(), 1) if pattern.search(line)]
        self.assertEqual(wrong, [])

    def test_the_binary_needs_only_known_libraries(self):
        binary = pathlib.Path(os.environ.get("DROVER_BIN", ROOT / "build/dev/bin")) / "drover"
        if not binary.exists():
            self.skipTest(f"{binary} is not built")
        tool = shutil.which("readelf") or shutil.which("llvm-readelf-19")
        output = subprocess.run([tool, "-d", str(binary)], stdout=subprocess.PIPE, text=True, check=True).stdout
        needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", output))
        self.assertEqual(needed - LIBRARIES, set())

    def test_the_keeper_needs_nothing_but_libc(self):
        binary = pathlib.Path(os.environ.get("DROVER_BIN", ROOT / "build/dev/bin")) / "drover-keeper"
        if not binary.exists():
            self.skipTest(f"{binary} is not built")
        tool = shutil.which("readelf") or shutil.which("llvm-readelf-19")
        output = subprocess.run([tool, "-d", str(binary)], stdout=subprocess.PIPE, text=True).stdout
        needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", output))
        self.assertEqual({n for n in needed if not n.startswith(("libc.", "libm.", "ld-", "libgcc_s.", "libresolv.",
                                                                 "libdl.", "libpthread.", "librt."))}, set())


if __name__ == "__main__":
    unittest.main()
