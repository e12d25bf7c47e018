//! What browsers were granted and have not used up: codes and refresh tokens, in
//! memory alone.

use std::collections::HashMap;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use time::{Duration, OffsetDateTime};

use super::{identity::Identity, language::Language};

/// How long a code may wait to be exchanged.
pub(super) const CODE_LIFETIME: Duration = Duration::MINUTE;
/// How long a session is refreshed after its log-in: a working day.
const SESSION_LIFETIME: Duration = Duration::hours(12);

/// Somebody who logged in.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) identity: Identity,
    pub(super) language: Language,
    pub(super) at: OffsetDateTime,
}

/// What a code stands for.
#[derive(Debug)]
pub(super) struct CodeGrant {
    pub(super) login: Login,
    pub(super) redirect_uri: String,
    pub(super) code_challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) expires_at: OffsetDateTime,
}

/// What is known of a code until it expires.
#[derive(Debug)]
enum Code {
    Unused(Box<CodeGrant>),
    /// When the code is sent again, it was stolen, and the session is ended.
    Used {
        session: String,
        expires_at: OffsetDateTime,
    },
}

/// The tokens of one log-in.
#[derive(Debug)]
struct Session {
    login: Login,
    /// The only refresh token that is good, without the session's name.
    secret: String,
}

/// What a token request is granted.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) login: Login,
    pub(super) nonce: Option<String>,
    pub(super) refresh_token: String,
}

/// Codes and sessions.
#[derive(Debug, Default)]
pub(super) struct Grants {
    codes: HashMap<String, Code>,
    sessions: HashMap<String, Session>,
}

impl Grants {
    /// Issues a code for one use.
    pub(super) fn issue_code(&mut self, grant: CodeGrant, now: OffsetDateTime) -> String {
        self.forget_expired(now);
        let code = random_text();
        self.codes
            .insert(code.clone(), Code::Unused(Box::new(grant)));
        code
    }

    /// Exchanges a code. One that was sent with a wrong proof is used up as well.
    pub(super) fn redeem(
        &mut self,
        code: &str,
        redirect_uri: &str,
        code_verifier: &str,
        now: OffsetDateTime,
    ) -> Result<Granted, &'static str> {
        self.forget_expired(now);
        let known = self.codes.remove(code);
        let grant = match known.ok_or("the code is unknown or expired")? {
            Code::Unused(grant) => grant,
            Code::Used { session, .. } => {
                self.sessions.remove(&session);
                return Err("the code was used before");
            }
        };
        let session = random_text();
        let used = Code::Used {
            session: session.clone(),
            expires_at: grant.expires_at,
        };
        self.codes.insert(code.to_owned(), used);
        if redirect_uri != grant.redirect_uri {
            return Err("redirect_uri is not that of the authorization request");
        }
        if challenge_of(code_verifier) != grant.code_challenge {
            return Err("code_verifier does not fit the code challenge");
        }
        let refresh_token = self.rotate(&session, grant.login.clone());
        Ok(Granted {
            login: grant.login,
            nonce: grant.nonce,
            refresh_token,
        })
    }

    /// Exchanges a refresh token for the next one. One that was used before ends its
    /// session: either the client or whoever took it from there is the second.
    pub(super) fn refresh(
        &mut self,
        refresh_token: &str,
        now: OffsetDateTime,
    ) -> Result<Granted, &'static str> {
        self.forget_expired(now);
        let unknown = "the refresh token is unknown or expired";
        let (name, secret) = refresh_token.split_once('.').ok_or(unknown)?;
        let session = self.sessions.remove(name).ok_or(unknown)?;
        if session.secret != secret {
            return Err("the refresh token was used before; log in again");
        }
        let refresh_token = self.rotate(name, session.login.clone());
        Ok(Granted {
            login: session.login,
            nonce: None,
            refresh_token,
        })
    }

    /// Ends the session of a refresh token.
    pub(super) fn revoke(&mut self, refresh_token: &str) {
        if let Some((name, _)) = refresh_token.split_once('.') {
            self.sessions.remove(name);
        }
    }

    fn rotate(&mut self, name: &str, login: Login) -> String {
        let secret = random_text();
        let refresh_token = format!("{name}.{secret}");
        self.sessions
            .insert(name.to_owned(), Session { login, secret });
        refresh_token
    }

    fn forget_expired(&mut self, now: OffsetDateTime) {
        self.codes.retain(|_, code| {
            let expires_at = match code {
                Code::Unused(grant) => grant.expires_at,
                Code::Used { expires_at, .. } => *expires_at,
            };
            expires_at > now
        });
        self.sessions
            .retain(|_, session| session.login.at + SESSION_LIFETIME > now);
    }
}

