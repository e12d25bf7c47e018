import { listOf, type Values } from '../declare/values';

/** Whether the structure may change a field of a report that it has sent. */
export function isAmendable(path: string): boolean {
  const isFixed = /^(kind|capacity|department|national|regions|structure\..*)$/.test(path);
  return !isFixed;
}

/** The fields that say something else than the report does. */
export function changedPaths(declared: Values, values: Values): string[] {
  const paths = new Set([...Object.keys(declared), ...Object.keys(values)]);
  const said = (from: Values, path: string) =>
    listOf(from, path)
      .map((value) => value.trim())
      .filter((value) => value !== '')
      .sort()
      .join('\n');
  return [...paths].filter((path) => isAmendable(path) && said(declared, path) !== said(values, path));
}

/**
 * What is typed over a report, once the report says something else: the new, but for what was
 * typed. Undefined where both say something else of one field: the service then tells who sends
 * it that the report has changed.
 */
export function typedOver(declared: Values, values: Values, said: Values): Values | undefined {
  const typed = changedPaths(declared, values);
  const changed = new Set(changedPaths(declared, said));
  if (typed.some((path) => changed.has(path) && changedPaths(said, values).includes(path))) {
    return undefined;
  }
  const kept = typed.map((path) => [path, values[path] ?? '']);
  return { ...said, ...Object.fromEntries(kept) };
}
