import type { fr } from './fr';

export const en: typeof fr = {
  skip: 'Skip to the content',
  product: 'Vigie',
  purpose: 'Information-security incidents in health care',
  emergency: 'Emergency, day and night',
  navigation: 'Main navigation',
  home: 'Home',
  pages: {
    declare: 'Declare',
    reports: 'My declarations',
  },
  otherLanguage: 'Français',
  login: 'Log in',
  logout: 'Log out',
  loggedInAs: 'Logged in:',
  loginFailed: 'The log-in does not answer. Try again, or call the emergency number.',
  sessionEnded: 'Your session has ended. What you typed is kept.',
  loading: 'The page is coming…',
  loadingFailed: 'The page could not be loaded. Check your connection.',
  tryAgain: 'Try again',
  paperForm: 'Form to print',
  legal: 'Declaration of significant or serious incidents: art. L.1111-8-2 and D.1111-16-2 to D.1111-16-4 of the French public health code.',
  legalTitle: 'The law',
};
