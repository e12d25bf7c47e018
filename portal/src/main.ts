import { mount } from 'svelte';
import App from './App.svelte';
import { loadPage } from './pages/load';
import { router } from './router.svelte';

const target = document.getElementById('app');
if (!target) {
  throw new Error('index.html has no element #app');
}
router.start();
// What can be read without script stays until the page that answers is there.
await loadPage(router.place.page, router.place.language).catch(() => undefined);
target.replaceChildren();
mount(App, { target });
