import type { fr } from './fr';

export const en: typeof fr = {
  title: 'Your declaration is registered',
  reference: 'Your reference',
  copy: 'Copy',
  copied: 'Copied',
  print: 'Print',
  told: (names, when) => `Told ${when}: ${names}.`,
  contact: 'Your ARS',
  steps: 'What you can do now',
  stepsHelp: 'Tick as you go. Nothing is transmitted.',
  answer: 'An analyst reads your declaration and answers here, and by the contact that you gave. If care is touched, call at once.',
  details: 'Obligations and deadlines',
  follow: 'Follow and complete my declaration',
  loading: 'The receipt is coming…',
  login: 'Log in to see this receipt again.',
  and: 'and',
};
