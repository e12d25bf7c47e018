import type { InBothLanguages } from '../../language';

interface Words {
  title: string;
  waiting: string;
  failed: string;
  failedHelp: string;
  home: string;
  back: string;
}

export const words: InBothLanguages<Words> = {
  fr: {
    title: 'Connexion',
    waiting: 'Un instant, nous vous ramenons là où vous étiez…',
    failed: 'La connexion n’a pas abouti',
    failedHelp: 'Ce que vous avez saisi est gardé sur cet appareil.',
    home: 'Revenir à l’accueil',
    back: 'Revenir là où j’étais',
  },
  en: {
    title: 'Log-in',
    waiting: 'One moment, you are being taken back to where you were…',
    failed: 'The log-in did not succeed',
    failedHelp: 'What you typed is kept on this device.',
    home: 'Back to the home page',
    back: 'Back to where I was',
  },
};
