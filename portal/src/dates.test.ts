import { expect, test } from 'vitest';
import { sayMoment } from './dates';

const now = new Date(2026, 10, 3, 12, 0);

test.each([
  [new Date(2026, 10, 3, 3, 12), 'aujourd’hui à 3\u202fh\u202f12', 'today at 3:12'],
  [new Date(2026, 10, 2, 23, 5), 'hier à 23\u202fh\u202f05', 'yesterday at 23:05'],
  [new Date(2026, 10, 4, 8, 0), 'demain à 8\u202fh\u202f00', 'tomorrow at 8:00'],
  [new Date(2026, 0, 9, 8, 0), 'le 9 janvier à 8\u202fh\u202f00', 'on 9 January at 8:00'],
  [new Date(2025, 11, 31, 8, 0), 'le 31 décembre 2025 à 8\u202fh\u202f00', 'on 31 December 2025 at 8:00'],
])('%s is said as people say it', (date, french, english) => {
  expect(sayMoment(date, 'fr', now)).toBe(french);
  expect(sayMoment(date, 'en', now)).toBe(english);
});
