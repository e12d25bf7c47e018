import type { FormField } from '../../generated/vigie/intake/v1/form_service_pb';
import type { Language } from '../../language';
import { fr } from './fr';
import type { Problem } from './rules';

/** French is there at once; another language once it is loaded. */
export const words = { fr } as Record<Language, typeof fr>;

export async function loadWords(language: Language): Promise<void> {
  if (language === 'en') {
    words.en = (await import('./en')).en;
  }
}

/** What a field is called to the person. */
export function labelOf(field: FormField, language: Language): string {
  return words[language].questions[field.path]?.label ?? field.label;
}

/** What is wrong, and how to mend it. */
export function say(problem: Problem, field: FormField | undefined, language: Language): string {
  const text = words[language];
  const label = field ? labelOf(field, language) : problem.path;
  const characters = problem.characters ?? 0;
  switch (problem.reason) {
    case 'REQUIRED':
      return text.required[problem.path] ?? text.missing(label);
    case 'TOO_SHORT':
      return characters > 0 ? text.tooShort(label, characters) : told(problem, language, label);
    case 'TOO_LONG':
      return characters > 0 ? text.tooLong(label, characters) : told(problem, language, label);
    case 'NOT_A_NUMBER':
      return text.notANumber(label);
    case 'BAD_DATE':
      return text.badDate(label);
    case 'IN_FUTURE':
      return text.inFuture(label);
    case 'CONFLICT':
      return problem.description === undefined ? text.conflict(label) : told(problem, language, label);
    default:
      return told(problem, language, label);
  }
}

/** The services describe what is wrong in French alone, as the end of a sentence. */
function told({ description }: Problem, language: Language, label: string): string {
  const text = words[language];
  return language === 'fr' && description ? text.told(label, description) : text.wrong(label);
}
