"""A backend as applications have them: an HTTP server with /health, and ways to misbehave.

Environment: …_HOST, …_PORT, …_API_KEY (prefix TEST_API), and
  BACKEND_EXIT=N      ends with N at once, after a word on stderr
  BACKEND_SILENT=1    runs, and never listens
  BACKEND_DEAF=1      ignores SIGTERM
  BACKEND_CHILD=1     starts a child that ignores SIGTERM
  BACKEND_STARTS=FILE appends its pid at each start
  BACKEND_DIES=FILE   ends with 3 at once where FILE exists
GET /health 200, or 503 after POST /sick; GET /env its environment; POST /exit/N ends with N; POST /say/TEXT prints it.
"""
import http.server
import json
import os
import signal
import subprocess
import sys
import time

healthy = True


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/health":
            self.answer(200 if healthy else 503, {"status": "healthy" if healthy else "sick"})
        else:
            self.answer(200, dict(os.environ))

    def do_POST(self):
        global healthy
        verb, _, word = self.path[1:].partition("/")
        self.answer(200, {})
        if verb == "exit":
            print(f"leaving with {word}", file=sys.stderr)
            os._exit(int(word))
        elif verb == "sick":
            healthy = False
        else:
            print(word)
            print(f"{word} on stderr", file=sys.stderr)

    def log_message(self, *_):
        pass


if "BACKEND_STARTS" in os.environ:
    with open(os.environ["BACKEND_STARTS"], "a") as file:
        file.write(f"{os.getpid()}\n")
if os.environ.get("BACKEND_DEAF"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.environ.get("BACKEND_CHILD"):
    subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)"])
if "BACKEND_EXIT" in os.environ:
    print("cannot open the database", file=sys.stderr)
    sys.exit(int(os.environ["BACKEND_EXIT"]))
if os.path.exists(os.environ.get("BACKEND_DIES", "/nonexistent/x")):
    sys.exit(3)
if os.environ.get("BACKEND_SILENT"):
    time.sleep(1000)
host, port = os.environ["TEST_API_HOST"], int(os.environ["TEST_API_PORT"])
print(f"listening on {host}:{port}")
http.server.ThreadingHTTPServer((host, port), Handler).serve_forever()
