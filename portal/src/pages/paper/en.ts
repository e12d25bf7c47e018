import type { fr } from './fr';

export const en: typeof fr = {
  title: 'Declaration of an information-security incident',
  intro: 'To fill in when the network is down. Dictate it or hand it to your ARS, or call the duty line of the CERT Santé, day and night:',
  optional: 'Only the lines marked * are needed. Leave empty what you do not know yet. Write no name of a patient.',
  back: 'Back to the portal',
  howToPrint: 'Print this page with Ctrl + P (⌘ + P on a Mac), or keep it as a PDF.',
  parts: [
    { title: '1. Your structure', lines: ['Name of the structure *', 'Town and department *', 'FINESS (or SIRET, or RPPS)'] },
    { title: '2. What happened', lines: ['Noticed on (date and time) *', 'Began on, if you know', 'Hardware and software touched', 'Vendor or provider concerned'], text: 'What did you notice? *' },
    { title: '3. Consequences', lines: ['For care', 'For patients', 'For data', 'How many persons, roughly', 'May other structures be touched?'] },
    { title: '4. What you have done', lines: ['Measures taken', 'Complaint filed? CNIL notified?', 'Do you wish to be accompanied?'] },
    { title: '5. How to reach you', lines: ['Family name and given name *', 'Position (director, or person delegated) *', 'Telephone or mail address *', 'Another contact, if your mailbox may be compromised'] },
  ],
  received: 'Reference given by telephone: ____________________   on ______________ at ________',
};
