import type { Role } from '../generated/vigie/types/v1/access_pb';
import type { fr } from './fr';

/** A role as tokens name it: "analyst". */
export type RoleName = Lowercase<keyof typeof Role>;

interface Entry {
  page: keyof typeof fr.pages;
  parameters?: Record<string, string>;
  /** Those whose work it is. What others may do is the services' to judge. */
  roles: RoleName[];
}

const entries: Entry[] = [
  { page: 'declare', parameters: { step: '1' }, roles: ['declarant'] },
  { page: 'reports', roles: ['declarant'] },
];

/** What the navigation offers to roles; to whoever has none of them, what it offers to a declarant. */
export function entriesFor(roles: string[] = []): Entry[] {
  const offered = entries.filter((entry) => entry.roles.some((role) => roles.includes(role)));
  return offered.length > 0 ? offered : entries.filter((entry) => entry.roles.includes('declarant'));
}
