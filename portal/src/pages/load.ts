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
    case 'declare':
      return withWordsOfForm(import('./declare/Declare.svelte'), language);
    case 'receipt':
      return withWordsOfForm(import('./receipt/ReceiptPage.svelte'), language);
    case 'reports':
      return import('./reports/Reports.svelte');
    case 'report':
      return withWordsOfForm(import('./report/ReportPage.svelte'), language);
    case 'callback':
      return import('./callback/Callback.svelte');
    case 'missing':
      return import('./missing/Missing.svelte');
  }
}

/** A page that shows what the declaration says, with the words for it. */
async function withWordsOfForm(page: Promise<Page>, language: Language): Promise<Page> {
  const { loadWords } = await import('./declare/say');
  await loadWords(language);
  return page;
}
