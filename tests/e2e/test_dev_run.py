"""`./dev run`: a hub, three agents, the sample shop; Ctrl-C ends all of it."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request

from harness import BIN, E2E, PATIENCE, ROOT

SHOP_PORTS = (6390, 8800, 8801, 8802)


class DevRun(E2E):
    def test_it_comes_up_serves_and_leaves_nothing(self):
        for program in ("redis-server", "nginx"):
            if not shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin"):
                self.skipTest(f"{program} is not installed")
        for port in SHOP_PORTS:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    self.skipTest(f"port {port} of the sample is somebody else's")
        output = self.base / "dev-run.log"
        self.env["TMPDIR"] = str(self.base)
        with open(output, "wb") as log:
            run = subprocess.Popen([sys.executable, str(ROOT / "tools/dev_run.py"), str(BIN)], env=self.env, stdout=log,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            def served():
                if run.poll() is not None:
                    raise AssertionError(f"it ended with {run.returncode}: {output.read_text()[-3000:]}")
                return "the shop:" in output.read_text(errors="replace")
            self.wait_for("the shop is open", served, 90)
            with urllib.request.urlopen("http://127.0.0.1:8800/", timeout=10) as answer:
                self.assertEqual(answer.status, 200)
            run.send_signal(signal.SIGINT)
            self.assertEqual(run.wait(90 * PATIENCE), 0, output.read_text(errors="replace")[-3000:])
        finally:
            if run.poll() is None:
                run.kill()
                run.wait(10)
        self.assertIn("nothing is left", output.read_text(errors="replace"))
        self.assertEqual(self.left_over(), {})
        self.assertEqual([p for p in pathlib.Path(self.base).glob("drover-dev-*")], [])
