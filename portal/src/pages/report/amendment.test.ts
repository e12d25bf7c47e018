import { expect, test } from 'vitest';
import { typedOver } from './amendment';

const declared = { description: 'Postes lents', origin: 'ORIGIN_UNKNOWN' };

test('what is typed stays, and what others changed meanwhile comes', () => {
  const typed = { ...declared, description: 'Postes chiffrés' };
  const said = { ...declared, origin: 'ORIGIN_MALICIOUS' };
  expect(typedOver(declared, typed, said)).toEqual({ description: 'Postes chiffrés', origin: 'ORIGIN_MALICIOUS' });
  expect(typedOver(declared, declared, said)).toEqual(said);
});

test('a field that two have changed is nobody’s to settle silently', () => {
  const typed = { ...declared, description: 'Postes chiffrés' };
  expect(typedOver(declared, typed, { ...declared, description: 'Serveurs arrêtés' })).toBeUndefined();
  expect(typedOver(declared, typed, typed)).toEqual(typed);
});
