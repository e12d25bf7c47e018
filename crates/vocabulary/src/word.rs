//! Words with a fixed list of members, which a later release may lengthen.

use std::{
    cmp::Ordering,
    fmt,
    str::FromStr,
    sync::{PoisonError, RwLock},
};

use crate::ParseError;

/// A word of a list that may grow: one of those that this release knows, or one
/// that a later release added.
///
/// While an upgrade is under way, releases read each other's rows and events. A
/// later word is kept and handed on as it came, never dropped: a report with it
/// said something. No rule knows it, and no request may say it.
pub trait Word: Copy + fmt::Display + FromStr<Err = ParseError> + 'static {
    /// Every known member, in the order of the contract.
    const ALL: &'static [Self];

    /// The member that a later release added.
    fn later(word: LaterWord) -> Self;

    /// The number in the contracts; 0, which there is "not said", of a later word of
    /// which only the slug is known.
    fn number(self) -> i32;

    /// The known word of a number: what a request may say.
    fn known(number: i32) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|word| word.number() == number)
    }

    /// The word of a number that an event carries; `None` when it is not said.
    fn heard(number: i32) -> Option<Self> {
        let later = || Self::later(LaterWord::of_number(number));
        (number != 0).then(|| Self::known(number).unwrap_or_else(later))
    }

    /// The words of the numbers that an event carries.
    fn all_heard(numbers: &[i32]) -> impl Iterator<Item = Self> {
        numbers.iter().filter_map(|&number| Self::heard(number))
    }

    /// The word of a slug that was stored; what people type is parsed. One that an
    /// earlier release kept by its number is known to the release that has it.
    fn stored(slug: &str) -> Self {
        let word = Self::verbatim(slug);
        Self::known(word.number()).unwrap_or(word)
    }

    /// The word of a slug that was stored, which it will be written back as.
    fn verbatim(slug: &str) -> Self {
        slug.parse()
            .unwrap_or_else(|_| Self::later(LaterWord::of_slug(slug)))
    }

    /// The label for people, in French.
    fn french(self) -> &'static str;

    /// The label for people, in English.
    fn english(self) -> &'static str;
}

/// A word that a later release added, by its slug or, where it came by the wire,
/// as `number_` and its number.
///
/// It is a place among the later words that this process has met: small, as it
/// stands wherever a word may.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LaterWord(u16);

/// Every later word met so far, each kept once. They come from rows and events of
/// the suite's own, a few for each release.
static MET: RwLock<Vec<&'static str>> = RwLock::new(Vec::new());

/// How many later words are told apart: many more than releases add, so that a
/// producer gone wrong takes no memory without end. Any further one is "later".
const MOST: u16 = 4_096;

impl LaterWord {
    /// The word of a stored slug.
    pub fn of_slug(slug: &str) -> Self {
        let place = |met: &[&str]| met.iter().position(|known| *known == slug);
        let known = place(&MET.read().unwrap_or_else(PoisonError::into_inner));
        let place = known.unwrap_or_else(|| {
            let mut met = MET.write().unwrap_or_else(PoisonError::into_inner);
            // Somebody may have met it meanwhile.
            place(&met).unwrap_or_else(|| {
                let next = met.len();
                if next < usize::from(MOST) {
                    met.push(Box::leak(slug.into()));
                }
                next
            })
        });
        Self(u16::try_from(place).unwrap_or(MOST))
    }

    /// The word of a number of the wire.
    pub fn of_number(number: i32) -> Self {
        Self::of_slug(&format!("number_{number}"))
    }

    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        let met = MET.read().unwrap_or_else(PoisonError::into_inner);
        met.get(usize::from(self.0)).copied().unwrap_or("later")
    }

    /// Its number in the contracts; 0 where only its slug is known.
    pub fn number(self) -> i32 {
        let number = self.as_str().strip_prefix("number_");
        number
            .and_then(|number| number.parse().ok())
            .unwrap_or_default()
    }
}

/// By their slugs: the places differ from process to process.
impl Ord for LaterWord {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for LaterWord {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for LaterWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;

    #[test]
    fn a_later_word_of_an_event_keeps_its_number_through_its_row() {
        let heard = Origin::heard(77).unwrap();
        assert_eq!(heard.as_str(), "number_77");
        assert_eq!(Origin::stored(heard.as_str()), heard);
        assert_eq!(Origin::stored(heard.as_str()).number(), 77);
        assert_eq!(Origin::heard(-3).unwrap().number(), -3);
    }

    #[test]
    fn a_later_word_of_a_row_is_written_back_as_it_was_and_has_no_number() {
        let stored = Origin::stored("a_word_of_tomorrow");
        assert_eq!(stored.as_str(), "a_word_of_tomorrow");
        assert_eq!(stored.number(), 0);
        let json = serde_json::to_string(&stored).unwrap();
        assert_eq!(serde_json::from_str::<Origin>(&json).unwrap(), stored);
    }

    #[test]
    fn what_an_earlier_release_kept_by_its_number_is_known_to_the_one_that_has_it() {
        assert_eq!(Origin::stored("number_2"), Origin::NonMalicious);
        assert_eq!(Origin::verbatim("number_2").as_str(), "number_2");
    }

    #[test]
    fn later_words_stand_in_one_order_however_they_were_met() {
        let [late, early] = ["zz_order", "aa_order"].map(Origin::stored);
        assert!(early < late && Origin::Unknown < early);
    }

    #[test]
    fn nobody_may_say_a_later_word() {
        assert_eq!(Origin::known(77), None);
        assert!("number_77".parse::<Origin>().is_err());
        assert!("a_word_of_tomorrow".parse::<Origin>().is_err());
    }

    #[test]
    fn what_is_not_said_is_no_word() {
        assert_eq!(Origin::heard(0), None);
        assert_eq!(Origin::known(0), None);
    }

    #[test]
    fn a_later_word_differs_from_every_known_one_and_from_another() {
        let [first, second] = [77, 78].map(|number| Origin::heard(number).unwrap());
        assert_ne!(first, second);
        assert!(!Origin::ALL.contains(&first));
    }
}
