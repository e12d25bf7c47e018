//! The reference that people quote on the telephone.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use time::OffsetDateTime;

use crate::{ParseError, as_text::serde_as_text, paris_date, pasted};

const WHAT: &str = "reference";
const PREFIX: &str = "SIG";
/// Crockford's base 32: no I, L, O nor U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Six characters of five bits.
const BODY_BITS: u32 = 30;
const HALF_BITS: u32 = BODY_BITS / 2;
const HALF_MASK: u32 = (1 << HALF_BITS) - 1;
const ROUNDS: u8 = 4;
/// The polynomial x^5 + x^2 + 1, which makes a field of the 32 characters.
const FIELD_POLYNOMIAL: u8 = 0b10_0101;

/// A reference, "SIG-2026-7K3M9Q4": a year, six characters that tell nothing of
/// how many there are, and one that finds a misheard or exchanged character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(String);

/// Makes references from numbers, by a permutation that only its key knows.
pub struct ReferenceCipher(hmac::Key);

impl ReferenceCipher {
    /// A cipher for a key, which must stay the same for the life of the suite.
    pub fn new(key: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// The reference of a number, in the year that a moment has in Europe/Paris.
    pub fn reference_at(&self, moment: OffsetDateTime, sequence: u32) -> Reference {
        self.reference(paris_date(moment).year(), sequence)
    }

    /// The reference of a number of a year; two numbers below 2^30 never have
    /// the same.
    pub fn reference(&self, year: i32, sequence: u32) -> Reference {
        let mut body = self.permute(sequence % (1 << BODY_BITS));
        let mut characters = [0_u8; 6];
        for character in characters.iter_mut().rev() {
            *character = ALPHABET[(body & 31) as usize];
            body >>= 5;
        }
        let text = std::str::from_utf8(&characters).expect("the alphabet is ASCII");
        let check = check_character(year, text);
        Reference(format!("{PREFIX}-{year:04}-{text}{check}"))
    }

    /// A balanced Feistel network: a permutation of 30 bits whatever its rounds.
    fn permute(&self, number: u32) -> u32 {
        let (mut left, mut right) = (number >> HALF_BITS, number & HALF_MASK);
        for round in 0..ROUNDS {
            let mut message = [round, 0, 0, 0, 0];
            message[1..].copy_from_slice(&right.to_be_bytes());
            let tag = hmac::sign(&self.0, &message);
            let bytes = tag.as_ref()[..4].try_into().expect("a tag has 32 bytes");
            (left, right) = (right, left ^ (u32::from_be_bytes(bytes) & HALF_MASK));
        }
        (left << HALF_BITS) | right
    }
}

/// The check over year and body: a sum weighed by the powers of a generator of
/// the field. No weight is zero and no two neighbours weigh the same, so that any
/// single wrong character and any two exchanged neighbours change it.
fn check_character(year: i32, body: &str) -> char {
    let (mut sum, mut weight) = (0, 1);
    for byte in format!("{year:04}{body}").bytes() {
        let value = ALPHABET.iter().position(|&a| a == byte);
        let value = value
            .and_then(|v| u8::try_from(v).ok())
            .expect("digits and the alphabet");
        weight = multiply(weight, 2);
        sum ^= multiply(weight, value);
    }
    char::from(ALPHABET[usize::from(sum)])
}

/// The product of two elements of the field of 32.
fn multiply(a: u8, b: u8) -> u8 {
    let mut product = 0;
    for bit in (0..5).rev() {
        product <<= 1;
        if product & 0b10_0000 != 0 {
            product ^= FIELD_POLYNOMIAL;
        }
        if b & (1 << bit) != 0 {
            product ^= a;
        }
    }
    product
}

impl Reference {
    /// The number of its characters, hyphens included.
    pub const LENGTH: usize = 16;

    /// The reference as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reference {
    type Err = ParseError;

    /// Reads what a person typed or pasted: capitals or not, with hyphens of any kind or
    /// none, I and L for 1, O for 0.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |why| {
            ParseError::new(WHAT, why)
                .because("BAD_FORMAT", "ce n'est pas une référence de signalement")
        };
        let form = || refused("not of the form SIG-2026-7K3M9Q4");
        let number = pasted::number(text);
        let rest = number.strip_prefix(PREFIX).ok_or_else(form)?;
        let (year, code) = rest.split_at_checked(4).ok_or_else(form)?;
        if !year.bytes().all(|b| b.is_ascii_digit()) || code.len() != 7 {
            return Err(form());
        }
        let code: String = code
            .chars()
            .map(|character| match character {
                'I' | 'L' => '1',
                'O' => '0',
                other => other,
            })
            .collect();
        if !code.bytes().all(|byte| ALPHABET.contains(&byte)) {
            return Err(form());
        }
        let year_number = year.parse().map_err(|_| form())?;
        if !code.ends_with(check_character(year_number, &code[..6])) {
            return Err(refused("its check character is wrong"));
        }
        Ok(Self(format!("{PREFIX}-{year}-{code}")))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(Reference);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;
    use crate::pasted::tests::sprinkled;

