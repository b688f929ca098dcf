// After the bundler: writes licenses.txt and build.txt (the bundle's id: a hash over names and contents) and holds the budget.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

const dist = new URL('../dist', import.meta.url).pathname;
const most_brotli = 120 * 1024;

function files(folder) {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? files(path) : [path]))
    .sort();
}

rmSync(join(dist, 'build.txt'), { force: true });

// What is in the bundle that is not ours, with its licence: it goes wherever the bundle goes.
const modules = new URL('../node_modules', import.meta.url).pathname;
const bundled = ['preact', '@preact/signals', '@preact/signals-core', 'preact-iso', '@tanstack/virtual-core'];
const licences = bundled.map((name) => {
  const { version } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'));
  return `${name} ${version}\n\n${readFileSync(join(modules, name, 'LICENSE'), 'utf8').trim()}\n`;
});
writeFileSync(join(dist, 'licenses.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`));
const hash = createHash('sha256');
let total = 0;
for (const path of files(dist)) {
  const content = readFileSync(path);
  const brotli = brotliCompressSync(content).length;
  hash.update(relative(dist, path)).update('\0').update(content).update('\0');
  total += brotli;
  console.log(`${relative(dist, path)}  ${content.length} bytes, ${brotli} with brotli`);
}
writeFileSync(join(dist, 'build.txt'), `${hash.digest('hex').slice(0, 16)}\n`);
console.log(`all: ${total} bytes with brotli, of ${most_brotli}`);
if (total > most_brotli) {
  console.error('The bundle is over its budget.');
  process.exit(1);
}
