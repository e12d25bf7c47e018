//! Who delegates, to whom and for how long.

use time::{Duration, OffsetDateTime};
use vocabulary::{Role, StructureKey};

use super::Delegation;
use crate::{
    reports::{Author, CLOCK_DRIFT, is_placeholder},
    structures::Structure,
};

/// The longest delegation: one year, also over a leap day.
const LONGEST: Duration = Duration::days(366);
/// How many delegations of a structure that have not ended there are at most.
pub(super) const MOST: i64 = 50;

/// Why nothing is granted or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The caller neither directs the structure by his token nor is its agency.
    NotYours,
    /// It would begin before now.
    InPast,
    /// Its end is past or does not follow its beginning.
    EndsTooSoon,
    /// It would last more than a year.
    TooLong,
    /// Nobody delegates to himself.
    ToOneself,
    /// The structure has as many as it may.
    TooMany,
    /// It has ended.
    Ended,
}

/// The role in which a caller delegates for a site: as one whose own token names it, else as the
/// agent of its region. What was delegated to him counts for nothing.
pub(super) fn granting_role(site: &Structure, caller: &Author) -> Option<Role> {
    let siret = site.siret.filter(|siret| !is_placeholder(siret));
    let keys = [
        Some(site.key()),
        siret.map(StructureKey::Siret),
        site.legal_entity_key(),
    ];
    let directs = keys
        .iter()
        .flatten()
        .any(|key| caller.structures.contains(key));
    let is_agency = site.region.is_some() && caller.region == site.region;
    [(Role::Declarant, directs), (Role::RegionalAgent, is_agency)]
        .into_iter()
        .find_map(|(role, may)| (may && caller.roles.contains(&role)).then_some(role))
}

/// From when until when a delegation runs.
pub(super) fn span(
    from: Option<OffsetDateTime>,
    until: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(OffsetDateTime, OffsetDateTime), Refusal> {
    if from.is_some_and(|from| now - from > CLOCK_DRIFT) {
        return Err(Refusal::InPast);
    }
    let from = from.unwrap_or(now).max(now);
    if until <= from {
        return Err(Refusal::EndsTooSoon);
    }
    if until - from > LONGEST {
        return Err(Refusal::TooLong);
    }
    Ok((from, until))
}

/// Whether a delegation runs at a moment.
pub(super) fn runs(delegation: &Delegation, now: OffsetDateTime) -> bool {
    delegation.ended_at.is_none() && delegation.from <= now && now < delegation.until
}

/// The delegation once it is ended.
pub(super) fn end(delegation: Delegation, now: OffsetDateTime) -> Result<Delegation, Refusal> {
    if delegation.ended_at.is_some() || delegation.until <= now {
        return Err(Refusal::Ended);
    }
    Ok(Delegation {
        ended_at: Some(now),
        ..delegation
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::samples::{NOW, author, entry};

    #[test]
    fn those_whom_their_token_links_and_the_agency_delegate_and_nobody_else() {
        let site = entry();
        let of = |role| granting_role(&site, &author(role));
        assert_eq!(of(Role::Declarant), Some(Role::Declarant));
        assert_eq!(of(Role::RegionalAgent), Some(Role::RegionalAgent));
        for role in [Role::Analyst, Role::SecurityOfficer, Role::Importer] {
            assert_eq!(of(role), None, "{role}");
        }
        let entity = Author {
            structures: site.legal_entity_key().into_iter().collect(),
            ..author(Role::Declarant)
        };
        assert_eq!(granting_role(&site, &entity), Some(Role::Declarant));
        let stranger = Author {
            structures: [].into(),
            ..author(Role::Declarant)
        };
        assert_eq!(granting_role(&site, &stranger), None);
        let elsewhere = Structure {
            region: "76".parse().ok(),
            ..site.clone()
        };
        assert_eq!(
            granting_role(&elsewhere, &author(Role::RegionalAgent)),
            None
        );
        // A site without a region is no agency's, not even that of an agent without one.
        let islands = Structure {
            region: None,
            ..site
        };
        let nowhere = Author {
            region: None,
            ..author(Role::RegionalAgent)
        };
        assert_eq!(granting_role(&islands, &nowhere), None);
    }

    #[test]
    fn a_delegation_runs_at_most_a_year_from_now_on() {
        let year = NOW + LONGEST;
        assert_eq!(span(None, year, NOW), Ok((NOW, year)));
        assert_eq!(span(Some(NOW - CLOCK_DRIFT), year, NOW), Ok((NOW, year)));
        let second = Duration::seconds(1);
        for (from, until, refused) in [
            (None, year + second, Refusal::TooLong),
            (None, NOW, Refusal::EndsTooSoon),
            (Some(NOW + second), NOW + second, Refusal::EndsTooSoon),
            (Some(NOW - CLOCK_DRIFT - second), year, Refusal::InPast),
        ] {
            assert_eq!(span(from, until, NOW), Err(refused));
        }
    }

    #[test]
    fn a_delegation_runs_from_its_beginning_until_its_end_and_is_ended_once() {
        let until = NOW + Duration::days(30);
        let granted = Delegation {
            id: uuid::Uuid::from_u128(1),
            finess: entry().finess,
            delegate: None,
            from: NOW,
            until,
            granted_at: NOW,
            granted_by: "alice".to_owned(),
            granted_as: Role::Declarant,
            ended_at: None,
        };
        let before = Duration::microseconds(1);
        for (at, running) in [
            (NOW - before, false),
            (NOW, true),
            (until - before, true),
            (until, false),
        ] {
            assert_eq!(runs(&granted, at), running, "{at}");
        }
        assert_eq!(end(granted.clone(), until), Err(Refusal::Ended));
        let ended = end(granted, NOW).unwrap();
        assert!(!runs(&ended, NOW));
        assert_eq!(end(ended, NOW), Err(Refusal::Ended));
    }
}
