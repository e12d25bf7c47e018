import type { InBothLanguages } from '../language';
import type { Failure, FailureKind } from './failure';

interface Words {
  kinds: Record<FailureKind, string>;
  reasons: Record<string, string>;
}

export const words: InBothLanguages<Words> = {
  fr: {
    kinds: {
      unreachable: 'Le service ne répond pas. Vérifiez votre connexion, puis réessayez.',
      busy: 'Le service est très sollicité. Réessayez dans une minute.',
      session: 'Votre session a pris fin. Connectez-vous de nouveau.',
      forbidden: 'Votre compte ne permet pas cette action.',
      missing: 'Cette page n’existe pas, ou votre compte ne permet pas de la voir.',
      changed: 'Quelqu’un a modifié ce dossier entre-temps. Relisez-le, puis recommencez.',
      invalid: 'Une réponse est à corriger.',
      refused: 'Cette action n’est plus possible dans l’état actuel du dossier.',
      broken: 'Le service a rencontré un problème. Réessayez ; si cela persiste, appelez la permanence.',
    },
    reasons: {
      ROLE_MISSING: 'Votre compte ne permet pas cette action.',
      ALREADY_RESOLVED: 'La résolution est déjà déclarée.',
      ALREADY_WITHDRAWN: 'Cette déclaration est déjà retirée.',
      WITHDRAWN: 'Cette déclaration est retirée : elle ne se modifie plus.',
      ERASED: 'Les données personnelles de cette déclaration sont effacées : elle ne se modifie plus.',
      TOO_MANY_DRAFTS: 'Vous gardez déjà trop de brouillons. Supprimez-en un pour enregistrer celui-ci.',
      WRONG_STATE: 'Cette action n’est plus possible dans l’état actuel du dossier.',
      STAGE_PASSED: 'La déclaration a déjà dépassé cette étape.',
      REQUEST_ID_REUSED: 'Votre premier envoi est bien arrivé. Relisez le dossier avant d’en envoyer un autre.',
    },
  },
  en: {
    kinds: {
      unreachable: 'The service does not answer. Check your connection, then try again.',
      busy: 'The service is very busy. Try again in a minute.',
      session: 'Your session has ended. Log in again.',
      forbidden: 'Your account does not allow this.',
      missing: 'This page does not exist, or your account may not see it.',
      changed: 'Somebody changed this case meanwhile. Read it again, then retry.',
      invalid: 'An answer needs mending.',
      refused: 'This is no longer possible in the present state of the case.',
      broken: 'The service met a problem. Try again; if it persists, call the duty line.',
    },
    reasons: {
      ROLE_MISSING: 'Your account does not allow this.',
      ALREADY_RESOLVED: 'The resolution has been declared already.',
      ALREADY_WITHDRAWN: 'This declaration has been withdrawn already.',
      WITHDRAWN: 'This declaration was withdrawn: it can no longer be changed.',
      ERASED: 'The personal data of this declaration are erased: it can no longer be changed.',
      TOO_MANY_DRAFTS: 'You keep too many drafts already. Delete one to save this one.',
      WRONG_STATE: 'This is no longer possible in the present state of the case.',
      STAGE_PASSED: 'The declaration is past this stage already.',
      REQUEST_ID_REUSED: 'What you sent first did arrive. Read the case before you send another.',
    },
  },
};

/** What a failure is to be told as. */
export function describe(failure: Failure, language: 'fr' | 'en'): string {
  const { kinds, reasons } = words[language];
  return reasons[failure.reason] ?? kinds[failure.kind];
}
