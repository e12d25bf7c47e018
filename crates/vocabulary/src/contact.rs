//! Addresses of persons, which no debug print shows.

use std::fmt;
use std::str::FromStr;

use crate::{
    ParseError,
    character::{is_dash, is_ignorable},
    pasted,
};

const MAX_LOCAL_BYTES: usize = 64;
/// Domains that no mail of the Internet reaches (RFC 6761, RFC 6762).
const UNREACHABLE: [&str; 3] = ["invalid", "local", "localhost"];

/// A mail address (courriel), its domain in ASCII and in lower case. Its prints show
/// only the domain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress(String);

/// A telephone number without its blanks and punctuation: ten digits of the French
/// numbering plan, a short number (3646, 116 117), or "+" and the digits of a foreign
/// one. Its prints show nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

impl EmailAddress {
    /// How many bytes it has at the most (RFC 5321).
    pub const MAX_LENGTH: usize = 254;

    /// The address itself, where it is really needed.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reads what was stored. An earlier release may have taken what this one would
    /// refuse: that is kept as it was.
    pub fn from_db(text: &str) -> Self {
        text.parse().unwrap_or_else(|_| Self(text.to_owned()))
    }
}

impl PhoneNumber {
    /// The number itself, where it is really needed.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reads what was stored. An earlier release may have taken what this one would
    /// refuse: that is kept as it was.
    pub fn from_db(text: &str) -> Self {
        text.parse().unwrap_or_else(|_| Self(text.to_owned()))
    }
}

impl FromStr for EmailAddress {
    type Err = ParseError;

    /// Reads an address as it was pasted: without zero-width characters and the blanks
    /// around it, its hyphens plain. Fails with the reason `BAD_FORMAT`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |why| {
            Err(ParseError::new("mail address", why)
                .because("BAD_FORMAT", "ce n'est pas une adresse électronique"))
        };
        let text: String = text
            .trim()
            .chars()
            .filter(|&c| !is_ignorable(c))
            .map(|c| if is_dash(c) { '-' } else { pasted::narrow(c) })
            .collect();
        let text = text.trim();
        if text.len() > Self::MAX_LENGTH {
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
        if address.len() > Self::MAX_LENGTH {
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

    /// Reads a number as it was pasted. Fails with the reason `BAD_FORMAT`,
    /// `LOST_LEADING_ZERO` or `SPREADSHEET_NOTATION`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let compact = pasted::compact(text);
        let number = dialled(&compact);
        if is_dialable(&number) {
            return Ok(Self(number));
        }
        let refused = ParseError::new("telephone number", "no such number")
            .because("BAD_FORMAT", "ce n'est pas un numéro de téléphone");
        Err(if pasted::is_spreadsheet_number(&compact) {
            pasted::spreadsheet_notation(refused)
        } else if is_dialable(&format!("0{number}")) {
            pasted::lost_leading_zero(refused)
        } else {
            refused
        })
    }
}

/// The digits that are dialled, after "+" where the country is among them: "00" is taken
/// for it, and the zero goes that stands for calls within the country.
fn dialled(compact: &str) -> String {
    let number = compact.replace(['.', '/'], "");
    let open = number.trim_start_matches('(');
    let abroad = open.strip_prefix('+').or_else(|| open.strip_prefix("00"));
    let Some(abroad) = abroad else {
        return number.replace(['(', ')'], "");
    };
    let digits = abroad.replace("(0)", "").replace(['(', ')'], "");
    match digits.strip_prefix("330") {
        Some(french) => format!("+33{french}"),
        None => format!("+{digits}"),
    }
}

/// Whether a number can exist: by the French numbering plan (ARCEP, décision 2018-0881),
/// or by the lengths of ITU-T E.164 abroad.
fn is_dialable(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or(number);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    // Neither a number abroad nor the rest of a French one begins with a zero.
    let significant = |digits: &str| !digits.starts_with('0');
    match (number.strip_prefix('+'), digits.strip_prefix("33")) {
        (Some(_), Some(french)) => french.len() == 9 && significant(french),
        (Some(foreign), None) => (7..=15).contains(&foreign.len()) && significant(foreign),
        (None, _) => match digits.strip_prefix('0') {
            Some(french) => french.len() == 9 && significant(french),
            None => is_short_number(digits),
        },
    }
}

