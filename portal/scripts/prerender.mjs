// Puts what can be read without script into the built pages.
import { readFile, writeFile } from 'node:fs/promises';
import { build } from 'vite';

// Built, and not served by Vite, so that its classes are those of the styles.
const outDir = 'node_modules/.prerender';
await build({ logLevel: 'error', build: { ssr: 'src/prerender.ts', outDir, emptyOutDir: true, copyPublicDir: false } });
const { prerender } = await import(`../${outDir}/prerender.js`);

const manifest = JSON.parse(await readFile(new URL('../dist/.vite/manifest.json', import.meta.url), 'utf8'));
const styles = new Set();
function collect(key) {
  manifest[key].css?.forEach((file) => styles.add(file));
  manifest[key].imports?.forEach(collect);
}
collect('src/pages/home/HomePage.svelte');

for (const [name, body] of Object.entries(prerender())) {
  const file = new URL(`../dist/${name}`, import.meta.url);
  let page = await readFile(file, 'utf8');
  if (name === 'index.html') {
    const missing = [...styles].filter((style) => !page.includes(style));
    const links = missing.map((style) => `    <link rel="stylesheet" crossorigin href="/${style}">\n`).join('');
    page = page.replace('  </head>', `${links}  </head>`);
  }
  if (!page.includes('<!--prerendered-->')) {
    throw new Error(`${name} has no place for what is read without script`);
  }
  // A function, because a "$" in the text means nothing.
  await writeFile(file, page.replace('<!--prerendered-->', () => body.replace(/<!--.*?-->/g, '')));
}
