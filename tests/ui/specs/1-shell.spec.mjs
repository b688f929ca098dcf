import { expect, password, screenshot, test, until } from '../test.mjs';

const nobody = { storageState: { cookies: [], origins: [] } };

test('without a session the sign-in page is shown, and a password lets in', async ({ browser, fleet }) => {
  const context = await browser.newContext(nobody);
  const page = await context.newPage();
  await page.goto(`${fleet.url}/services`);
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await page.getByLabel('Password').fill('wrong wrong wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await screenshot(page, 'login');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Services' })).toBeVisible();
  await context.close();
});

test('a login link works once, and its secret leaves the address bar', async ({ browser, fleet }) => {
  const link = await fleet.login_link();
  const context = await browser.newContext(nobody);
  const page = await context.newPage();
  await page.goto(link.replace(/^https?:\/\/[^/]+/, fleet.url));
  await expect(page.getByRole('alert')).toBeVisible();
  expect(page.url()).not.toContain('login=');
  await context.close();
});

test('an API token lets in too', async ({ browser, fleet }) => {
  const token = (await fleet.cli('token', 'create', '--api', 'ui-test', '--ttl', '1h')).trim();
  const context = await browser.newContext(nobody);
  const page = await context.newPage();
  await page.goto(fleet.url);
  await page.getByRole('button', { name: 'Token' }).click();
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible();
  await context.close();
});

test('the status bar tells connection, agents, services and versions, the hub last at the right', async ({ page }) => {
  await page.goto('/');
  const status = page.getByRole('contentinfo', { name: 'Status' });
  await expect(status).toContainText(/live \d+ ms/);
  await expect(status).toContainText('3/3 agents');
  const last = status.locator('> *').last();
  await expect(last).toContainText(/hub \d+\.\d+/);
  const [bar, item] = [await status.boundingBox(), await last.boundingBox()];
  expect(bar.x + bar.width - (item.x + item.width)).toBeLessThan(2);
  expect(bar.height).toBeLessThanOrEqual(26);
});

test('agents and hub have icons of their own colours', async ({ page }) => {
  await page.goto('/nodes');
  const color = (selector) => page.locator(selector).first().evaluate((element) => getComputedStyle(element).color);
  await expect(page.locator('.data-body .agent-icon').first()).toBeVisible();
  expect(await color('.hub-icon')).not.toBe(await color('.agent-icon'));
});

test('the last column of the fleet is the version, right-aligned, compared with the hub', async ({ page }) => {
  await page.goto('/nodes');
  const row = page.getByRole('row').filter({ hasText: 'alpha' });
  const cell = row.getByRole('gridcell').last();
  await expect(cell).toHaveText(/\d+\.\d+\.\d+/);
  const [r, c] = [await row.boundingBox(), await cell.locator('.version').boundingBox()];
  expect(r.x + r.width - (c.x + c.width)).toBeLessThan(20);
});

test('keys: g goes, / filters, Ctrl K searches, ? lists, Esc closes', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible();
  for (const [key, title] of [['s', 'Services'], ['h', 'Fleet'], ['k', 'Stacks'], ['t', 'Tasks'], ['e', 'Events']]) {
    // The second key counts for a moment only: on a busy machine it may come too late.
    await expect(async () => {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await expect(page.getByRole('heading', { name: title, level: 1 })).toBeVisible({ timeout: 2_000 });
    }).toPass({ timeout: 20_000 });
  }
  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox')).toBeFocused();
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('ticker');
  await expect(page.getByRole('option', { name: /shop\/ticker-1/ })).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/ticker|instances/);
});

test('the theme can be chosen and is kept', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/');
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.getByRole('button', { name: 'Theme' }).click();
  await page.getByRole('menuitem', { name: 'Dark' }).click();
  expect(await background()).not.toBe(light);
  await page.reload();
  await until('dark again', async () => (await background()) !== light, 3_000);
});

test('rule 11: everything comes from the hub, under a strict policy', async ({ page, fleet }) => {
  const foreign = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(fleet.url) && !request.url().startsWith('data:') && !request.url().startsWith('blob:')) foreign.push(request.url());
  });
  const response = await page.goto('/');
  const policy = response.headers()['content-security-policy'];
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe');
  for (const path of ['/services', '/nodes', '/stacks', '/tasks', '/events']) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  }
  const ran = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.head.append(script);
    return window.ran === true;
  });
  expect(ran).toBe(false);
  expect(foreign).toEqual([]);
});
