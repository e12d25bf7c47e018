import { expect, test } from 'vitest';
import { ReportDraftSchema } from '../../generated/vigie/intake/v1/report_pb';
import { create } from '@bufbuild/protobuf';
import { DataImpact } from '../../generated/vigie/types/v1/vocabulary_pb';
import { changedPaths } from '../report/amendment';
import { en } from './en';
import { formForTests } from './form_for_tests';
import { fr } from './fr';
import { problemsOf } from './rules';
import { optionalPaths, pathsOf, questionSteps, stepOf, steps } from './steps';
import { fieldsOf, fromDraft, toDraft, type Values } from './values';

const form = formForTests();
const every = fieldsOf(form).map(({ path }) => path);
const complete: Values = {
  'structure.finess': '010000024',
  found_at: '2026-11-03T02:12:00.000Z',
  description: 'Écrans',
  vendor: 'Éditeur',
  'impacts.data': ['DATA_IMPACT_INTEGRITY'],
  'impacts.persons_affected': '1 200',
};

test('a draft says what was typed, and gives it back', () => {
  const draft = toDraft(complete, form);
  expect(draft.structure?.identifier).toEqual({ case: 'finess', value: '010000024' });
  expect(draft.impacts?.data).toEqual([DataImpact.INTEGRITY]);
  expect(draft.impacts?.personsAffected).toBe(1200);
  expect(toDraft(fromDraft(draft), form)).toEqual(draft);
});

test('what cannot be read, or is of no use any more, is left out of the draft', () => {
  const values = { ...complete, 'impacts.persons_affected': 'many', 'structure.described.department': '34', found_at: '31 2 2026' };
  const draft = toDraft(values, form);
  expect(draft.impacts?.personsAffected).toBeUndefined();
  expect(draft.foundAt).toBeUndefined();
  expect(draft.structure?.identifier.case).toBe('finess');
});

test('an empty draft is a draft', () => {
  expect(toDraft({}, form)).toEqual(create(ReportDraftSchema));
});

test('the form tells what is missing, and leaves optional parts alone', () => {
  const missing = problemsOf(form, every, {}).map(({ path }) => path);
  expect(missing).toEqual(['structure', 'found_at', 'description', 'vendor']);
  expect(problemsOf(form, every, complete)).toEqual([]);
});

test('a condition makes a field required', () => {
  const described: Values = { ...complete, 'structure.finess': '', 'structure.described.name': 'Cabinet' };
  expect(problemsOf(form, every, described)).toEqual([{ path: 'structure.described.department', reason: 'REQUIRED' }]);
  expect(problemsOf(form, every, { ...described, national: 'true' })).toEqual([]);
});

test.each([
  ['structure.finess', '01000002', { reason: 'TOO_SHORT', characters: 1 }],
  ['description', 'Bien trop long', { reason: 'TOO_LONG', characters: 4 }],
  ['impacts.persons_affected', 'beaucoup', { reason: 'NOT_A_NUMBER' }],
  ['found_at', '31 2 2026 3', { reason: 'BAD_DATE' }],
  ['found_at', '2999-01-01T00:00:00.000Z', { reason: 'IN_FUTURE' }],
  ['started_at', '2026-11-03T03:00:00.000Z', { reason: 'CONFLICT' }],
])('%s refuses %s', (path, value, problem) => {
  expect(problemsOf(form, [path], { ...complete, [path]: value })).toEqual([{ path, ...problem }]);
});

test('every field of the form is asked for once: in a step, or among what may be completed', () => {
  const asked = [...questionSteps.flatMap((step) => pathsOf(step, form, {})), ...optionalPaths(form, {})];
  expect([...asked].sort()).toEqual([...every].sort());
});

test('a field that this kind of report alone requires is not folded away', () => {
  expect(pathsOf('facts', form, {})).toContain('vendor');
  expect(stepOf('structure', form, {})).toBe('structure');
  expect(stepOf('impacts.reach', form, {})).toBe('check');
});

test('an amendment names only what changed, and never what stays', () => {
  const changed = { ...complete, description: 'Plus', vendor: 'Éditeur ', 'structure.finess': '340782085', 'impacts.data': [] };
  expect(changedPaths(complete, changed)).toEqual(['description', 'impacts.data']);
});

test('English has the plainer words that French has', () => {
  expect(Object.keys(en.questions).sort()).toEqual(Object.keys(fr.questions).sort());
  expect(Object.keys(en.required).sort()).toEqual(Object.keys(fr.required).sort());
  expect(steps.every((step) => en.steps[step].title !== '')).toBe(true);
});