/// Whether a number is one of the short ones at which somebody is reached; those of the
/// emergency services reach no declarant.
fn is_short_number(digits: &str) -> bool {
    match digits.len() {
        4 => digits.starts_with('3') || digits.starts_with("10"),
        6 => digits.starts_with("116") || digits.starts_with("118"),
        _ => false,
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
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::pasted::tests::sprinkled;

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
        let phone: PhoneNumber = "+33 (0)1 23-45.67 89".parse().unwrap();
        assert_eq!(format!("{phone:?}"), "***");
    }

    #[rstest]
    #[case("06\u{a0}12\u{a0}34\u{a0}56\u{a0}78", "0612345678")]
    #[case("06\u{202f}12\u{202f}34\u{202f}56\u{202f}78", "0612345678")]
    #[case("\u{202a}06‑12‑34‑56‑78\u{202c}", "0612345678")]
    #[case("06.12/34.56.78.", "0612345678")]
    #[case("(０)６ １２ ３４ ５６ ７８", "0612345678")]
    #[case("+33 (0)6 12 34 56 78", "+33612345678")]
    #[case("+33 06 12 34 56 78", "+33612345678")]
    #[case("(+33) 6 12 34 56 78", "+33612345678")]
    #[case("0033 6 12 34 56 78", "+33612345678")]
    #[case("0690 12 34 56", "0690123456")]
    #[case("+377 98 98 98 98", "+37798989898")]
    #[case("3646", "3646")]
    #[case("36 46", "3646")]
    #[case("1013", "1013")]
    #[case("116 117", "116117")]
    fn a_number_is_read_as_it_is_pasted(#[case] text: &str, #[case] number: &str) {
        assert_eq!(text.parse::<PhoneNumber>().unwrap().expose(), number);
    }

    #[rstest]
    #[case("01234567890", "BAD_FORMAT")]
    #[case("0012", "BAD_FORMAT")]
    #[case("012345678", "BAD_FORMAT")]
    #[case("5566", "BAD_FORMAT")]
    #[case("15", "BAD_FORMAT")]
    #[case("", "BAD_FORMAT")]
    #[case("+", "BAD_FORMAT")]
    #[case("12345x", "BAD_FORMAT")]
    #[case("+ - ( )", "BAD_FORMAT")]
    #[case("+33 6 12 34 56", "BAD_FORMAT")]
    #[case("0123456789/0612345678", "BAD_FORMAT")]
    #[case("01 23 45 67 89\u{0}", "BAD_FORMAT")]
    #[case("612345678", "LOST_LEADING_ZERO")]
    #[case("6,12346E+08", "SPREADSHEET_NOTATION")]
    fn a_number_that_cannot_exist_is_refused(#[case] text: &str, #[case] reason: &str) {
        assert_eq!(text.parse::<PhoneNumber>().unwrap_err().reason, reason);
    }

    #[test]
    fn a_number_that_an_earlier_release_took_stays_readable() {
        assert_eq!(PhoneNumber::from_db("+33 (0)1 23").expose(), "+33 (0)1 23");
        assert_eq!(
            PhoneNumber::from_db("06 12 34 56 78").expose(),
            "0612345678"
        );
    }

    #[test]
    fn an_address_that_an_earlier_release_took_stays_readable() {
        let read = |text| EmailAddress::from_db(text).expose().to_owned();
        assert_eq!(read("direction@chu.local"), "direction@chu.local");
        assert_eq!(read("x@1.2.3.4"), "x@1.2.3.4");
        assert_eq!(read("x@EXAMPLE.Org"), "x@example.org");
    }

    #[test]
    fn an_address_is_read_as_it_is_pasted() {
        let read = |text: &str| text.parse::<EmailAddress>().unwrap().expose().to_owned();
        assert_eq!(
            read("\u{a0}\u{200b}direction@ch\u{2011}lisieux\u{ad}.fr\u{202f}"),
            "direction@ch-lisieux.fr"
        );
    }

    proptest! {
        #[test]
        fn a_telephone_number_is_read_whatever_is_sprinkled_over_it(
            (number, text) in "0[1-9][0-9]{8}|\\+33[1-9][0-9]{8}|3[0-9]{3}"
                .prop_flat_map(|number| (Just(number.clone()), sprinkled(number)))
        ) {
            let read = text.parse::<PhoneNumber>().unwrap();
            prop_assert_eq!(read.expose(), number);
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in any::<String>()) {
            if let Ok(phone) = text.parse::<PhoneNumber>() {
                prop_assert_eq!(phone.expose().parse::<PhoneNumber>().unwrap(), phone);
            }
            if let Ok(address) = text.parse::<EmailAddress>() {
                prop_assert_eq!(address.expose().parse::<EmailAddress>().unwrap(), address);
            }
        }
    }
}
