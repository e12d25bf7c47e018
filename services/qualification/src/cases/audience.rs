//! Who reads what is said and done on a case.

use service::Parties;
use vocabulary::Party;

/// Who reads a message, or knows of an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The structure, the cell, the FSSI and the agencies.
    Structure,
    /// The cell, the FSSI and the agencies. Also what a later release stored under
    /// another word: nobody else may read it.
    Agencies,
}

impl Audience {
    /// The slug, as stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Agencies => "agencies",
        }
    }

    /// The audience of a stored slug.
    pub(crate) fn stored(slug: &str) -> Self {
        if slug == Self::Structure.as_str() {
            Self::Structure
        } else {
            Self::Agencies
        }
    }

    /// Which of the parties of a case read such a message. The health authority follows
    /// cases and not their exchanges.
    pub(crate) fn readers(self, of_the_case: &Parties) -> Vec<String> {
        let mut slugs = of_the_case.slugs();
        slugs.retain(|slug| match slug.parse() {
            Ok(Party::Cell | Party::SecurityOfficer | Party::Region(_)) => true,
            Ok(Party::Subject(_) | Party::Structure(_) | Party::Probe) => self == Self::Structure,
            _ => false,
        });
        slugs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_is_those_of_the_case_that_belong_to_it() {
        let parties: Parties = [
            "cell",
            "fssi",
            "ars:76",
            "dgs",
            "subject:d1",
            "structure:finess:010000024",
            "regulator:eu",
        ]
        .map(str::to_owned)
        .into_iter()
        .collect();
        assert_eq!(
            Audience::Agencies.readers(&parties),
            ["ars:76", "cell", "fssi"]
        );
        assert_eq!(
            Audience::Structure.readers(&parties),
            [
                "ars:76",
                "cell",
                "fssi",
                "structure:finess:010000024",
                "subject:d1"
            ]
        );
    }

    #[test]
    fn an_audience_of_a_later_release_is_kept_from_the_structure() {
        assert_eq!(Audience::stored("one_agency"), Audience::Agencies);
        for audience in [Audience::Structure, Audience::Agencies] {
            assert_eq!(Audience::stored(audience.as_str()), audience);
        }
    }
}
