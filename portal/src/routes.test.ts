import { expect, test } from 'vitest';
import { pathTo, placeOf } from './routes';

const at = (path: string) => placeOf(new URL(path, 'https://portal.example'));

test('every address that the portal makes leads back to its page', () => {
  for (const language of ['fr', 'en'] as const) {
    for (const page of ['home', 'declare', 'receipt', 'reports', 'report'] as const) {
      const parameters = { step: 'structure', reference: 'SIG-2026-7K3M9Q4' };
      const place = at(pathTo(page, language, parameters, { id: 'x' }));
      expect(place.page).toBe(page);
      expect(place.language).toBe(language);
      expect(place.query.get('id')).toBe('x');
    }
  }
});

test('an unknown address is missing, in the language it begins with', () => {
  expect(at('/en/nowhere')).toMatchObject({ page: 'missing', language: 'en' });
  expect(at('/de')).toMatchObject({ page: 'missing', language: 'fr' });
});
