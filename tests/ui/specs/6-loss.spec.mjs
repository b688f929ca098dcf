import { expect, screenshot, shop_ready, test } from '../test.mjs';

// The last: it takes things away.

test('rule 13: while the hub is away values stay, grey, with their age; then the page goes on by itself', async ({ page, fleet }) => {
  await page.goto('/services');
  await expect(page.getByRole('row').filter({ hasText: 'shop/web' })).toContainText('3/3');
  await page.evaluate(() => (window.same_page = true));
  await fleet.end(fleet.hub, 'SIGKILL');
  await expect(page.getByText(/The hub is away\. What you see is as of \d+ s ago/)).toBeVisible();
  await expect(page.getByRole('contentinfo', { name: 'Status' })).toContainText(/reconnecting|connecting/);
  await expect(page.getByRole('row').filter({ hasText: 'shop/web' })).toContainText('3/3');
  expect(await page.locator('.data-body').evaluate((element) => getComputedStyle(element).filter)).toContain('grayscale');
  await screenshot(page, 'hub-away');
  await fleet.start_hub();
  await expect(page.getByRole('contentinfo', { name: 'Status' })).toContainText('live', { timeout: 25_000 });
  await expect(page.getByText(/The hub is away/)).toHaveCount(0);
  await expect(page.getByRole('row').filter({ hasText: 'shop/web' })).toContainText('3/3', { timeout: 20_000 });
  expect(await page.evaluate(() => window.same_page)).toBe(true);
});

test('rule 13: what a lost node last said is shown as old', async ({ page, fleet }) => {
  await shop_ready(fleet);
  await page.goto('/nodes');
  const alpha = page.getByRole('row').filter({ hasText: 'alpha' }).first();
  await expect(alpha).toContainText('online');
  await fleet.end(fleet.agents.get('alpha').process, 'SIGKILL');
  await expect(alpha).toContainText('lost', { timeout: 15_000 });
  await expect(alpha).toHaveClass(/old/);
  await page.goto('/');
  await expect(page.getByRole('region', { name: 'Needs attention' })).toContainText('alpha');
  await screenshot(page, 'node-lost');
  fleet.start_agent('alpha');
  await expect(page.getByRole('contentinfo', { name: 'Status' })).toContainText('3/3 agents', { timeout: 15_000 });
  await shop_ready(fleet);
});
