// Runs the UI's tests against the real hub:  DROVER_BIN=build/dev/bin node tests/ui/run.mjs [playwright arguments]
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const bin = resolve(process.env.DROVER_BIN ?? join(here, '../../build/dev/bin'));
const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';

function skip(reason) {
  console.log(`UI tests skipped, because ${reason}`);
  process.exit(process.env.CI ? 1 : 0);
}

if (!existsSync(join(bin, 'drover'))) skip(`there is no ${join(bin, 'drover')} (set DROVER_BIN)`);
if (!existsSync(chromium)) skip(`there is no ${chromium} (apt-get install chromium)`);
if (!existsSync(join(here, 'node_modules/@playwright/test'))) {
  const installed = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' });
  if (installed.status !== 0) skip('npm ci failed in tests/ui');
}
const cli = join(here, 'node_modules/@playwright/test/cli.js');
const done = spawnSync(process.execPath, [cli, 'test', ...process.argv.slice(2)], {
  cwd: here,
  stdio: 'inherit',
  env: { ...process.env, DROVER_BIN: bin, PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' },
});
process.exit(done.status ?? 1);
