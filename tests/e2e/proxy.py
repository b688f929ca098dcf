"""A TCP proxy on loopback whose link can be cut as a network is: silently, without any RST."""
import select
import socket
import threading


class Proxy:
    """Forwards to 127.0.0.1:`target`. cut(): bytes stop in both directions, new connections are accepted and never
    answered. heal(): what was cut is gone for good (closed), new connections work. Own thread; close() joins it."""

    def __init__(self, target):
        self.target, self.blocked = target, False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.pairs = {}  # socket → the other end; one that waits in the void has none
        self.wake, self.signal = socket.socketpair()
        self.commands = []
        self.ended = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def cut(self):
        self.tell("cut")

    def heal(self):
        self.tell("heal")

    def close(self):
        self.tell("close")
        self.thread.join(5)

    def tell(self, what):
        done = threading.Event()
        self.commands.append((what, done))
        self.signal.send(b"x")
        if not done.wait(5):
            raise AssertionError(f"the proxy does not {what}")

    def run(self):
        while not self.ended:
            watched = [self.wake, self.listener] + ([] if self.blocked else list(self.pairs))
            for ready in select.select(watched, [], [], 1)[0]:
                if ready is self.wake:
                    self.obey()
                elif ready is self.listener:
                    self.accept()
                elif ready in self.pairs:
                    self.forward(ready)
        for one in [*self.pairs, self.listener, self.wake]:
            one.close()

    def obey(self):
        self.wake.recv(64)
        while self.commands:
            what, done = self.commands.pop(0)
            if what == "heal":
                for one in list(self.pairs):
                    one.close()
                self.pairs.clear()
            self.blocked = what == "cut"
            self.ended = what == "close"
            done.set()

    def accept(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        if self.blocked:
            self.pairs[client] = None
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=2)
        except OSError:
            client.close()
            return
        for one in (client, server):
            one.settimeout(5)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pairs[client], self.pairs[server] = server, client

    def forward(self, source):
        target = self.pairs[source]
        try:
            data = source.recv(65536)
            if data and target:
                target.sendall(data)
                return
        except OSError:
            pass
        for one in (source, target):
            if one is not None:
                self.pairs.pop(one, None)
                one.close()
