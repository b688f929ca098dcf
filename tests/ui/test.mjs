// What every spec gets: the fleet (one for a whole run), a page that is logged in, and a watch on the console.
import { test as base } from '@playwright/test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fleet, until } from './fleet.mjs';
import { shop, ticker_script } from './stack.mjs';

export { expect } from '@playwright/test';
export { until } from './fleet.mjs';

export const password = 'correct horse battery staple';
const shots = new URL('./artifacts/screenshots/', import.meta.url).pathname;
mkdirSync(shots, { recursive: true });

export async function screenshot(page, name) {
  await page.screenshot({ path: `${shots}${name}.png` });
}

export async function apply_shop(fleet) {
  const script = join(fleet.dir, 'ticker.sh');
  writeFileSync(script, ticker_script);
  await fleet.apply('shop', shop.replace('${TICKER}', script));
}

/** Until all of the shop is well. */
export async function shop_ready(fleet) {
  await until(
    'the shop is ready',
    async () => {
      const rows = (await fleet.get('ps')).filter((row) => row.stack === 'shop');
      return rows.length === 6 && rows.every((row) => row.state === 'ready' || row.state === 'completed');
    },
    30_000,
  );
}

export const test = base.extend({
  fleet: [
    async ({ browser }, use) => {
      const fleet = await Fleet.start(process.env.DROVER_BIN, ['alpha', 'beta', 'gamma']);
      try {
        fleet.session = await first_login(browser, fleet);
        await apply_shop(fleet);
        await shop_ready(fleet);
        await use(fleet);
      } finally {
        await fleet.stop();
      }
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  baseURL: async ({ fleet }, use) => use(fleet.url),
  storageState: async ({ fleet }, use) => use(fleet.session),
  page: async ({ page }, use) => {
    const troubles = [];
    page.on('pageerror', (error) => troubles.push(`exception: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/Content Security Policy directive 'script-src 'self''/.test(message.text()) && !/Failed to load resource|WebSocket connection|ERR_/.test(message.text())) troubles.push(message.text());
    });
    await use(page);
    base.expect(troubles, 'nothing is wrong in the console').toEqual([]);
  },
});

/** By the one-time link; sets the password; the browser's state is what later pages start with. */
async function first_login(browser, fleet) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(await fleet.login_link());
  await page.getByLabel('New password').fill(password);
  await page.getByLabel('Again').fill(password);
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const state = await context.storageState();
  await context.close();
  return state;
}

/** The page's own WebSocket, with a hand in it: what the hub sends goes through, and `send` adds to it. */
export async function tap_stream(page) {
  const tap = { subscriptions: [], snapshots: new Map(), rates: [] };
  await page.routeWebSocket('**/api/v1/stream', (socket) => {
    const server = socket.connectToServer();
    tap.send = (message) => socket.send(JSON.stringify(message));
    socket.onMessage((text) => {
      const message = JSON.parse(text);
      if (message.op === 'sub') tap.subscriptions.push(message);
      server.send(text);
    });
    server.onMessage((text) => {
      const message = JSON.parse(text);
      if (message.op === 'snapshot') tap.snapshots.set(message.id, message);
      socket.send(text);
    });
  });
  tap.latest = (topic) => tap.subscriptions.findLast((sub) => sub.topic === topic);
  return tap;
}
