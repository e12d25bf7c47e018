//! Who calls, and whether the contract lets them.

use http::{HeaderMap, header::AUTHORIZATION};

use crate::{
    Authenticator, Caller, Error, Result,
    auth::{Listener, Rule},
};

/// The caller of a request that may go on.
///
/// On the internal listener the certificate says who calls, outside the token does.
pub(super) async fn authorise(
    rule: &Rule,
    listener: Listener,
    service: Option<&'static str>,
    authenticator: &Authenticator,
    headers: &HeaderMap,
) -> Result<Caller> {
    if rule.is_exempt() {
        return Ok(Caller::anonymous());
    }
    let caller = match (listener, service) {
        (Listener::Internal, Some(service)) => Caller::service(service),
        (Listener::Internal, None) => {
            return Err(Error::unauthenticated(
                "CERTIFICATE_UNKNOWN",
                "le certificat ne nomme aucun service de la suite",
            ));
        }
        (Listener::Public, _) => match bearer(headers)? {
            Some(token) => authenticator.authenticate(token).await?,
            None if rule.open_to_anyone() => Caller::anonymous(),
            None => {
                return Err(Error::unauthenticated(
                    "TOKEN_MISSING",
                    "un jeton est requis",
                ));
            }
        },
    };
    rule.admit(caller)
}

/// The token of the request; more than one, or another scheme, is refused.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let refused = || {
        Error::unauthenticated(
            "TOKEN_INVALID",
            "l'en-tête authorization ne porte pas un jeton « Bearer »",
        )
    };
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(refused());
    }
    let (scheme, token) = value
        .to_str()
        .map_err(|_| refused())?
        .split_once(' ')
        .ok_or_else(refused)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() {
        Ok(Some(token.trim()))
    } else {
        Err(refused())
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::Role;

    use super::*;
    use crate::AuthConfig;

    #[tokio::test]
    async fn what_is_open_to_anyone_needs_no_token_and_refuses_a_bad_one() {
        let issuer = testkit::Issuer::start().await;
        let config = AuthConfig::new(issuer.url(), testkit::AUDIENCE);
        let authenticator = Authenticator::start(&config).await.unwrap();
        let rule = Rule::of_roles([Role::Anyone]);
        let call = async |headers: &HeaderMap| {
            authorise(&rule, Listener::Public, None, &authenticator, headers).await
        };

        let mut headers = HeaderMap::new();
        assert_eq!(call(&headers).await.unwrap(), Caller::anonymous());

        headers.insert(AUTHORIZATION, "Bearer nonsense".parse().unwrap());
        assert_eq!(call(&headers).await.unwrap_err().code(), "TOKEN_INVALID");

        let token = issuer.token(&testkit::TokenSpec::of("anna"));
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        assert_eq!(call(&headers).await.unwrap().subject, "anna");
    }

    fn read(values: &[&str]) -> Result<Option<String>> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        bearer(&headers).map(|token| token.map(str::to_owned))
    }

    #[test]
    fn one_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&["Bearer abc"]).unwrap().as_deref(), Some("abc"));
        assert_eq!(read(&["bearer abc"]).unwrap().as_deref(), Some("abc"));
    }

    #[test]
    fn anything_else_is_refused_rather_than_taken_for_no_token() {
        for values in [
            vec!["Basic abc"],
            vec!["abc"],
            vec!["Bearer "],
            vec!["Bearer a", "Bearer b"],
        ] {
            assert_eq!(
                read(&values).unwrap_err().code(),
                "TOKEN_INVALID",
                "{values:?}"
            );
        }
    }
}
