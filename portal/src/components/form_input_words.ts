import type { InBothLanguages } from '../language';

interface Words {
  error: string;
  yes: string;
  no: string;
  choose: string;
  left: (count: number) => string;
  now: string;
  today: string;
  other: string;
  time: string;
  day: string;
  month: string;
  year: string;
  hour: string;
  minute: string;
}

export const words: InBothLanguages<Words> = {
  fr: {
    error: 'Erreur :',
    yes: 'Oui',
    no: 'Non',
    choose: 'Choisissez',
    left: (count) => (count >= 0 ? `Il reste ${count} caractères.` : `${-count} caractères de trop.`),
    now: 'Maintenant',
    today: 'Aujourd’hui, à…',
    other: 'Un autre moment',
    time: 'Heure, à peu près',
    day: 'Jour',
    month: 'Mois',
    year: 'Année',
    hour: 'Heure',
    minute: 'Minutes',
  },
  en: {
    error: 'Error:',
    yes: 'Yes',
    no: 'No',
    choose: 'Choose',
    left: (count) => (count >= 0 ? `${count} characters left.` : `${-count} characters too many.`),
    now: 'Now',
    today: 'Today, at…',
    other: 'Another moment',
    time: 'Time, roughly',
    day: 'Day',
    month: 'Month',
    year: 'Year',
    hour: 'Hour',
    minute: 'Minutes',
  },
};
