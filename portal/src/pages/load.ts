import type { Component } from 'svelte';
import type { Language } from '../language';
import type { PageName, Place } from '../routes';

export interface Page {
  default: Component<{ place: Place }>;
}

/** The page of a place, with its words; each is loaded when somebody first goes there. */
export async function loadPage(page: PageName, language: Language): Promise<Page> {
  switch (page) {
    case 'home':
      return import('./home/HomePage.svelte');
    case 'declare': {
      const declare = await import('./declare/Declare.svelte');
      await declare.loadWords(language);
      return declare;
    }
    case 'receipt':
      return import('./receipt/ReceiptPage.svelte');
    case 'reports':
      return import('./reports/Reports.svelte');
    case 'report':
      return import('./report/ReportPage.svelte');
    case 'callback':
      return import('./callback/Callback.svelte');
    case 'missing':
      return import('./missing/Missing.svelte');
  }
}
