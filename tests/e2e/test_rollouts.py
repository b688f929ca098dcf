"""Three nodes: canaries that are promoted, fail, are aborted; drains with a preview; who has no place, and why."""
import json

from harness import E2E, service, shell


def web(version, script="exec sleep 1000", **more):
    return {"name": "shop", "services": {"web": service(
        shell(script), environment={"VERSION": version}, scale=3, reserve={"memory": "1MiB"},
        **{"update": {"canary": 1, "healthy_for": "300ms"}, **more})}}


class Rollouts(E2E):
    def running(self, api):
        """What runs, by revision."""
        found = {}
        for one in api.items("/instances", "&filter=stack:shop"):
            if one["state"] == "ready":
                found[one["revision"]] = found.get(one["revision"], 0) + 1
        return found

    def deployment(self, api, answer):
        return api.get(f"/deployments/{answer['deployment']}")

    def wait_state(self, api, answer, state):
        self.wait_for(f"a deployment that is {state}", lambda: self.deployment(api, answer)["state"] == state, 30)

    def test_a_canary_is_promoted_or_fails_and_nothing_is_lost(self):
        hub, _ = self.fleet("n1", "n2", "n3")
        api = hub.api
        self.wait_deployment(api, api.apply(web("1")))
        pids = {name: one["pid"] for name, one in api.instances("shop").items()}

        second = api.apply(web("2"))
        self.wait_for("a good canary", lambda: self.deployment(api, second)["promotable"], 30)
        self.assertEqual(self.running(api), {1: 3, 2: 1})
        told = hub.cli("deployment", "show", "shop")
        self.assertIn("1 canary is ready: promote or abort", told.stdout)
        hub.cli("deployment", "promote", "shop", "--wait")
        self.assertEqual(self.deployment(api, second)["state"], "succeeded")
        self.assertEqual(self.running(api), {2: 3})
        after = {name: one["pid"] for name, one in api.instances("shop").items()}
        self.assertEqual(sorted(after), sorted(pids))
        self.assertFalse(set(after.values()) & set(pids.values()))

        third = api.apply(web("3", "sleep 0.1; echo no such table; exit 3"))
        self.wait_state(api, third, "rolled_back")
        self.assertEqual({name: one["pid"] for name, one in api.instances("shop").items()}, after)
        self.assertIn("rolled back to revision 2", self.deployment(api, third)["message"])

        fifth = api.apply(web("5"))
        self.wait_for("a good canary", lambda: self.deployment(api, fifth)["promotable"], 30)
        hub.cli("deployment", "abort", "shop", "--wait")
        self.wait_state(api, fifth, "rolled_back")
        self.wait_for("no canary", lambda: sum(self.running(api).values()) == 3, 20)
        self.assertEqual({name: one["pid"] for name, one in api.instances("shop").items()}, after)

    def test_a_drain_says_first_what_it_does(self):
        hub, _ = self.fleet("n1", "n2", "n3")
        api = hub.api
        stack = web("1", update={"order": "start-first", "healthy_for": "200ms"})
        stack["services"]["fixed"] = service(shell("exec sleep 1000"), place={"nodes": ["n1"]})
        stack["services"]["each"] = service(shell("exec sleep 1000"), scale="per-node")
        self.wait_deployment(api, api.apply(stack))
        before = api.instances("shop")
        there = sorted(name for name, one in before.items() if one["node"] == "n1")
        self.assertIn("fixed-1", there)

        shown = json.loads(hub.cli("node", "drain", "n1", "--dry-run", "-o", "json").stdout)["items"]
        self.assertEqual(sorted(one["instance_name"] for one in shown), there)
        what = {one["instance_name"]: one["what"] for one in shown}
        self.assertEqual((what["fixed-1"], what["each@n1"]), ("stays", "ends"))
        moving = [one for one in shown if one["what"] == "moves"]
        self.assertTrue(moving)
        self.assertEqual({n: o["pid"] for n, o in api.instances("shop").items()},
                         {n: o["pid"] for n, o in before.items()})
        self.assertFalse(api.get("/nodes/n1")["draining"])

        told = hub.cli("node", "drain", "n1", "--wait", check=8)
        self.assertIn("placed by hand on n1", told.stderr)
        after = api.instances("shop")
        self.assertEqual([n for n, o in after.items() if o["node"] == "n1"], ["fixed-1"])
        self.assertEqual(after["fixed-1"]["pid"], before["fixed-1"]["pid"])
        self.assertEqual(sum(n.startswith("web-") and o["state"] == "ready" for n, o in after.items()), 3)
        for one in moving:
            self.assertNotEqual(after[one["instance_name"]]["node"], "n1")

    def test_who_has_no_place_is_told_why_by_each_node(self):
        hub, _ = self.fleet("n1", "n2")
        hub.cli("node", "cordon", "n2")
        hub.api.apply({"name": "big", "services": {"db": service(shell("exec sleep 1000"),
                                                                 reserve={"memory": "4096GiB", "licence": 1})}})
        self.wait_for("a reason", lambda: "no node fits" in hub.api.instance("big", "db-1")["reason"], 10)
        told = hub.cli("why", "big/db")
        self.assertIn("licence: 1 asked, the node has none", told.stdout)
        self.assertIn("is cordoned", told.stdout)
