import { expect, test } from 'vitest';
import { momentOf, partsOf } from './moment_parts';

test('what is typed is the moment that it says', () => {
  const date = new Date(2026, 10, 3, 3, 12);
  expect(momentOf(partsOf(date))).toBe(date.toISOString());
});

test.each([
  { day: '31', month: '2', year: '2026', hour: '3', minute: '12' },
  { day: '3', month: '11', year: '26', hour: '3', minute: '12' },
  { day: '3', month: '11', year: '2026', hour: '25', minute: '12' },
  { day: '3', month: '', year: '2026', hour: '3', minute: '' },
])('what is no moment stays as it was typed: %o', (parts) => {
  expect(Number.isNaN(Date.parse(momentOf(parts))) || !momentOf(parts).endsWith('Z')).toBe(true);
});
