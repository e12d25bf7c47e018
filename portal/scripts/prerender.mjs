// Puts what can be read without script into the built pages.
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'vite';

const server = await createServer({ appType: 'custom', server: { middlewareMode: true }, logLevel: 'error' });
const { prerender } = await server.ssrLoadModule('/src/prerender.ts');
for (const [name, body] of Object.entries(prerender())) {
  const file = new URL(`../dist/${name}`, import.meta.url);
  const page = await readFile(file, 'utf8');
  if (!page.includes('<!--prerendered-->')) {
    throw new Error(`${name} has no place for what is read without script`);
  }
  // A function, because a "$" in the text means nothing.
  await writeFile(file, page.replace('<!--prerendered-->', () => body.replace(/<!--.*?-->/g, '')));
}
await server.close();
