import { type Place, placeOf } from './routes';

/** Follows the address (there is none while pages are made at build time); links of the portal change it without loading the page anew. */
class Router {
  place: Place = $state.raw(placeOf(new URL(globalThis.location?.href ?? 'https://portal.invalid/')));
  /** Somebody moved since the page was loaded: the heading of the next page takes the focus. */
  moved = false;

  start(): void {
    addEventListener('popstate', () => this.#arrive());
    document.addEventListener('click', (event) => {
      const path = internalPath(event);
      if (path !== undefined) {
        event.preventDefault();
        this.go(path);
      }
    });
  }

  go(path: string): void {
    history.pushState(null, '', path);
    this.#arrive();
    scrollTo(0, 0);
  }

  /** Changes the address without an entry for the back button. */
  replace(path: string): void {
    history.replaceState(null, '', path);
    this.#arrive();
  }

  #arrive(): void {
    this.moved = true;
    this.place = placeOf(new URL(location.href));
  }
}

function internalPath(event: MouseEvent): string | undefined {
  const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!plain || event.defaultPrevented || !link || link.target || link.hasAttribute('download')) {
    return undefined;
  }
  const url = new URL(link.href, location.href);
  const samePage = url.pathname === location.pathname && url.hash !== '';
  const leaves = url.origin !== location.origin || url.pathname.endsWith('.html');
  return leaves || samePage ? undefined : url.pathname + url.search;
}

export const router = new Router();
