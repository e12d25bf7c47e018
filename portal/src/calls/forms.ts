import type { ReportKind } from '../generated/vigie/types/v1/vocabulary_pb';
import { type Form, FormService, type VocabularyEnumeration } from '../generated/vigie/intake/v1/form_service_pb';
import type { Language } from '../language';
import { clientOf } from './client';

const forms = new Map<string, Promise<Form>>();
const vocabularies = new Map<Language, Promise<VocabularyEnumeration[]>>();

/** The form of a kind of report. What was read once is not asked for again. */
export function readForm(kind: ReportKind, locale: Language): Promise<Form> {
  return once(forms, `${kind} ${locale}`, async () => {
    const { form } = await (await clientOf(FormService, 'intake')).getForm({ kind, locale });
    if (!form) {
      throw new TypeError('the service sent no form');
    }
    return form;
  });
}

/** The labels of an enumeration of the contract, by the numbers of its values. */
export async function readLabels(enumeration: string, locale: Language): Promise<Map<number, string>> {
  const all = await once(vocabularies, locale, async () => {
    const { enumerations } = await (await clientOf(FormService, 'intake')).getVocabulary({ locale });
    return enumerations;
  });
  const values = all.find(({ name }) => name === enumeration)?.values ?? [];
  return new Map(values.map(({ number, label }) => [number, label]));
}

function once<Key, Value>(
  known: Map<Key, Promise<Value>>,
  key: Key,
  read: () => Promise<Value>,
): Promise<Value> {
  const found = known.get(key);
  if (found) {
    return found;
  }
  const reading = read();
  known.set(key, reading);
  reading.catch(() => known.delete(key));
  return reading;
}
