import type { fr } from './fr';

export const en: typeof fr = {
  title: 'Has an IT incident struck your structure?',
  lead: 'Declare it here in a few minutes, even if you do not know everything yet. You can complete it later.',
  declare: 'Declare an incident',
  follow: 'Follow my declaration',
  callTitle: 'Is care disturbed? Call first.',
  callText: 'The duty line of the CERT Santé answers day and night. It does not replace the emergency numbers 15 and 112.',
  reflexesTitle: 'First reflexes',
  reflexes: [
    { title: 'Isolate, do not switch off', text: 'Unplug the network cable and turn off the Wi-Fi of the machines that are touched. Leave them on: their memory helps the investigation.' },
    { title: 'Note the times', text: 'Who saw what, when, on which machine. Photograph the screens.' },
    { title: 'Do not pay, do not answer', text: 'A ransom that is paid brings no data back. Leave any exchange with the attackers to the investigators.' },
    { title: 'Keep the traces', text: 'Reinstall nothing, erase no log, plug in no backup for now.' },
    { title: 'Go to paper', text: 'Continuity of care comes first: open your degraded-mode procedures.' },
  ],
  afterTitle: 'What happens when you declare',
  after: [
    'You get a reference at once, to quote on the telephone.',
    'The CERT Santé and your regional health agency (ARS) are told together, day and night.',
    'An analyst takes your case, asks questions and proposes measures.',
  ],
  paperTitle: 'No network at all?',
  paper: 'Print the form',
  paperText: 'Fill it in by hand and dictate it to your ARS or to the duty line: it counts as a declaration.',
};
