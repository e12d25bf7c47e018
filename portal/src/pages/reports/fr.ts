import { CaseState } from '../../generated/vigie/types/v1/vocabulary_pb';

export const fr = {
  title: 'Mes déclarations',
  login: 'Connectez-vous pour voir vos déclarations et répondre aux questions.',
  loading: 'Vos déclarations arrivent…',
  emptyTitle: 'Aucune déclaration pour le moment',
  empty: 'Celles que vous enverrez apparaîtront ici, avec leurs suites.',
  declare: 'Déclarer un incident',
  more: 'Voir les plus anciennes',
  asked: 'Une réponse vous est demandée',
  before: 'avant',
  overdue: 'Une réponse ou un complément est en retard',
  unread: (count: number) => (count === 1 ? '1 message non lu' : `${count >= 100 ? 'Plus de 100' : count} messages non lus`),
  declaredOn: 'Déclaré',
  /** Where a declaration stands, in plain words; « depuis » follows with its moment. */
  states: {
    [CaseState.UNSPECIFIED]: 'Votre déclaration est enregistrée',
    [CaseState.SUBMITTED]: 'Le CERT Santé et votre ARS ont reçu votre déclaration',
    [CaseState.IN_QUALIFICATION]: 'Un analyste du CERT Santé étudie votre déclaration',
    [CaseState.AWAITING_DECLARANT]: 'Le CERT Santé attend votre réponse',
    [CaseState.QUALIFIED]: 'Le CERT Santé a évalué l’incident',
    [CaseState.IN_TREATMENT]: 'L’incident est en cours de traitement avec vous',
    [CaseState.RESOLVED]: 'Vous avez déclaré l’incident résolu',
    [CaseState.CLOSED]: 'Le dossier est clos',
    [CaseState.OUT_OF_SCOPE]: 'Le dossier est hors du périmètre du CERT Santé',
    [CaseState.DUPLICATE]: 'Le dossier est suivi avec un autre',
    [CaseState.WITHDRAWN]: 'La déclaration est retirée',
  } satisfies Record<CaseState, string> as Record<CaseState, string>,
  since: 'depuis',
};
