export type Language = 'fr' | 'en';

export const languages: readonly Language[] = ['fr', 'en'];

/** What a page says, in each language; English has every key of French. */
export type InBothLanguages<Words> = Record<Language, Words>;
