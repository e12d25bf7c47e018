import { render } from 'svelte/server';
import Footer from './layout/Footer.svelte';
import Header from './layout/Header.svelte';
import Home from './pages/home/HomePage.svelte';
import Paper from './pages/paper/Paper.svelte';
import { placeOf } from './routes';

/** What the built pages hold before, or without, any script. */
export function prerender(): Record<string, string> {
  const place = placeOf(new URL('https://portal.invalid/'));
  const main = `<main id="main" class="page">${render(Home, { props: { place } }).body}</main>`;
  return {
    'index.html':
      render(Header, { props: { place } }).body + main + render(Footer, { props: { language: 'fr' } }).body,
    'formulaire.html': render(Paper, { props: { language: 'fr' } }).body,
    'form.html': render(Paper, { props: { language: 'en' } }).body,
  };
}
