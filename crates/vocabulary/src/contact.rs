//! Addresses of persons, which no debug print shows.

use std::fmt;
use std::str::FromStr;

use crate::ParseError;

const MAX_EMAIL_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;
/// Domains that no mail of the Internet reaches (RFC 6761, RFC 6762).
const UNREACHABLE: [&str; 3] = ["invalid", "local", "localhost"];

/// A mail address (courriel), its domain in ASCII and in lower case. Its prints show
/// only the domain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress(String);

/// A telephone number. Its prints show nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

impl EmailAddress {
    /// The address itself, where it is really needed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PhoneNumber {
    /// The number itself, where it is really needed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |why| Err(ParseError::new("mail address", why));
        let text = text.trim();
        if text.len() > MAX_EMAIL_BYTES {
            return refused("too long");
        }
        let Some((local, domain)) = text.rsplit_once('@') else {
            return refused("has no @");
        };
        // The unquoted form of RFC 5321; quoted local parts are not in use.
        let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c);
        let atoms = |part: &str| {
            part.split('.')
                .all(|a| !a.is_empty() && a.chars().all(atom))
        };
        if local.len() > MAX_LOCAL_BYTES || !atoms(local) {
            return refused("what stands before the @ is not valid");
        }
        let Some(domain) = mail_domain(domain) else {
            return refused("what stands after the @ is not a domain that receives mail");
        };
        let address = format!("{local}@{domain}");
        if address.len() > MAX_EMAIL_BYTES {
            return refused("too long");
        }
        Ok(Self(address))
    }
}

/// The ASCII form of a domain that mail can reach; neither an IP address nor a single
/// name of a local network is one (RFC 5321, 2.3.5).
fn mail_domain(text: &str) -> Option<String> {
    let domain = idna::domain_to_ascii(text).ok()?;
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let (_, top) = domain.rsplit_once('.')?;
    let reachable = !UNREACHABLE.contains(&top) && !top.chars().all(|c| c.is_ascii_digit());
    (reachable && domain.split('.').all(label)).then_some(domain)
}

impl FromStr for PhoneNumber {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |why| Err(ParseError::new("telephone number", why));
        let text = text.trim();
        if !(5..=20).contains(&text.chars().count()) {
            return refused("must have 5 to 20 characters");
        }
        if !text
            .chars()
            .all(|c| c.is_ascii_digit() || " +.-()".contains(c))
        {
            return refused("must be digits, spaces and + . - ( )");
        }
        if text.chars().filter(char::is_ascii_digit).count() < 3 {
            return refused("has too few digits");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = self.0.rsplit_once('@').map_or("", |(_, domain)| domain);
        write!(f, "***@{domain}")
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    fn usual_addresses_are_read(
        #[values("a@example.org", "jean.d'arc+ssi@chu-rouen.fr", "x@a.b.c.example")] text: &str,
    ) {
        assert_eq!(text.parse::<EmailAddress>().unwrap().expose(), text);
    }

    #[rstest]
    fn what_is_not_an_address_is_refused_without_repeating_it(
        #[values(
            "",
            "secret",
            "secret@",
            "@example.org",
            "secret@localhost",
            "se cret@example.org",
            "secret..x@example.org",
            "secret@-x.org",
            "secret@1.2.3.4",
            "secret@[1.2.3.4]",
            "secret@chu.local",
            "secret@chu.invalid",
            "secret@example.org.",
            "secret@exa mple.org",
            "secret@xn--a.org",
            "secret@example.org\r\nBcc: a@b.fr"
        )]
        text: &str,
    ) {
        let error = text.parse::<EmailAddress>().unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }

    #[rstest]
    #[case("x@hôpital-éléa.fr", "x@xn--hpital-la-h4ab7j.fr")]
    #[case("x@EXAMPLE.Org", "x@example.org")]
    #[case("x@例え.jp", "x@xn--r8jz45g.jp")]
    fn an_internationalised_domain_is_taken_in_its_ascii_form(
        #[case] text: &str,
        #[case] ascii: &str,
    ) {
        assert_eq!(text.parse::<EmailAddress>().unwrap().expose(), ascii);
    }

    #[test]
    fn prints_do_not_show_the_person() {
        let address: EmailAddress = "jean@example.org".parse().unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "***@example.org ***@example.org"
        );
        let phone: PhoneNumber = "+33 (0)1 23-45.67".parse().unwrap();
        assert_eq!(format!("{phone:?}"), "***");
    }

    #[rstest]
    fn what_is_not_a_number_is_refused(
        #[values("", "12", "12345x", "+ - ( )", "123456789012345678901")] text: &str,
    ) {
        assert!(text.parse::<PhoneNumber>().is_err());
    }
}
