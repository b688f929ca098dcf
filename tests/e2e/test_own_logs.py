"""What hub, agent and keeper log themselves, and that it tells one story."""
import json

from harness import E2E, Api, free_port, service, shell


def records(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


class OwnLogs(E2E):
    def test_one_request_through_all_programs_and_after_the_end(self):
        state = self.base / "s"
        self.states.append(state)
        low = self.next_port_range()
        self.env.update(DROVER_AGENT_PORTS=f"{low}-{low + 199}", DROVER_AGENT_LISTEN=f"127.0.0.1:{free_port()}",
                        DROVER_HUB_LISTEN=f"127.0.0.1:{free_port()}")
        stack = self.write_stack({"name": "one", "services": {"talk": service(shell("echo hi; exec sleep 1000"))}})
        self.cli("up", "-d", stack, state=state, timeout=90)
        self.cli("restart", "one/talk", state=state)
        tasks = Api(state).get("/tasks")["items"]
        restart = next(t for t in tasks if t["type"] == "restart")
        own = lambda *flags: records(self.cli("logs", "--own", *flags, "-o", "json", state=state))

        def story():
            found = own("--grep", restart["correlation"])
            told = [(r["service"], r["message"]) for r in found]
            whole = {"hub", "agent", "keeper"} <= {r["service"] for r in found} and ("keeper", "started") in told
            return found if whole else None

        found = self.wait_for("the whole story", story)
        self.assertEqual([r["timestamp"] for r in found], sorted(r["timestamp"] for r in found))
        self.assertEqual({r["correlationId"] for r in found}, {restart["correlation"]})
        messages = [(r["service"], r["message"]) for r in found]
        for expected in (("hub", "request"), ("agent", "A task begins."), ("keeper", "told to stop"), ("keeper", "started")):
            self.assertIn(expected, messages)
        self.assertEqual({r["instance"] for r in found}, {"hub", "agent@local", "keeper@local"})
        # By task and by instance too.
        self.assertTrue(any(r["service"] == "agent" for r in own("--grep", restart["id"])))
        self.assertTrue(any(r["service"] == "keeper" for r in own("keeper", "--grep", Api(state).instance("one", "talk-1")["id"])))
        self.assertEqual({r["service"] for r in own("keeper")}, {"keeper"})
        self.assertEqual({r["service"] for r in own("--node", "local")}, {"agent", "keeper"})
        self.assertEqual(own("--until", "1h"), [])
        shown = self.cli("logs", "--own", "--grep", restart["correlation"], state=state).stdout
        self.assertRegex(shown, r"keeper@local +info +started .*incarnation=2")
        self.cli("logs", "--own", "nobody", state=state, check=2)
        self.cli("logs", "--own", "--node", "nowhere", state=state, check=3)

        # Nothing runs any more: the files are read.
        self.cli("down", state=state, timeout=90)
        after = self.cli("logs", "--own", "--grep", restart["correlation"], "-o", "json", state=state)
        self.assertIn("read from the files", after.stderr)
        self.assertEqual({r["service"] for r in records(after)}, {"hub", "agent", "keeper"})
        self.cli("logs", "--own", state=self.base / "nothing", check=3)
