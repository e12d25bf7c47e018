import { svelte } from '@sveltejs/vite-plugin-svelte';
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// What whoever serves the portal is to send with it; `connect-src` names the
// addresses of its config.json.
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self' http://127.0.0.1:*",
  "base-uri 'none'",
  "form-action 'self' http://127.0.0.1:*",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

// Few chunks compress better than many: what every page needs, and what the
// declaration and all that follows it need.
function chunkOf(module: string): string | undefined {
  if (/node_modules\/(svelte|esm-env|clsx)\/|preload-helper|src\/(layout|router|routes|session|operator)/.test(module)) {
    return 'base';
  }
  const isContract =
    /node_modules\/@(bufbuild|connectrpc)\/|generated\/google|types\/v1|intake\/v1\/(draft|form|intake|report|structure)_/;
  const isDeclaration = /src\/calls\/(?!cases)|src\/dates|declare\/(say|fr|Questions|rules|values)|components\/(Form|Moment|field)/;
  return isContract.test(module) || isDeclaration.test(module) ? 'contract' : undefined;
}

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    manifest: true,
    minify: 'terser',
    terserOptions: { ecma: 2020, module: true, compress: { passes: 3 } },
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: { manualChunks: chunkOf },
      input: ['index.html', 'formulaire.html', 'form.html'].map((page) =>
        resolve(import.meta.dirname, page),
      ),
    },
  },
  preview: {
    host: '127.0.0.1',
    port: 5173,
    headers: { 'Content-Security-Policy': contentSecurityPolicy },
  },
  server: { host: '127.0.0.1', port: 5173 },
  resolve: process.env.VITEST ? { conditions: ['browser'] } : {},
  test: { environment: 'jsdom', include: ['src/**/*.test.ts'] },
});
