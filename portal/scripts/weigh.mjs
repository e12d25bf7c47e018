// Fails the build where the first load of the declaration outgrows its budget: script,
// style and fonts, compressed as the oldest browsers take it.
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const BUDGET = 120 * 1024;
const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(await readFile(new URL('.vite/manifest.json', dist), 'utf8'));
const files = new Set();

function collect(key) {
  const chunk = manifest[key];
  if (!chunk || files.has(chunk.file)) {
    return;
  }
  files.add(chunk.file);
  chunk.css?.forEach((file) => files.add(file));
  chunk.assets?.forEach((file) => files.add(file));
  chunk.imports?.forEach(collect);
}
collect('index.html');
const index = await readFile(new URL('index.html', dist), 'utf8');
for (const [, file] of index.matchAll(/href="\/(assets\/[^"]+\.css)"/g)) {
  files.add(file);
}
const declare = Object.keys(manifest).find((key) => manifest[key].name === 'Declare' && manifest[key].file.endsWith('.js'));
if (!declare) {
  throw new Error('the page of the declaration is not among what was built');
}
collect(declare);

let total = 0;
for (const file of files) {
  const content = await readFile(new URL(file, dist));
  // Fonts are compressed already.
  const size = file.endsWith('.woff2') ? content.length : gzipSync(content, { level: 9 }).length;
  console.log(`${String(size).padStart(8)}  ${file}`);
  total += size;
}
console.log(`${String(total).padStart(8)}  bytes: the first load of the declaration, of ${BUDGET} allowed`);
if (total > BUDGET) {
  process.exitCode = 1;
}
