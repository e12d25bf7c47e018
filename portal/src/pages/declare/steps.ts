import type { Form } from '../../generated/vigie/intake/v1/form_service_pb';
import { isGiven, fieldsOf, type Values } from './values';
import { isRequired } from './rules';

export const steps = ['structure', 'facts', 'consequences', 'contact', 'check'] as const;
export type Step = (typeof steps)[number];
export type QuestionStep = Exclude<Step, 'check'>;

/** Which fields each step asks for, by their paths in the form. */
const named: Record<QuestionStep, string[]> = {
  structure: [
    'structure.finess',
    'structure.siret',
    'structure.rpps',
    'structure.described.name',
    'structure.described.department',
    'department',
  ],
  facts: ['kind', 'found_at', 'description', 'care_status'],
  consequences: [
    'impacts.care',
    'impacts.patient_endangerment',
    'impacts.data',
    'impacts.data_natures',
  ],
  contact: [
    'declarant.family_name',
    'declarant.given_name',
    'declarant.position',
    'declarant.phone',
    'declarant.email',
    'alternate_contact.family_name',
    'alternate_contact.given_name',
    'alternate_contact.position',
    'alternate_contact.phone',
    'alternate_contact.email',
    'capacity',
    'assistance_requested',
  ],
};

/** In which step a required field is asked for that none of them names. */
const stepOfSection: Record<string, QuestionStep> = {
  structure: 'structure',
  impacts: 'consequences',
  declarant: 'contact',
};

const alwaysNamed = new Set(Object.values(named).flat());

/** The fields of a step, those included that this kind of report alone requires. */
export function pathsOf(step: QuestionStep, form: Form, values: Values): string[] {
  const further = form.sections
    .filter((section) => (stepOfSection[section.name] ?? 'facts') === step)
    .flatMap((section) => section.fields)
    .filter((field) => !alwaysNamed.has(field.path) && isRequired(field, values));
  const known = new Set(fieldsOf(form).map((field) => field.path));
  return [...named[step].filter((path) => known.has(path)), ...further.map((field) => field.path)];
}

/** What no step asks for: it can be given with the declaration or at any later time. */
export function optionalPaths(form: Form, values: Values): string[] {
  const asked = new Set(questionSteps.flatMap((step) => pathsOf(step, form, values)));
  return fieldsOf(form)
    .map((field) => field.path)
    .filter((path) => !asked.has(path));
}

export const questionSteps = steps.filter((step): step is QuestionStep => step !== 'check');

/** The step that mends a problem of this path, which may be that of a whole group. */
export function stepOf(path: string, form: Form, values: Values): Step {
  const belongs = (candidate: string) => candidate === path || candidate.startsWith(`${path}.`);
  return questionSteps.find((step) => pathsOf(step, form, values).some(belongs)) ?? 'check';
}

export function hasAnything(values: Values): boolean {
  return Object.keys(values).some((path) => path !== 'kind' && isGiven(values, path));
}