/// The challenge of a verifier by the method `S256` (RFC 7636, section 4.2).
fn challenge_of(code_verifier: &str) -> String {
    let hash = digest::digest(&digest::SHA256, code_verifier.as_bytes());
    URL_SAFE_NO_PAD.encode(hash)
}

fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenSpec;

    const BEGIN: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const CALLBACK: &str = "http://127.0.0.1:5173/callback";
    // The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn with_code() -> (Grants, String) {
        let mut grants = Grants::default();
        let login = Login {
            identity: TokenSpec::of("alice").into(),
            language: Language::French,
            at: BEGIN,
        };
        let grant = CodeGrant {
            login,
            redirect_uri: CALLBACK.to_owned(),
            code_challenge: CHALLENGE.to_owned(),
            nonce: None,
            expires_at: BEGIN + CODE_LIFETIME,
        };
        let code = grants.issue_code(grant, BEGIN);
        (grants, code)
    }

    #[test]
    fn a_code_is_good_for_a_minute() {
        let last = BEGIN + CODE_LIFETIME - Duration::NANOSECOND;
        let (mut grants, code) = with_code();
        assert!(grants.redeem(&code, CALLBACK, VERIFIER, last).is_ok());
        let (mut grants, code) = with_code();
        let late = grants.redeem(&code, CALLBACK, VERIFIER, BEGIN + CODE_LIFETIME);
        assert_eq!(late.unwrap_err(), "the code is unknown or expired");
    }

    #[test]
    fn a_wrong_proof_uses_up_the_code() {
        for (redirect_uri, verifier) in [(CALLBACK, "another"), ("http://127.0.0.1/", VERIFIER)] {
            let (mut grants, code) = with_code();
            assert!(grants.redeem(&code, redirect_uri, verifier, BEGIN).is_err());
            let second = grants.redeem(&code, CALLBACK, VERIFIER, BEGIN);
            assert_eq!(second.unwrap_err(), "the code was used before");
        }
    }

    #[test]
    fn a_code_that_is_sent_twice_ends_its_session() {
        let (mut grants, code) = with_code();
        let granted = grants.redeem(&code, CALLBACK, VERIFIER, BEGIN).unwrap();
        assert!(grants.redeem(&code, CALLBACK, VERIFIER, BEGIN).is_err());
        assert!(grants.refresh(&granted.refresh_token, BEGIN).is_err());
    }

    #[test]
    fn a_refresh_token_is_good_once_and_its_reuse_ends_the_session() {
        let (mut grants, code) = with_code();
        let first = grants.redeem(&code, CALLBACK, VERIFIER, BEGIN).unwrap();
        let second = grants.refresh(&first.refresh_token, BEGIN).unwrap();
        assert_ne!(first.refresh_token, second.refresh_token);
        assert!(grants.refresh(&first.refresh_token, BEGIN).is_err());
        assert!(grants.refresh(&second.refresh_token, BEGIN).is_err());
    }

    #[test]
    fn a_session_ends_when_it_is_revoked_and_after_a_working_day() {
        let (mut grants, code) = with_code();
        let granted = grants.redeem(&code, CALLBACK, VERIFIER, BEGIN).unwrap();
        grants.revoke(&granted.refresh_token);
        assert!(grants.refresh(&granted.refresh_token, BEGIN).is_err());

        let (mut grants, code) = with_code();
        let granted = grants.redeem(&code, CALLBACK, VERIFIER, BEGIN).unwrap();
        let late = BEGIN + SESSION_LIFETIME;
        assert!(grants.refresh(&granted.refresh_token, late).is_err());
    }
}