    /// Where the year, the six characters and the check stand in the text.
    const PLACES: &[usize] = &[4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15];

    fn cipher() -> ReferenceCipher {
        ReferenceCipher::new([7; 32])
    }

    // Another permutation under the same key would give again what was given.
    #[test]
    fn a_number_keeps_its_reference_for_ever() {
        assert_eq!(cipher().reference(2026, 1).as_str(), "SIG-2026-Y0W1A0C");
        assert_eq!(
            cipher().reference(2027, 123_456_789).as_str(),
            "SIG-2027-R3WFHDA"
        );
    }

    #[test]
    fn ten_thousand_numbers_give_as_many_references_that_do_not_follow_each_other() {
        let cipher = cipher();
        let references: Vec<_> = (0..10_000).map(|n| cipher.reference(2026, n)).collect();
        let distinct: HashSet<_> = references.iter().collect();
        assert_eq!(distinct.len(), references.len());
        let ascending = references
            .windows(2)
            .filter(|pair| pair[0] < pair[1])
            .count();
        assert!(
            (4_000..6_000).contains(&ascending),
            "{ascending} of 10,000 follow in order"
        );
    }

    #[test]
    fn another_key_gives_another_order() {
        let other = ReferenceCipher::new([8; 32]);
        let same = (0..100).filter(|&n| cipher().reference(2026, n) == other.reference(2026, n));
        assert_eq!(same.count(), 0);
    }

    #[test]
    fn a_reference_is_read_as_people_type_it() {
        let with_one =
            |r: &Reference| r.as_str()[9..].contains('1') && r.as_str()[9..].contains('0');
        let reference = (0..10_000)
            .map(|n| cipher().reference(2026, n))
            .find(with_one)
            .unwrap();
        let (head, code) = reference.as_str().split_at(9);
        let typed = format!(
            " {}{} ",
            head.to_lowercase(),
            code.replace('1', "l").replace('0', "o")
        );
        assert_eq!(typed.parse(), Ok(reference));
    }

    #[test]
    fn a_reference_is_read_as_it_is_pasted_from_a_sentence() {
        let reference = cipher().reference(2026, 1);
        for text in [
            "SIG\u{2011}2026\u{2011}Y0W1A0C.",
            "« SIG–2026–Y0W1A0C »,",
            "(sig 2026 y0w1a0c)",
            "\u{202a}SIG-2026-Y0W1A0C\u{202c}",
        ] {
            assert_eq!(text.parse(), Ok(reference.clone()), "{text}");
        }
    }

    #[test]
    fn the_characters_form_a_field() {
        for a in 1..32 {
            let products: HashSet<u8> = (0..32).map(|b| multiply(a, b)).collect();
            assert_eq!(products.len(), 32, "{a} has no inverse");
        }
    }

    #[test]
    fn the_year_is_the_one_in_paris() {
        let year = |moment| cipher().reference_at(moment, 7).as_str()[4..8].to_owned();
        assert_eq!(year(datetime!(2026-12-31 22:59:59 UTC)), "2026");
        assert_eq!(year(datetime!(2026-12-31 23:00 UTC)), "2027");
    }

    proptest! {
        #[test]
        fn a_reference_survives_its_text(year in 2017_i32..2100, number in 0_u32..(1 << 30)) {
            let reference = cipher().reference(year, number);
            prop_assert_eq!(reference.as_str().parse::<Reference>().unwrap(), reference);
        }

        #[test]
        fn any_single_wrong_character_is_found(
            year in 2017_i32..2100,
            number in 0_u32..(1 << 30),
            place in prop::sample::select(PLACES),
            other in 0_usize..32,
        ) {
            let mut bytes = cipher().reference(year, number).as_str().as_bytes().to_vec();
            prop_assume!(bytes[place] != ALPHABET[other]);
            bytes[place] = ALPHABET[other];
            prop_assert!(std::str::from_utf8(&bytes).unwrap().parse::<Reference>().is_err());
        }

        #[test]
        fn two_exchanged_neighbours_are_found(
            year in 2017_i32..2100,
            number in 0_u32..(1 << 30),
            pair in 0..PLACES.len() - 1,
        ) {
            let mut bytes = cipher().reference(year, number).as_str().as_bytes().to_vec();
            let (place, next) = (PLACES[pair], PLACES[pair + 1]);
            prop_assume!(bytes[place] != bytes[next]);
            bytes.swap(place, next);
            prop_assert!(std::str::from_utf8(&bytes).unwrap().parse::<Reference>().is_err());
        }

        #[test]
        fn a_reference_is_read_whatever_is_sprinkled_over_it(
            (reference, text) in (2017_i32..2100, 0_u32..(1 << 30))
                .prop_map(|(year, number)| cipher().reference(year, number))
                .prop_flat_map(|reference| (Just(reference.clone()), sprinkled(reference.0)))
        ) {
            prop_assert_eq!(text.parse::<Reference>().unwrap(), reference);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _: Result<Reference, _> = text.parse();
        }
    }
}
