import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, screenshot, test } from '../test.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pages = ['overview', 'nodes', 'services', 'stacks', 'tasks', 'events', 'instance', 'login'];

async function visit(page, name) {
  if (name === 'instance') {
    await page.goto('/services?open=shop/ticker');
    await page.getByRole('link', { name: 'ticker-1', exact: true }).click();
    await expect(page.getByRole('log')).toContainText('tick');
    return;
  }
  await page.goto(name === 'overview' ? '/' : name === 'services' ? '/services?open=shop/web' : `/${name}`);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.waitForTimeout(400);
}

for (const theme of ['light', 'dark']) {
  for (const name of pages) {
    test(`${name} is accessible in ${theme}, and fits a wide and a narrow window`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await visit(page, name);
      await screenshot(page, `${name}-1440-${theme}`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }));
      const told = violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).slice(0, 3).join(' | ')}`);
      expect(told).toEqual([]);

      await page.setViewportSize({ width: 390, height: 844 });
      await page.waitForTimeout(300);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      await screenshot(page, `${name}-390-${theme}`);
    });
  }
}

test('rule 8: on a phone every target is big enough, and nothing hides behind hovering', async ({ browser, fleet }) => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, storageState: fleet.session, baseURL: fleet.url });
  const page = await context.newPage();
  await page.goto('/services');
  await expect(page.getByRole('row').filter({ hasText: 'shop/web' })).toBeVisible();
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('button, .hit, .nav a')]
      .filter((element) => element.checkVisibility() && !element.closest('.status, .data-head, [popover]'))
      .map((element) => ({ what: element.getAttribute('aria-label') ?? element.textContent, ...element.getBoundingClientRect().toJSON() }))
      .filter((box) => box.height < 40 || box.width < 40)
      .map((box) => `${box.what}: ${Math.round(box.width)}×${Math.round(box.height)}`),
  );
  expect(small).toEqual([]);
  await context.close();
});
