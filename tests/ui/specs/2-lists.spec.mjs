import { expect, tap_stream, test } from '../test.mjs';

test('the shop is there: state in words, instances below a service, a job that is done', async ({ page }) => {
  await page.goto('/services');
  const grid = page.getByRole('grid', { name: 'Services' });
  const web = grid.getByRole('row').filter({ hasText: 'shop/web' });
  await expect(web).toContainText('ready');
  await expect(web).toContainText('3/3');
  await expect(grid.getByRole('row').filter({ hasText: 'shop/migrate' })).toContainText('completed');
  await page.getByRole('button', { name: 'Open shop/web' }).click();
  await expect(page.getByRole('list', { name: 'Instances of shop/web' }).getByRole('link', { name: /^web-\d$/ })).toHaveCount(3);
});

test('rule 1: a thousand updates touch neither ticks, expansion, filter, sort, scroll nor focus', async ({ page }) => {
  await page.setViewportSize({ width: 1200, height: 360 });
  const tap = await tap_stream(page);
  await page.goto('/services?filter=stack:shop&sort=-id');
  await expect(page.getByRole('row').filter({ hasText: 'shop/web' })).toBeVisible();
  for (const name of ['shop/web', 'shop/ticker', 'shop/slow']) await page.getByRole('checkbox', { name: `Select ${name}` }).check();
  await page.getByRole('button', { name: 'Open shop/web' }).click();
  await expect(page.getByRole('list', { name: 'Instances of shop/web' }).getByRole('listitem').first()).toBeVisible();
  await page.locator('.row[data-id="shop/web"]').focus();
  const scroller = page.getByRole('grid', { name: 'Services' });
  await scroller.evaluate((element) => element.scrollTo({ top: 40 }));
  await page.waitForTimeout(300);
  const look = () =>
    page.evaluate(() => ({
      ticked: [...document.querySelectorAll('.row.ticked')].map((row) => row.dataset.id),
      open: [...document.querySelectorAll('.row[data-open]')].map((row) => row.dataset.id),
      order: [...document.querySelectorAll('.data-body .row[data-id]')].map((row) => row.dataset.id),
      scroll: document.querySelector('.data-scroll').scrollTop,
      focus: document.activeElement?.dataset?.id,
      url: location.href,
    }));
  const before = await look();
  expect(before.ticked.length).toBe(3);
  expect(before.focus).toBe('shop/web');
  expect(before.scroll).toBe(40);

  const sub = tap.latest('services');
  const rows = tap.snapshots.get(sub.id).items;
  for (let n = 0; n < 100; n += 1) {
    const set = Array.from({ length: 10 }, (_, i) => ({ ...rows[(n + i) % rows.length], restarts: n * 10 + i, reason: `update ${n}` }));
    tap.send({ op: 'delta', id: sub.id, seq: 1000 + n, set, del: [] });
  }
  await expect(page.locator('.row[data-id="shop/web"]')).toContainText('update 9');
  expect(await look()).toEqual(before);
});

test('rule 2: new rows wait behind a chip while one looks at the list', async ({ page }) => {
  const tap = await tap_stream(page);
  await page.goto('/services');
  await expect(page.getByRole('row').filter({ hasText: 'shop/web' })).toBeVisible();
  await page.getByRole('row').filter({ hasText: 'shop/web' }).hover();
  const sub = tap.latest('services');
  const [row] = tap.snapshots.get(sub.id).items;
  tap.send({ op: 'delta', id: sub.id, seq: 99, set: [{ ...row, id: 'aaa/new', stack: 'aaa', name: 'new' }], del: [] });
  await expect(page.getByRole('button', { name: '1 new · show' })).toBeVisible();
  await expect(page.getByRole('row').filter({ hasText: 'aaa/new' })).toHaveCount(0);
  await page.getByRole('button', { name: '1 new · show' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'aaa/new' })).toHaveCount(1);
});

test('rule 3: the hub filters and sorts; a window of 200 rows is drawn as a few dozen', async ({ page }) => {
  const tap = await tap_stream(page);
  await page.goto('/services');
  await expect(page.getByRole('row').filter({ hasText: 'shop/web' })).toBeVisible();
  await page.getByRole('searchbox').fill('ticker');
  await expect(page.getByRole('row').filter({ hasText: 'shop/web' })).toHaveCount(0);
  await expect(page.getByRole('row').filter({ hasText: 'shop/ticker' })).toBeVisible();
  expect(tap.latest('services').filter).toBe('ticker');
  await page.getByRole('searchbox').fill('');
  await page.getByRole('button', { name: 'Service', exact: true }).click();
  await expect.poll(() => tap.latest('services').sort).toBe('-id');
  await expect(page.getByRole('row').filter({ hasText: 'shop/web' })).toBeVisible();

  const sub = tap.latest('services');
  const [row] = tap.snapshots.get(sub.id).items;
  const items = Array.from({ length: 200 }, (_, n) => ({ ...row, id: `big/s${n}`, stack: 'big', name: `s${n}` }));
  const from = await page.evaluate(() => performance.now());
  tap.send({ op: 'snapshot', id: sub.id, items, counts: { total: 10_000, matching: 10_000 }, seq: 5000 });
  await expect(page.getByRole('row').filter({ hasText: 'big/s0' }).first()).toBeVisible();
  expect((await page.evaluate(() => performance.now())) - from).toBeLessThan(1_000);
  expect(await page.locator('.data-body .row').count()).toBeLessThan(60);
  await expect(page.locator('.page-figures')).toHaveText(/10\s000/);
});

test('rule 14: a link shows the same view', async ({ page, context }) => {
  await page.goto('/services');
  await page.getByRole('button', { name: 'Open shop/web' }).click();
  await page.getByRole('searchbox').fill('stack:shop web');
  await expect(page).toHaveURL(/filter=stack:shop/);
  await expect(page.getByRole('row').filter({ hasText: 'shop/slow' })).toHaveCount(0);
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.getByRole('searchbox')).toHaveValue('stack:shop web');
  await expect(other.getByRole('list', { name: 'Instances of shop/web' })).toBeVisible();
  await expect(other.getByRole('row').filter({ hasText: 'shop/slow' })).toHaveCount(0);
});

test('rows can be walked, ticked and opened by keyboard', async ({ page }) => {
  await page.goto('/services?filter=stack:shop');
  await expect(page.getByRole('row').filter({ hasText: 'shop/web' })).toBeVisible();
  await page.locator('.data-body .row').first().focus();
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await expect(page.locator('.row.ticked')).toHaveCount(1);
  await page.keyboard.press('j');
  await page.keyboard.press('Shift+X');
  await expect(page.locator('.row.ticked')).toHaveCount(2);
  await page.keyboard.press(' ');
  await expect(page.locator('.row[data-open]')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(page.locator('.row.ticked')).toHaveCount(0);
});
