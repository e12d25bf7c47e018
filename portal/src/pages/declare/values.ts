import { fromJson, type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf';
import { type Form, type FormField, FormFieldType } from '../../generated/vigie/intake/v1/form_service_pb';
import { type ReportDraft, ReportDraftSchema } from '../../generated/vigie/intake/v1/report_pb';
import { isShown } from './rules';

/**
 * What was typed, by the path of the field: texts as they are, words by their names
 * in the contract, moments in RFC 3339.
 */
export type Values = Record<string, string | string[]>;

/** A form with the answers so far. */
export interface Answers {
  readonly form: Form | undefined;
  readonly values: Values;
  change(path: string, value: string | string[]): void;
}

export function fieldsOf(form: Form): FormField[] {
  return form.sections.flatMap((section) => section.fields);
}

/** One value of a field that takes one. */
export function textOf(values: Values, path: string): string {
  const value = values[path];
  return typeof value === 'string' ? value : '';
}

export function listOf(values: Values, path: string): string[] {
  const value = values[path];
  return Array.isArray(value) ? value : value ? [value] : [];
}

export function isGiven(values: Values, path: string): boolean {
  return listOf(values, path).some((value) => value.trim() !== '');
}

/** The draft that the values make: what the form shows now, and can be read. */
export function toDraft(values: Values, form: Form): ReportDraft {
  const draft: JsonObject = {};
  for (const field of fieldsOf(form)) {
    const value = isGiven(values, field.path) && isShown(field, values) ? jsonOf(field, values) : undefined;
    if (value !== undefined) {
      put(draft, field.path.split('.'), value);
    }
  }
  return fromJson(ReportDraftSchema, draft, { ignoreUnknownFields: true });
}

/** The values of a draft, to go on with it. */
export function fromDraft(draft: ReportDraft): Values {
  const values: Values = {};
  take(toJson(ReportDraftSchema, draft, { useProtoFieldName: true }), '', values);
  return values;
}

function jsonOf(field: FormField, values: Values): JsonValue | undefined {
  const text = textOf(values, field.path).trim();
  if (field.multiple) {
    return listOf(values, field.path);
  }
  switch (field.type) {
    case FormFieldType.BOOLEAN:
      return text === 'true';
    case FormFieldType.COUNT:
      return isCount(text) ? Number(text.replace(/\s/g, '')) : undefined;
    case FormFieldType.MOMENT:
      return Number.isNaN(Date.parse(text)) ? undefined : text;
    case FormFieldType.TEXT:
      return textOf(values, field.path);
    default:
      return text;
  }
}

/** A number of the contract, as it may be typed: « 1 200 ». */
export function isCount(text: string): boolean {
  return /^[\d\s]+$/.test(text) && Number(text.replace(/\s/g, '')) <= 0xffff_ffff;
}

function put(object: JsonObject, path: string[], value: JsonValue): void {
  const [first = '', ...rest] = path;
  if (rest.length === 0) {
    object[first] = value;
  } else {
    put((object[first] ??= {}) as JsonObject, rest, value);
  }
}

function take(value: JsonValue | undefined, path: string, values: Values): void {
  if (Array.isArray(value)) {
    values[path] = value.map(String);
  } else if (value !== null && typeof value === 'object') {
    for (const [name, inner] of Object.entries(value)) {
      take(inner, path === '' ? name : `${path}.${name}`, values);
    }
  } else if (value !== undefined && value !== null) {
    values[path] = String(value);
  }
}
