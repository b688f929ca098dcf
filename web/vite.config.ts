import { defineConfig } from 'vitest/config';

const hub = process.env.DROVER_HUB ?? 'http://127.0.0.1:3079';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    // light-dark(), nesting and container queries as they are: every browser since 2024 knows them.
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    modulePreload: { polyfill: false },
    sourcemap: false,
    // Everything in one script: a tab that stays open over an update of the hub never misses a chunk.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: hub, ws: true, secure: false, changeOrigin: true } },
  },
  test: { environment: 'happy-dom', include: ['tests/**/*.test.ts', 'tests/**/*.test.tsx'] },
});
