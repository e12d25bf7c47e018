//! Who may post what.

use service::View;

use super::Audience;

/// Why a message is not posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The author would not read the message.
    AudienceNotYours,
}

/// Decides whether a caller may write to an audience: nobody writes what they could
/// not read.
pub(super) fn post(view: View, audience: Audience) -> Result<(), Refusal> {
    match audience {
        Audience::Structure => Ok(()),
        Audience::Agencies if view.agencies => Ok(()),
        Audience::Agencies => Err(Refusal::AudienceNotYours),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_reads_what_agencies_say_writes_to_them_alone() {
        let declarant = View {
            contacts: true,
            ..View::default()
        };
        let agency = View {
            agencies: true,
            ..declarant
        };
        assert_eq!(post(declarant, Audience::Structure), Ok(()));
        assert_eq!(
            post(declarant, Audience::Agencies),
            Err(Refusal::AudienceNotYours)
        );
        assert_eq!(post(agency, Audience::Agencies), Ok(()));
    }
}
