"""At home in a container: Drover as process 1, Docker's own seccomp profile, no cgroup that may be written, no clone3."""
import re
import time

from container import IMAGE, Engine, needs_docker
from harness import E2E, Api, keeper_of, numbered, service, shell


@needs_docker
class Container(E2E):
    def setUp(self):
        super().setUp()
        self.engine = Engine(self)
        self.engine.start()
        self.engine.import_image()
        self.state = self.base / "state"
        self.state.mkdir()
        self.api = Api(self.state)

    def tearDown(self):
        if self.has_failed():
            print(self.docker("logs", "home", check=None).stderr[-6000:])
        self.engine.end()
        super().tearDown()

    def docker(self, *arguments, **options):
        return self.engine.docker(*arguments, **options)

    def inside(self, script, **options):
        return self.docker("exec", "home", "/bin/sh", "-c", script, **options).stdout

    def start(self, services, *more):
        self.write_stack({"name": "shop", "services": services})
        self.docker("run", "-d", "--name", "home", "--network", "none", "-e", "ASAN_OPTIONS=detect_leaks=0", "-v", f"{self.base}:/base", IMAGE,
                    "/bin/drover", "up", "--state", "/base/state", *more, "/base/shop.json")

    def wait_ready(self, *names):
        self.wait_for("all is ready", lambda: all(
            self.api.instances("shop").get(n, {}).get("state") == "ready" and self.api.instances("shop")[n]["fresh"]
            for n in names), 60)

    def up_pid(self):
        return int((self.state / "up.pid").read_text().split()[0])

    def numbers(self):
        return [int(n) for line in self.api.lines("shop", "talk-1") for n in re.findall(r"^line (\d+)$", line)]

    def kill(self, which):
        """Inside; returns when another one is there."""
        look = {"up": self.up_pid, "keeper": lambda: keeper_of(self.state / "agent")[1],
                "guard": lambda: keeper_of(self.state / "agent")[0]}[which]
        before = look()
        self.assertGreater(before, 1)
        self.inside(f"kill -9 {before}")
        self.wait_for(f"another {which}", lambda: look() not in (0, before), 40)

    def test_everything_of_ours_dies_in_turn(self):
        self.start({"talk": service(numbered()), "quiet": service(shell("echo $$ >> /base/quiet; exec sleep 100000"))})
        self.wait_ready("talk-1", "quiet-1")
        before = self.api.instances("shop")
        for which in ("up", "keeper", "guard", "up"):
            self.kill(which)
            self.wait_ready("talk-1", "quiet-1")
            after = self.api.instances("shop")
            for name in ("talk-1", "quiet-1"):
                self.assertEqual((after[name]["pid"], after[name]["restarts"]), (before[name]["pid"], 0), f"{name} after {which}")
        self.assertEqual(len((self.base / "quiet").read_text().split()), 1)
        found = self.numbers()
        self.assertEqual(found, sorted(set(found)))
        missing = found[-1] - found[0] + 1 - len(found)
        self.assertLessEqual(missing, 3, "more than what the killed keeper had in its hands")
        own = "".join(path.read_text() for path in (self.state / "agent/own/agent").glob("*.log"))
        self.assertIn('"level":"subreaper"', own)

        # What is orphaned outside of the keeper's tree is waited for.
        self.inside("(sleep 0.2 &) ; :")
        self.wait_for("no zombie", lambda: " Z " not in self.inside("cat /proc/[0-9]*/stat; :"), 10)

        # Restarted as a whole: the services come back.
        self.docker("stop", "-t", "60", "home", limit=90)
        self.assertEqual(self.docker("inspect", "-f", "{{.State.ExitCode}}", "home").stdout.strip(), "0")
        self.docker("start", "home")
        self.wait_for("its second start", lambda: len((self.base / "quiet").read_text().split()) == 2, 60)
        self.wait_ready("talk-1", "quiet-1")
        self.docker("stop", "-t", "60", "home", limit=90)

    def test_ends_with_the_status_of_the_essential_service(self):
        end = "while [ ! -e /base/end ]; do sleep 0.05; done; exit 7"
        self.start({"main": service(shell(end), restart={"policy": "no"}),
                    "side": service(shell("trap 'echo ended > /base/side; exit' TERM; while :; do sleep 0.05; done"))},
                   "--exit-with", "main")
        self.wait_ready("main-1", "side-1")
        (self.base / "end").touch()
        self.assertEqual(self.docker("wait", "home", limit=60).stdout.strip(), "7")
        self.assertEqual((self.base / "side").read_text().strip(), "ended")
