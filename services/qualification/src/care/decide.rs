//! Who may record which consequence, and what may become of it.

use service::Parties;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Party, Region, Role};

use super::{Consequence, Draft};

/// What is asked of consequences for care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Record one.
    Record {
        /// The case.
        case_id: Uuid,
        /// Where care is touched, where it is said.
        region: Option<Region>,
        /// What is said of it.
        draft: Draft,
    },
    /// Correct one.
    Update {
        /// Which.
        which: Which,
        /// All that is said of it from now on.
        draft: Draft,
        /// When it ended, where that is corrected too.
        ended_at: Option<OffsetDateTime>,
    },
    /// Say when one ended.
    End {
        /// Which.
        which: Which,
        /// When.
        ended_at: OffsetDateTime,
    },
}

/// Which consequence is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Which {
    /// Its id.
    pub(super) id: Uuid,
    /// The etag that it must still have; any when `None`.
    pub(super) etag: Option<String>,
}

/// Why a command is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// An agent acts for the own region alone.
    RegionNotYours,
    /// The agency of that region does not see the case.
    RegionDoesNotSee,
    /// It has ended already.
    Ended,
    /// It goes on: its end cannot be corrected.
    GoesOn,
    /// It would end before it begins.
    EndsBeforeItBegins,
}

/// The region in which a consequence is recorded: an agent's own, and for the cell one
/// whose agency sees the case, by default the one where the report is routed.
pub(super) fn region(
    role: Role,
    own: Option<Region>,
    asked: Option<Region>,
    routed: Option<Region>,
    seen_by: &Parties,
) -> Result<Option<Region>, Refusal> {
    if role != Role::Analyst {
        return match asked {
            Some(region) if own != Some(region) => Err(Refusal::RegionNotYours),
            _ => Ok(own),
        };
    }
    match asked {
        Some(region) if !seen_by.contains(&Party::Region(region)) => Err(Refusal::RegionDoesNotSee),
        Some(region) => Ok(Some(region)),
        None => Ok(routed),
    }
}

/// Whether a caller may change a consequence: an agent those of the own region.
pub(super) fn may_change(
    role: Role,
    own: Option<Region>,
    consequence: &Consequence,
) -> Result<(), Refusal> {
    if role == Role::Analyst || own.is_some() && own == consequence.region {
        Ok(())
    } else {
        Err(Refusal::RegionNotYours)
    }
}

