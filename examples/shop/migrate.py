"""Prepares the shop's data. May run any number of times: what is there stays."""

import os

from resp import Redis

STOCK = {"apple": 100, "pear": 50, "quince": 7}

with Redis(int(os.environ.get("REDIS_PORT", "6390"))) as redis:
    for name, count in STOCK.items():
        if redis.call("HSETNX", "shop", name, count):
            print(f"added {count} of {name}", flush=True)
    print("the shop is prepared:", redis.call("HGETALL", "shop"), flush=True)
