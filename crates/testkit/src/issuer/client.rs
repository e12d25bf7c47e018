//! The one client of the browser flow, and the addresses it may have.

use url::{Host, Url};

/// The client id of the browser portal.
pub const CLIENT_ID: &str = "vigie-portal";

/// An address in plain HTTP on this machine; `None` for every other one, since codes
/// without a password must not leave it.
pub(super) fn loopback_url(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let is_local = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let is_plain = url.scheme() == "http"
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    (is_local && is_plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_loopback() {
        for address in [
            "http://127.0.0.1:5173/callback",
            "http://127.8.0.1",
            "http://localhost:5173/callback?from=menu",
            "http://[::1]:5173/",
        ] {
            assert!(loopback_url(address).is_some(), "{address}");
        }
        for address in [
            "https://portal.example.org/callback",
            "http://portal.example.org/callback",
            "http://127.0.0.1.example.org/",
            "http://127.0.0.1@example.org/",
            "http://127.0.0.1:80@example.org/",
            "http://example.org\\@127.0.0.1/",
            "http://me@127.0.0.1/",
            "http://127.0.0.1/#fragment",
            "http://localhost.example.org/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "https://127.0.0.1/",
            "javascript:alert(1)",
            "//127.0.0.1/",
            "/callback",
            "null",
            "",
        ] {
            assert_eq!(loopback_url(address), None, "{address}");
        }
    }
}
