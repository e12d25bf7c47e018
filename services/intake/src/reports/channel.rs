//! By which way a report comes, from what its author is and says.

use time::OffsetDateTime;
use vocabulary::{Capacity, Channel, Role};

use super::{Author, decide::Refusal};

/// By which way a report comes: the capacity asks for a role, a past date for
/// the importer's.
///
/// Somebody with several roles declares as a declarant first. Whoever imports
/// or probes may give any capacity.
pub(super) fn channel_of(
    author: &Author,
    capacity: Capacity,
    declared_at: Option<OffsetDateTime>,
) -> Result<Channel, Refusal> {
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
        .ok_or(Refusal::CapacityNotYours)
}

#[cfg(test)]
mod tests {
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
            (&[Role::Analyst], Director, Err(Refusal::CapacityNotYours)),
        ] {
            assert_eq!(
                channel_of(&author(roles), capacity, None),
                expected,
                "{roles:?} {capacity:?}"
            );
        }
    }

    #[test]
    fn only_an_importer_gives_a_past_date() {
        let then = Some(OffsetDateTime::UNIX_EPOCH);
        for &role in Role::ALL {
            let channel = channel_of(&author(&[role]), Capacity::Director, then);
            let expected = if role == Role::Importer {
                Ok(Channel::Import)
            } else {
                Err(Refusal::BackDating)
            };
            assert_eq!(channel, expected, "{role}");
        }
        let both = author(&[Role::Importer, Role::Declarant]);
        assert_eq!(
            channel_of(&both, Capacity::Director, then),
            Ok(Channel::Import)
        );
    }
}
