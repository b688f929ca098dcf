"""One machine for a test: `drover up` on a state directory of its own."""
from harness import BIN, E2E, Api, free_port

# A sanitizer's shadow, red zones and what it keeps of the freed are not ours: memory is told apart more coarsely.
SHADOW = (96 << 20) if "asan" in str(BIN) or "tsan" in str(BIN) else 0


class OneMachine(E2E):
    """self.state is the directory of `drover up`, self.api its hub."""

    def setUp(self):
        super().setUp()
        self.state = self.base / "s"
        self.states.append(self.state)
        low = self.next_port_range()
        self.env.update(DROVER_AGENT_PORTS=f"{low}-{low + 199}", DROVER_AGENT_LISTEN=f"127.0.0.1:{free_port()}",
                        DROVER_HUB_LISTEN=f"127.0.0.1:{free_port()}")
        self.api = Api(self.state)

    def up(self, stack, *more, **options):
        return self.cli("up", "-d", self.write_stack(stack), *more, state=self.state, timeout=90, **options)

    def bare(self):
        """Hub and agent alone; it takes work when this returns."""
        self.cli("up", "--bare", "-d", state=self.state, timeout=90)

    def down(self, **options):
        return self.cli("down", state=self.state, **{"timeout": 90, **options})

    def run_here(self, stack, limit=40):
        """Applies, and waits until all of it is there."""
        self.wait_deployment(self.api, self.api.apply(stack), limit=limit)

    def wait_shown(self, stack, name, state, limit=30):
        """The instance as it is shown, when it is in this state."""
        seen = {}

        def look():
            seen.update(self.api.instance(stack, name))
            return dict(seen) if seen["state"] == state else None
        try:
            return self.wait_for(f"{stack}/{name} is {state}", look, limit)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {seen.get('state')}: {seen.get('reason')}") from None

    def pids_in(self, path):
        """The numbers that services have written to a file, one for a line."""
        return [int(line) for line in self.starts(path) if line.strip().isdigit()]
