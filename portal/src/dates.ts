import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { Language } from './language';

const words = {
  fr: { today: 'aujourd’hui à', yesterday: 'hier à', tomorrow: 'demain à', on: 'le', at: 'à' },
  en: { today: 'today at', yesterday: 'yesterday at', tomorrow: 'tomorrow at', on: 'on', at: 'at' },
};
const locales = { fr: 'fr-FR', en: 'en-GB' };

/** A time of the day as people say it: « 3 h 12 ». */
export function sayTime(date: Date, language: Language): string {
  const minutes = String(date.getMinutes()).padStart(2, '0');
  return language === 'fr'
    ? `${date.getHours()}\u202fh\u202f${minutes}`
    : `${date.getHours()}:${minutes}`;
}

/** A moment as people say it: « aujourd’hui à 3 h 12 ». */
export function sayMoment(date: Date, language: Language, now: Date = new Date()): string {
  const { today, yesterday, tomorrow, on, at } = words[language];
  const time = sayTime(date, language);
  switch (daysBetween(now, date)) {
    case 0:
      return `${today} ${time}`;
    case -1:
      return `${yesterday} ${time}`;
    case 1:
      return `${tomorrow} ${time}`;
  }
  const year = date.getFullYear() === now.getFullYear() ? {} : ({ year: 'numeric' } as const);
  const day = date.toLocaleDateString(locales[language], { day: 'numeric', month: 'long', ...year });
  return `${on} ${day} ${at} ${time}`;
}

/** The whole moment, for whoever wants it exact. */
export function sayExactly(date: Date, language: Language): string {
  return date.toLocaleString(locales[language], { dateStyle: 'full', timeStyle: 'short' });
}

export function dateOf(moment: Timestamp | undefined): Date | undefined {
  return moment && timestampDate(moment);
}

function daysBetween(from: Date, to: Date): number {
  const midnight = (date: Date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight(to) - midnight(from)) / 86_400_000);
}
