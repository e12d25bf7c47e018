//! Who may post what.

use std::collections::BTreeSet;

use service::View;
use vocabulary::Role;

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

/// The role in which a caller writes: the one that leads the case, of several.
pub(super) fn author_role(roles: &BTreeSet<Role>) -> Role {
    let by_rank = [
        Role::Analyst,
        Role::SecurityOfficer,
        Role::RegionalAgent,
        Role::Declarant,
    ];
    by_rank
        .into_iter()
        .find(|role| roles.contains(role))
        .unwrap_or(Role::Anyone)
}

#[cfg(test)]
mod tests {
    use service::Parties;

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

    #[test]
    fn an_author_with_several_roles_writes_in_the_one_that_leads() {
        let roles = [Role::Declarant, Role::Analyst, Role::RegionalAgent];
        assert_eq!(author_role(&roles.into()), Role::Analyst);
        assert_eq!(author_role(&[Role::Declarant].into()), Role::Declarant);
    }

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