/// Corrects a consequence; its texts are sealed anew by the caller.
pub(super) fn update(
    consequence: &Consequence,
    draft: &Draft,
    ended_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<Consequence, Refusal> {
    if ended_at.is_some() && consequence.ended_at.is_none() {
        return Err(Refusal::GoesOn);
    }
    let corrected = Consequence {
        kind: draft.kind,
        persons: draft.persons,
        begun_at: draft.begun_at,
        ended_at: ended_at.or(consequence.ended_at),
        ..changed(consequence, now)
    };
    ends_after_it_begins(corrected)
}

/// Ends a consequence.
pub(super) fn end(
    consequence: &Consequence,
    ended_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<Consequence, Refusal> {
    if consequence.ended_at.is_some() {
        return Err(Refusal::Ended);
    }
    ends_after_it_begins(Consequence {
        ended_at: Some(ended_at),
        ..changed(consequence, now)
    })
}

fn ends_after_it_begins(consequence: Consequence) -> Result<Consequence, Refusal> {
    match consequence.ended_at {
        Some(ended_at) if ended_at < consequence.begun_at => Err(Refusal::EndsBeforeItBegins),
        _ => Ok(consequence),
    }
}

fn changed(consequence: &Consequence, now: OffsetDateTime) -> Consequence {
    Consequence {
        revision: consequence.revision + 1,
        // The moment of a command that waited its turn may lie behind that of the
        // change it waited for.
        changed_at: now.max(consequence.changed_at),
        ..consequence.clone()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::{Duration, macros::datetime};
    use vocabulary::CareConsequenceKind;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);

    fn consequence() -> Consequence {
        Consequence {
            id: Uuid::from_u128(1),
            case_id: Uuid::from_u128(17),
            number: 1,
            revision: 1,
            region: Some(occitanie()),
            kind: CareConsequenceKind::ServiceDegraded,
            persons: Some(12),
            begun_at: START,
            ended_at: None,
            author_role: Role::RegionalAgent,
            author: "agent-76".to_owned(),
            recorded_at: START,
            changed_at: START,
            sealed_texts: Vec::new(),
        }
    }

    fn draft(begun_at: OffsetDateTime) -> Draft {
        Draft {
            kind: CareConsequenceKind::ServiceClosed,
            service_name: None,
            description: "Bloc fermé".to_owned().try_into().unwrap(),
            persons: None,
            begun_at,
        }
    }

    fn occitanie() -> Region {
        "76".parse().unwrap()
    }

    fn normandie() -> Region {
        "28".parse().unwrap()
    }

    fn parties(slugs: &[&str]) -> Parties {
        slugs.iter().map(|&slug| slug.to_owned()).collect()
    }

    #[test]
    fn an_agent_records_for_the_own_region_and_for_no_other() {
        let seen_by = parties(&["ars:28", "ars:76", "cell"]);
        let own = Some(occitanie());
        let of = |asked| region(Role::RegionalAgent, own, asked, Some(normandie()), &seen_by);
        assert_eq!(of(None), Ok(own));
        assert_eq!(of(own), Ok(own));
        assert_eq!(of(Some(normandie())), Err(Refusal::RegionNotYours));
    }

    #[test]
    fn the_cell_records_for_a_region_that_sees_the_case_by_default_the_one_of_the_report() {
        let seen_by = parties(&["ars:28", "ars:76", "cell"]);
        let of = |asked, routed| region(Role::Analyst, None, asked, routed, &seen_by);
        let (occitanie, normandie) = (Some(occitanie()), Some(normandie()));
        assert_eq!(of(normandie, occitanie), Ok(normandie));
        assert_eq!(of(None, occitanie), Ok(occitanie));
        assert_eq!(of(None, None), Ok(None));
        let bretagne = Some("53".parse().unwrap());
        assert_eq!(of(bretagne, occitanie), Err(Refusal::RegionDoesNotSee));
    }

    #[test]
    fn an_agent_changes_what_the_own_region_recorded_and_the_cell_anything() {
        let of = |role, own| may_change(role, own, &consequence());
        assert_eq!(of(Role::RegionalAgent, Some(occitanie())), Ok(()));
        assert_eq!(of(Role::Analyst, None), Ok(()));
        for own in [Some(normandie()), None] {
            let refused = of(Role::RegionalAgent, own);
            assert_eq!(refused, Err(Refusal::RegionNotYours));
        }
        let nowhere = Consequence {
            region: None,
            ..consequence()
        };
        let refused = may_change(Role::RegionalAgent, None, &nowhere);
        assert_eq!(refused, Err(Refusal::RegionNotYours));
    }

    #[test]
    fn what_has_ended_ends_once_and_its_end_is_corrected() {
        let hour = Duration::HOUR;
        let ended = end(&consequence(), START + hour, START + hour).unwrap();
        assert_eq!(ended.ended_at, Some(START + hour));
        assert_eq!(end(&ended, START + hour, START + hour), Err(Refusal::Ended));
        let corrected = update(
            &ended,
            &draft(START),
            Some(START + hour * 2),
            START + hour * 3,
        );
        let corrected = corrected.unwrap();
        assert_eq!(corrected.ended_at, Some(START + hour * 2));
        assert_eq!((corrected.revision, corrected.persons), (3, None));
        let kept = update(&corrected, &draft(START), None, START + hour * 3).unwrap();
        assert_eq!(kept.ended_at, corrected.ended_at);
        let early = update(&consequence(), &draft(START), Some(START), START);
        assert_eq!(early, Err(Refusal::GoesOn));
    }

    proptest! {
        #[test]
        fn nothing_ends_before_it_begins(begin in -90..90_i64, ends in -90..90_i64, later in -90..90_i64) {
            let at = |minutes| START + Duration::minutes(minutes);
            let consequence = Consequence { begun_at: at(begin), ..consequence() };
            let ended = end(&consequence, at(ends), START);
            prop_assert_eq!(ended.is_ok(), ends >= begin);
            if let Ok(ended) = ended {
                let moved = update(&ended, &draft(at(later)), None, START);
                prop_assert_eq!(moved.is_ok(), ends >= later);
            }
        }
    }
}
