import { expect, screenshot, test } from '../test.mjs';

async function open_log(page) {
  await page.goto('/services?open=shop/ticker');
  await page.getByRole('link', { name: 'ticker-1', exact: true }).click();
  await expect(page.getByRole('log')).toContainText('tick n=');
  return page.getByRole('log');
}
const last_line = (log) => log.evaluate((element) => element.querySelector('.log-line:last-child .log-text')?.textContent);
const top_line = (log) =>
  log.evaluate((element) => {
    const top = element.getBoundingClientRect().top;
    const line = [...element.querySelectorAll('.log-line')].find((each) => each.getBoundingClientRect().bottom > top + 2);
    return line?.textContent;
  });

test('rule 6: the log follows at the end, stands still when scrolled up, and says how much is new', async ({ page }) => {
  const log = await open_log(page);
  await expect.poll(() => log.evaluate((e) => e.scrollHeight - e.clientHeight), { timeout: 20_000 }).toBeGreaterThan(400);
  const one = await last_line(log);
  await expect.poll(() => last_line(log)).not.toBe(one);

  await log.hover();
  await page.mouse.wheel(0, -300);
  await expect(page.getByRole('button', { name: /new lines?/ })).toBeVisible();
  const still = await top_line(log);
  await page.waitForTimeout(1_500);
  expect(await top_line(log)).toBe(still);
  await expect(page.getByRole('button', { name: /\d+ new lines/ })).toBeVisible();
  await screenshot(page, 'log-standing-still');
  await page.getByRole('button', { name: /new lines/ }).click();
  await expect(page.getByRole('button', { name: /new lines/ })).toHaveCount(0);
  await expect(page.getByText('following', { exact: true })).toBeVisible();
});

test('colours are spans, markup is text, stderr is told apart', async ({ page }) => {
  const log = await open_log(page);
  await expect(log.locator('.fg2', { hasText: 'INFO' }).first()).toBeVisible();
  await expect(log.locator('.stream-stderr').first()).toContainText('ERROR');
  await expect(log).toContainText('<script>window.hacked=1</script>', { timeout: 15_000 });
  expect(await page.evaluate(() => window.hacked)).toBeUndefined();
});

test('grep and stream are asked of the hub', async ({ page }) => {
  const log = await open_log(page);
  await page.getByRole('searchbox').fill('trouble');
  await expect(log).toContainText('trouble');
  await expect(log).not.toContainText('tick');
  await page.getByRole('searchbox').fill('');
  await page.getByRole('button', { name: 'err', exact: true }).click();
  await expect(log).toContainText('trouble');
  await expect(log).not.toContainText('tick');
});
