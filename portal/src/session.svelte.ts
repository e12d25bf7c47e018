import type { User, UserManager } from 'oidc-client-ts';
import { configuration } from './configuration';
import { callbackPath } from './routes';

export interface Person {
  name: string;
  roles: string[];
  /** Keys of the structures that the token names, "finess:340782085". */
  structures: string[];
}

/** The log-in: authorization code with PKCE; tokens are kept in memory alone. */
class Session {
  person: Person | undefined = $state.raw();
  /** A session was there, and could not be renewed. */
  ended = $state(false);
  /** Called before the page is left for the log-in, so that nothing typed is lost. */
  readonly beforeLeaving = new Set<() => Promise<void>>();

  #user: User | undefined;
  #manager: Promise<UserManager> | undefined;
  #renewing: Promise<boolean> | undefined;

  token(): string | undefined {
    return this.#user?.access_token;
  }

  async login(returnTo: string): Promise<void> {
    const manager = await this.#load();
    await Promise.all([...this.beforeLeaving].map((save) => save()));
    await manager.signinRedirect({ state: returnTo, ui_locales: document.documentElement.lang });
  }

  /** Ends the log-in on the page that the issuer sends back to; tells where it began. */
  async complete(): Promise<string> {
    const manager = await this.#load();
    const user = await manager.signinRedirectCallback();
    this.#keep(user);
    return returnAddress(user.state);
  }

  async logout(): Promise<void> {
    try {
      const manager = await this.#load();
      // The issuer ends no session of a browser: only this makes the refresh token worthless.
      await manager.revokeTokens(['refresh_token']).catch(() => undefined);
      this.#keep(undefined);
      if (await manager.metadataService.getEndSessionEndpoint()) {
        await manager.signoutRedirect();
        return;
      }
    } catch {
      // An issuer that is away keeps nobody on this page.
    }
    // A new page, so that nothing of the person stays in the memory of this one.
    location.assign('/');
  }

  /** The services take the token no more, and a new one neither. */
  end(): void {
    this.#keep(undefined);
    this.ended = true;
  }

  /** Gets a new token by the refresh token; false where there is none, or it holds no more. */
  renew(): Promise<boolean> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renew(): Promise<boolean> {
    if (!this.#user) {
      return false;
    }
    try {
      const manager = await this.#load();
      // Without a refresh token it would open a frame, which the policy of the page forbids.
      const user = this.#user.refresh_token ? await manager.signinSilent() : null;
      this.#keep(user ?? undefined);
    } catch (error) {
      // What the issuer did not answer may still hold: only its refusal ends the session.
      const { ErrorResponse } = await import('oidc-client-ts');
      if (!(error instanceof ErrorResponse)) {
        return false;
      }
      this.#keep(undefined);
    }
    this.ended = !this.#user;
    return !this.ended;
  }

  #load(): Promise<UserManager> {
    this.#manager ??= this.#create().catch((error: unknown) => {
      this.#manager = undefined;
      throw error;
    });
    return this.#manager;
  }

  async #create(): Promise<UserManager> {
    const { issuer, clientId } = await configuration();
    const { InMemoryWebStorage, UserManager, WebStorageStateStore } = await import('oidc-client-ts');
    const manager = new UserManager({
      authority: issuer,
      client_id: clientId,
      redirect_uri: location.origin + callbackPath,
      post_logout_redirect_uri: `${location.origin}/`,
      scope: 'openid profile offline_access',
      userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
      // Only the state and the PKCE verifier of a log-in under way, which must outlive the page.
      stateStore: new WebStorageStateStore({ store: sessionStorage }),
      automaticSilentRenew: false,
      loadUserInfo: false,
    });
    manager.events.addAccessTokenExpiring(() => {
      if (this.#user?.refresh_token) {
        void this.renew();
      }
    });
    manager.events.addAccessTokenExpired(() => void this.renew());
    return manager;
  }

  #keep(user: User | undefined): void {
    this.#user = user;
    const person = user && personOf(user);
    // A new token of the same person changes nothing on the page.
    if (JSON.stringify(person) !== JSON.stringify(this.person)) {
      this.person = person;
    }
    if (user) {
      this.ended = false;
    }
  }
}

/** Where a log-in began, as it was told at its end, also of one that was refused. */
export function returnAddress(state: unknown): string {
  return typeof state === 'string' && /^\/(?![\/\\])/.test(state) ? state : '/';
}

function personOf(user: User): Person {
  const claims = { ...user.profile, ...payloadOf(user.access_token) };
  return {
    name: user.profile.name ?? user.profile.preferred_username ?? user.profile.sub,
    roles: textsOf(claims['roles']),
    structures: textsOf(claims['structures']),
  };
}

/** The claims of a token, to offer what it names; the services alone judge it. */
function payloadOf(token: string): Record<string, unknown> {
  try {
    const payload = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function textsOf(claim: unknown): string[] {
  const values = Array.isArray(claim) ? claim : [claim];
  return values.filter((value): value is string => typeof value === 'string');
}

export const session = new Session();
