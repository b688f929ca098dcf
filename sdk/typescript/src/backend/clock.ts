import { setTimeout as sleep } from "node:timers/promises";

import type { Clock } from "./types.js";

export const realClock: Clock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await sleep(ms, undefined, signal ? { signal } : {});
    } catch {
      // aborted
    }
  },
};
