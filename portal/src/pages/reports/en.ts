import { CaseState } from '../../generated/vigie/types/v1/vocabulary_pb';
import type { fr } from './fr';

export const en: typeof fr = {
  title: 'My declarations',
  login: 'Log in to see your declarations and to answer questions.',
  loading: 'Your declarations are coming…',
  emptyTitle: 'No declaration yet',
  empty: 'Those that you send will appear here, with what follows.',
  declare: 'Declare an incident',
  more: 'See earlier ones',
  asked: 'An answer is asked of you',
  before: 'before',
  overdue: 'An answer or a complement is overdue',
  unread: (count) => (count === 1 ? '1 unread message' : `${count >= 100 ? 'More than 100' : count} unread messages`),
  declaredOn: 'Declared',
  states: {
    [CaseState.UNSPECIFIED]: 'Your declaration is registered',
    [CaseState.SUBMITTED]: 'The CERT Santé and your ARS have your declaration',
    [CaseState.IN_QUALIFICATION]: 'An analyst of the CERT Santé studies your declaration',
    [CaseState.AWAITING_DECLARANT]: 'The CERT Santé waits for your answer',
    [CaseState.QUALIFIED]: 'The CERT Santé has assessed the incident',
    [CaseState.IN_TREATMENT]: 'The incident is being treated with you',
    [CaseState.RESOLVED]: 'You declared the incident resolved',
    [CaseState.CLOSED]: 'The case is closed',
    [CaseState.OUT_OF_SCOPE]: 'The case is out of the scope of the CERT Santé',
    [CaseState.DUPLICATE]: 'The case is followed with another one',
    [CaseState.WITHDRAWN]: 'The declaration is withdrawn',
  },
  since: 'since',
};
