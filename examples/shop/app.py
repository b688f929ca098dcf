"""The shop: GET / shows the stock, POST /buy/NAME takes one away, GET /health says whether Redis answers."""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from resp import Redis, RedisError

PORT = int(os.environ.get("PORT", "8801"))
REDIS_PORT = int(os.environ.get("REDIS_PORT", "6390"))
INSTANCE = os.environ.get("INSTANCE", "app")

# In one step on Redis's side, so two instances never sell the same thing.
BUY = """
local left = tonumber(redis.call('HGET', KEYS[1], ARGV[1]))
if not left then return -2 end
if left == 0 then return -1 end
return redis.call('HINCRBY', KEYS[1], ARGV[1], -1)
"""


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        self.answer_with({"/": self.stock, "/health": self.health}.get(self.path))

    def do_POST(self):
        name = self.path.removeprefix("/buy/")
        self.answer_with((lambda: self.buy(name)) if name != self.path else None)

    def stock(self):
        with Redis(REDIS_PORT) as redis:
            pairs = redis.call("HGETALL", "shop")
        return 200, {"instance": INSTANCE, "stock": dict(zip(pairs[::2], map(int, pairs[1::2])))}

    def health(self):
        with Redis(REDIS_PORT) as redis:
            redis.call("PING")
        return 200, {"status": "healthy"}

    def buy(self, name):
        with Redis(REDIS_PORT) as redis:
            left = redis.call("EVAL", BUY, 1, "shop", name)
        if left == -2:
            return 404, {"error": f"there is no {name} here"}
        if left == -1:
            return 409, {"error": f"{name} is sold out"}
        return 200, {"instance": INSTANCE, "bought": name, "left": left}

    def answer_with(self, action):
        try:
            status, body = action() if action else (404, {"error": "not found"})
        except (OSError, RedisError) as error:
            status, body = 503, {"error": str(error)}
        data = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):
        if self.path != "/health":  # asked every few seconds
            print(f"{INSTANCE}: {format % args}", flush=True)


server = ThreadingHTTPServer(("127.0.0.1", PORT), Shop)
server.daemon_threads = False  # requests that are under way are answered before the end


def stop(*_):
    print(f"{INSTANCE}: stopping", flush=True)
    threading.Thread(target=server.shutdown).start()


signal.signal(signal.SIGTERM, stop)
print(f"{INSTANCE}: listening on 127.0.0.1:{PORT}", flush=True)
server.serve_forever()
server.server_close()
