import type { Language } from './language';

export type PageName = 'home' | 'declare' | 'receipt' | 'reports' | 'report' | 'callback' | 'missing';

/** Where somebody is: all of it is in the address. */
export interface Place {
  page: PageName;
  language: Language;
  parameters: Record<string, string>;
  query: URLSearchParams;
}

const patterns: Partial<Record<PageName, Record<Language, string>>> = {
  home: { fr: '', en: '' },
  declare: { fr: 'declarer/:step', en: 'declare/:step' },
  receipt: { fr: 'recepisse/:reference', en: 'receipt/:reference' },
  reports: { fr: 'declarations', en: 'reports' },
  report: { fr: 'declarations/:reference', en: 'reports/:reference' },
};

/** The redirect address of the log-in, the same in every language. */
export const callbackPath = '/callback';

/** The address of a page. */
export function pathTo(
  page: PageName,
  language: Language,
  parameters: Record<string, string> = {},
  query: Record<string, string> = {},
): string {
  const pattern = patterns[page]?.[language] ?? '';
  const filled = pattern.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(parameters[name] ?? ''),
  );
  const path = page === 'home' && language === 'fr' ? '/' : `/${language}/${filled}`.replace(/\/$/, '');
  const search = new URLSearchParams(query).toString();
  return search === '' ? path : `${path}?${search}`;
}

/** The place that an address stands for. */
export function placeOf(url: URL): Place {
  const query = url.searchParams;
  if (url.pathname === callbackPath) {
    return { page: 'callback', language: 'fr', parameters: {}, query };
  }
  const [, first = '', ...rest] = url.pathname.replace(/\/+$/, '').split('/');
  const language: Language = first === 'en' ? 'en' : 'fr';
  const missing: Place = { page: 'missing', language, parameters: {}, query };
  if (first === '' || first === 'index.html') {
    return { ...missing, page: 'home' };
  }
  if (first !== language) {
    return missing;
  }
  for (const [page, pattern] of Object.entries(patterns)) {
    const parameters = match(pattern[language], rest.join('/'));
    if (parameters) {
      return { page: page as PageName, language, parameters, query };
    }
  }
  return missing;
}

function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) {
    return undefined;
  }
  const parameters: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':') && value !== '') {
      parameters[part.slice(1)] = decodeURIComponent(value);
    } else if (part !== value) {
      return undefined;
    }
  }
  return parameters;
}
