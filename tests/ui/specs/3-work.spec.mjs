import { crasher } from '../stack.mjs';
import { expect, screenshot, shop_ready, test } from '../test.mjs';

const row = (page, name) => page.getByRole('row').filter({ hasText: name }).first();

async function from_menu(page, item) {
  await page.getByRole('button', { name: 'Fleet menu' }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

test('a stack that is applied appears by itself and becomes ready', async ({ page, fleet }) => {
  await page.goto('/services');
  await expect(row(page, 'shop/web')).toBeVisible();
  await page.evaluate(() => (window.same_page = true));
  await fleet.apply('extra', 'name: extra\nservices:\n  sleeper:\n    command: ["sleep", "1000"]\n    scale: 2\n');
  await expect(row(page, 'extra/sleeper')).toContainText('ready');
  await expect(row(page, 'extra/sleeper')).toContainText('2/2');
  expect(await page.evaluate(() => window.same_page)).toBe(true);
});

test('a crashing service says why, on the list and on the overview', async ({ page, fleet }) => {
  await page.goto('/services');
  await fleet.apply('broken', crasher);
  await expect(row(page, 'broken/crasher')).toContainText(/backoff.*exit 3/);
  await page.goto('/');
  await expect(page.getByRole('region', { name: 'Needs attention' })).toContainText('broken/crasher');
  await fleet.cli('rm', 'broken', '--yes');
});

test('rule 5: a stop is an operation, and the row shows what is being done', async ({ page, fleet }) => {
  await page.goto('/services?filter=stack:shop');
  await page.getByRole('checkbox', { name: 'Select shop/slow' }).check();
  const answer = page.waitForResponse((response) => response.url().endsWith('/operations') && response.request().method() === 'POST');
  await page.getByRole('toolbar').getByRole('button', { name: 'Stop' }).click();
  const sheet = page.getByRole('dialog', { name: 'Stop 1 service' });
  await expect(sheet).toContainText('1 instance');
  await sheet.getByRole('button', { name: 'Stop 1 instance' }).click();
  const response = await answer;
  expect(response.status()).toBe(202);
  expect((await response.json()).id).toMatch(/^[0-9a-f-]{36}$/);
  await expect(row(page, 'shop/slow').locator('.task-chip')).toContainText('stop');
  await expect(sheet).toContainText('1 of 1 stopped');
  await expect(row(page, 'shop/slow')).toContainText('stopped');
  await sheet.getByRole('button', { name: /Start these 1 again/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Start 1 instance' }).click();
  await expect(row(page, 'shop/slow')).toContainText('ready');
  await shop_ready(fleet);
});

test('everything stops and starts by the hamburger menu, each with a preview', async ({ page, fleet }) => {
  await page.goto('/services');
  await expect(row(page, 'shop/web')).toContainText('3/3');
  await from_menu(page, /Stop all/);
  const sheet = page.getByRole('dialog', { name: 'Stop all services' });
  await expect(sheet).toContainText(/Stop \d+ instances of 2 stacks on \d nodes?/);
  await expect(sheet.locator('.preview-list').first()).toContainText('alpha');
  await screenshot(page, 'stop-all-preview');
  await sheet.getByRole('button', { name: /^Stop \d+ instances$/ }).click();
  await expect(sheet.getByRole('button', { name: 'Done' })).toBeVisible({ timeout: 20_000 });
  await expect(sheet.locator('.progress-head')).toContainText('succeeded');
  await screenshot(page, 'stop-all-done');
  await sheet.getByRole('button', { name: 'Done' }).click();
  await expect(row(page, 'shop/web')).toContainText('stopped');
  await expect(row(page, 'extra/sleeper')).toContainText('stopped');

  await from_menu(page, /Start all/);
  await page.getByRole('dialog').getByRole('button', { name: /^Start \d+ instances$/ }).click();
  await expect(row(page, 'shop/web')).toContainText('3/3', { timeout: 20_000 });
  await page.getByRole('dialog').getByRole('button', { name: /Done|Leave/ }).click();
  await shop_ready(fleet);

  await from_menu(page, /Restart all/);
  await expect(page.getByRole('dialog', { name: 'Restart all services' })).toContainText(/Restart \d+ instances/);
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
});

test('tasks: each with state, attempts and who asked', async ({ page }) => {
  await page.goto('/tasks');
  const first = page.getByRole('grid', { name: 'Tasks' }).getByRole('row').filter({ hasText: 'completed' }).first();
  await expect(first).toBeVisible();
  await first.getByRole('button', { name: /^Open/ }).click();
  await expect(page.getByText('Attempt 1').first()).toBeVisible();
});

test('rule 10: deleting a stack names what it stops, and then it is gone', async ({ page }) => {
  await page.goto('/stacks');
  await expect(row(page, 'extra')).toBeVisible();
  await page.getByRole('button', { name: 'Actions for extra' }).click();
  await page.getByRole('menuitem', { name: /Delete/ }).click();
  const sheet = page.getByRole('dialog', { name: 'Delete stack extra' });
  await expect(sheet).toContainText('2 instances');
  await expect(sheet).toContainText('sleeper-1');
  await sheet.getByRole('button', { name: 'Delete' }).click();
  await page.mouse.move(0, 0);
  await expect(page.locator('.row[data-id="extra"]')).toHaveCount(0, { timeout: 20_000 });
});

test('a node can be cordoned and uncordoned', async ({ page }) => {
  await page.goto('/nodes');
  await page.getByRole('button', { name: 'Open beta' }).click();
  await page.getByRole('button', { name: 'Cordon', exact: true }).click();
  await expect(row(page, 'beta')).toContainText('cordoned');
  await page.getByRole('button', { name: 'Uncordon' }).click();
  await expect(row(page, 'beta')).not.toContainText('cordoned');
});

test('events come by themselves', async ({ page, fleet }) => {
  await page.goto('/events');
  await expect(page.locator('.event').first()).toBeVisible();
  await fleet.apply('pulse', 'name: pulse\nservices:\n  beat:\n    command: ["sleep", "1000"]\n');
  await expect(page.locator('.event').filter({ hasText: 'pulse/beat-1' }).filter({ hasText: 'ready' }).first()).toBeVisible();
  await fleet.cli('rm', 'pulse', '--yes', '--wait');
});
