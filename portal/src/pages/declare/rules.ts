import {
  type Form,
  type FormCondition,
  FormConditionKind,
  type FormField,
  FormFieldType,
} from '../../generated/vigie/intake/v1/form_service_pb';
import { isCount, isGiven, listOf, textOf, type Values } from './values';

/** What is wrong with a field, as the form or the service tells it. */
export interface Problem {
  path: string;
  reason: string;
  /** How many characters too many, or are missing. */
  characters?: number;
  /** In French, where the service found it. */
  description?: string;
}

export function isShown(field: FormField, values: Values): boolean {
  return field.shownIf.every((condition) => holds(condition, values));
}

export function isRequired(field: FormField, values: Values): boolean {
  const byConditions = field.requiredIf.length > 0 && field.requiredIf.every((it) => holds(it, values));
  return (field.required || byConditions) && isShown(field, values);
}

function holds({ kind, paths, values: wanted }: FormCondition, values: Values): boolean {
  const has = (path: string) => listOf(values, path).some((value) => wanted.includes(value));
  switch (kind) {
    case FormConditionKind.GIVEN:
      return paths.some((path) => isGiven(values, path));
    case FormConditionKind.ABSENT:
      return paths.some((path) => !isGiven(values, path));
    case FormConditionKind.ONE_OF:
      return paths.some(has);
    case FormConditionKind.NONE_OF:
      return paths.some((path) => !has(path));
    default:
      return true;
  }
}

/**
 * What the form itself tells of these fields without the service: what is missing, too
 * long or cannot be read. The service says the rest.
 */
export function problemsOf(form: Form, paths: string[], values: Values): Problem[] {
  const problems: Problem[] = [];
  for (const section of form.sections) {
    const begun = section.fields.some((field) => isGiven(values, field.path));
    if (section.optional && !begun) {
      continue;
    }
    for (const field of section.fields.filter(({ path }) => paths.includes(path))) {
      const problem = problemOf(field, values);
      if (problem) {
        problems.push(problem);
      }
    }
    for (const group of section.groups.filter((it) => it.paths.some((path) => paths.includes(path)))) {
      if (!group.paths.some((path) => isGiven(values, path))) {
        problems.push({ path: group.violationPath, reason: 'REQUIRED' });
      }
    }
  }
  return problems;
}

function problemOf(field: FormField, values: Values): Problem | undefined {
  const { path } = field;
  if (!isGiven(values, path)) {
    return isRequired(field, values) ? { path, reason: 'REQUIRED' } : undefined;
  }
  const text = textOf(values, path).trim();
  const length = [...text.normalize()].length;
  switch (field.type) {
    case FormFieldType.IDENTIFIER: {
      const missing = field.maxLength - [...text.replace(/[\s\u200b-]/g, '')].length;
      // A reference is written with hyphens, which its length counts.
      const wrong = missing !== 0 && length !== field.maxLength;
      return wrong ? { path, reason: missing > 0 ? 'TOO_SHORT' : 'TOO_LONG', characters: Math.abs(missing) } : undefined;
    }
    case FormFieldType.COUNT:
      return isCount(text) ? undefined : { path, reason: 'NOT_A_NUMBER' };
    case FormFieldType.MOMENT:
      return Number.isNaN(Date.parse(text)) ? { path, reason: 'BAD_DATE' } : momentProblem(field, text, values);
    case FormFieldType.LINE:
    case FormFieldType.TEXT:
    case FormFieldType.EMAIL:
      return field.maxLength > 0 && length > field.maxLength
        ? { path, reason: 'TOO_LONG', characters: length - field.maxLength }
        : undefined;
    default:
      return undefined;
  }
}

function momentProblem(field: FormField, text: string, values: Values): Problem | undefined {
  const { path, notAfter, maxSecondsAhead } = field;
  const moment = Date.parse(text);
  if (moment > Date.now() + maxSecondsAhead * 1000) {
    return { path, reason: 'IN_FUTURE' };
  }
  const limit = notAfter === '' ? Number.NaN : Date.parse(textOf(values, notAfter));
  return moment > limit ? { path, reason: 'CONFLICT' } : undefined;
}
