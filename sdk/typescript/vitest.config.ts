import { defineConfig } from "vitest/config";

// Real processes: one file after the other, and every wait is bounded.
export default defineConfig({
  test: {
    include: ["tests/*.test.ts"],
    globalSetup: ["tests/build.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
