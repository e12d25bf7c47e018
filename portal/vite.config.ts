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
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    manifest: true,
    minify: 'terser',
    modulePreload: { polyfill: false },
    rollupOptions: {
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
