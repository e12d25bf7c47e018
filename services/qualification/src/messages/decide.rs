//! Who may post what.

use std::collections::BTreeSet;

use service::View;
use vocabulary::Role;

use super::audience::Audience;

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
}
