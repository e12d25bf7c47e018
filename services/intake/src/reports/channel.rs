//! By which way a report comes, from what its author is and says.

use time::OffsetDateTime;
use vocabulary::{Capacity, Channel, Role};

use super::{Author, OnBehalf, decide::Refusal};

/// By which way a report comes: the capacity asks for a role, a past date for
/// the importer's, and what is entered for somebody else for that of an agent or an analyst.
///
/// Somebody with several roles declares as a declarant first. Whoever imports
/// or probes may give any capacity.
pub(super) fn channel_of(
    author: &Author,
    capacity: Capacity,
    declared_at: Option<OffsetDateTime>,
    on_behalf: Option<&OnBehalf>,
) -> Result<Channel, Refusal> {
    if on_behalf.is_some() {
        return on_behalf_of(author, capacity);
    }
    if declared_at.is_some() {
        return if author.has(Role::Importer) {
            Ok(Channel::Import)
        } else {
            Err(Refusal::BackDating)
        };
    }
    let own = match capacity {
        Capacity::Director | Capacity::Delegate => Some((Role::Declarant, Channel::Declarant)),
        Capacity::Agency => Some((Role::RegionalAgent, Channel::Agency)),
        Capacity::Importer | Capacity::Later(_) => None,
    };
    own.into_iter()
        .chain([
            (Role::Importer, Channel::Import),
            (Role::Prober, Channel::Probe),
        ])
        .find_map(|(role, channel)| author.has(role).then_some(channel))
        .ok_or(if author.has(Role::Analyst) {
            Refusal::OnBehalfRequired
        } else {
            Refusal::CapacityNotYours
        })
}

/// By which way comes what somebody enters for the person who declared, whose capacity it is;
/// an agent may give his own, as without a medium. The cell's way leads everywhere.
fn on_behalf_of(author: &Author, capacity: Capacity) -> Result<Channel, Refusal> {
    let enters = [
        (Role::Analyst, Channel::Cell),
        (Role::RegionalAgent, Channel::Agency),
    ];
    if !enters.iter().any(|(role, _)| author.has(*role)) {
        return Err(Refusal::OnBehalfNotYours);
    }
    enters
        .into_iter()
        .filter(|(role, _)| match capacity {
            Capacity::Director | Capacity::Delegate => true,
            Capacity::Agency => *role == Role::RegionalAgent,
            Capacity::Importer | Capacity::Later(_) => false,
        })
        .find_map(|(role, channel)| author.has(role).then_some(channel))
        .ok_or(Refusal::CapacityNotYours)
}

#[cfg(test)]
mod tests {
    use vocabulary::Medium;

    use super::*;

    fn author(roles: &[Role]) -> Author {
        Author {
            roles: roles.iter().copied().collect(),
            ..super::super::samples::author(Role::Analyst)
        }
    }

    #[test]
    fn each_capacity_belongs_to_its_role() {
        use Capacity::{Agency, Delegate, Director, Importer};
        for (roles, capacity, expected) in [
            (&[Role::Declarant][..], Director, Ok(Channel::Declarant)),
            (&[Role::Declarant], Delegate, Ok(Channel::Declarant)),
            (&[Role::Declarant], Agency, Err(Refusal::CapacityNotYours)),
            (&[Role::Declarant], Importer, Err(Refusal::CapacityNotYours)),
            (&[Role::RegionalAgent], Agency, Ok(Channel::Agency)),
            (
                &[Role::RegionalAgent],
                Director,
                Err(Refusal::CapacityNotYours),
            ),
            (
                &[Role::RegionalAgent, Role::Declarant],
                Director,
                Ok(Channel::Declarant),
            ),
            (
                &[Role::RegionalAgent, Role::Declarant],
                Agency,
                Ok(Channel::Agency),
            ),
            (&[Role::Importer], Importer, Ok(Channel::Import)),
            (&[Role::Importer], Agency, Ok(Channel::Import)),
            (&[Role::Importer], Delegate, Ok(Channel::Import)),
            (
                &[Role::Importer, Role::Declarant],
                Director,
                Ok(Channel::Declarant),
            ),
            (
                &[Role::Importer, Role::Declarant],
                Importer,
                Ok(Channel::Import),
            ),
            (&[Role::Prober], Director, Ok(Channel::Probe)),
            (&[Role::Prober], Importer, Ok(Channel::Probe)),
            (
                &[Role::Prober, Role::Declarant],
                Director,
                Ok(Channel::Declarant),
            ),
            (&[Role::Analyst], Director, Err(Refusal::OnBehalfRequired)),
            (
                &[Role::Analyst, Role::RegionalAgent],
                Agency,
                Ok(Channel::Agency),
            ),
            (
                &[Role::SecurityOfficer],
                Director,
                Err(Refusal::CapacityNotYours),
            ),
        ] {
            assert_eq!(
                channel_of(&author(roles), capacity, None, None),
                expected,
                "{roles:?} {capacity:?}"
            );
        }
    }

    #[test]
    fn only_an_importer_gives_a_past_date() {
        let then = Some(OffsetDateTime::UNIX_EPOCH);
        for &role in Role::ALL {
            let channel = channel_of(&author(&[role]), Capacity::Director, then, None);
            let expected = if role == Role::Importer {
                Ok(Channel::Import)
            } else {
                Err(Refusal::BackDating)
            };
            assert_eq!(channel, expected, "{role}");
        }
        let both = author(&[Role::Importer, Role::Declarant]);
        assert_eq!(
            channel_of(&both, Capacity::Director, then, None),
            Ok(Channel::Import)
        );
    }
    #[test]
    fn agents_and_analysts_enter_what_others_declare() {
        use Capacity::{Agency, Delegate, Director, Importer};
        let on_behalf = OnBehalf {
            medium: Medium::Telephone,
            received_at: None,
        };
        for (roles, capacity, expected) in [
            (&[Role::Analyst][..], Director, Ok(Channel::Cell)),
            (&[Role::Analyst], Delegate, Ok(Channel::Cell)),
            (&[Role::Analyst], Agency, Err(Refusal::CapacityNotYours)),
            (&[Role::Analyst], Importer, Err(Refusal::CapacityNotYours)),
            (&[Role::RegionalAgent], Director, Ok(Channel::Agency)),
            (&[Role::RegionalAgent], Agency, Ok(Channel::Agency)),
            (
                &[Role::Analyst, Role::RegionalAgent],
                Director,
                Ok(Channel::Cell),
            ),
            (
                &[Role::Analyst, Role::RegionalAgent],
                Agency,
                Ok(Channel::Agency),
            ),
            (
                &[Role::Declarant, Role::RegionalAgent],
                Director,
                Ok(Channel::Agency),
            ),
            (&[Role::Declarant], Director, Err(Refusal::OnBehalfNotYours)),
            (&[Role::Importer], Importer, Err(Refusal::OnBehalfNotYours)),
            (&[Role::Prober], Director, Err(Refusal::OnBehalfNotYours)),
        ] {
            assert_eq!(
                channel_of(&author(roles), capacity, None, Some(&on_behalf)),
                expected,
                "{roles:?} {capacity:?}"
            );
        }
    }
}
