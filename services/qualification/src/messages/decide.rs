//! Who may post and read what.

use service::View;

use super::{Addressee, Audience, side::Side};

/// Why a message is not posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The author would not read the message.
    AudienceNotYours,
}

/// Decides whether a caller may write to somebody: nobody writes what they could not read.
pub(super) fn post(view: View, side: Side, to: Addressee) -> Result<(), Refusal> {
    match to {
        Addressee::Exchange(Audience::Structure) => Ok(()),
        Addressee::Exchange(Audience::Agencies) if view.agencies => Ok(()),
        Addressee::Exchange(Audience::Agencies) => Err(Refusal::AudienceNotYours),
        Addressee::Internal => notes(side).map(|_| ()),
    }
}

/// Whose internal notes a side reads: its own, and of nobody else. The structure keeps none.
pub(super) fn notes(side: Side) -> Result<Side, Refusal> {
    match side {
        Side::Structure => Err(Refusal::AudienceNotYours),
        Side::Cell | Side::SecurityOfficer | Side::Agency(_) => Ok(side),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARANT: View = View {
        contacts: true,
        people: false,
        agencies: false,
    };
    const AGENCY: View = View {
        agencies: true,
        ..DECLARANT
    };

    #[test]
    fn only_who_reads_what_agencies_say_writes_to_them_alone() {
        let to = Addressee::Exchange;
        let agency = Side::Agency("76".parse().unwrap());
        let structure = Side::Structure;
        assert_eq!(post(DECLARANT, structure, to(Audience::Structure)), Ok(()));
        assert_eq!(
            post(DECLARANT, structure, to(Audience::Agencies)),
            Err(Refusal::AudienceNotYours)
        );
        assert_eq!(post(AGENCY, agency, to(Audience::Agencies)), Ok(()));
    }

    #[test]
    fn each_organisation_but_the_structure_keeps_notes_of_its_own() {
        let agency = Side::Agency("76".parse().unwrap());
        for side in [Side::Cell, Side::SecurityOfficer, agency] {
            assert_eq!(post(AGENCY, side, Addressee::Internal), Ok(()));
            assert_eq!(notes(side), Ok(side));
        }
        let refused = Err(Refusal::AudienceNotYours);
        assert_eq!(
            post(DECLARANT, Side::Structure, Addressee::Internal),
            refused
        );
        assert_eq!(notes(Side::Structure), Err(Refusal::AudienceNotYours));
    }
}
