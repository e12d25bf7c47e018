//! What is asked, parsed once.

use platform::{Result, Violations};
use prost_types::Timestamp;
use proto::statistics::v1 as pb;
use time::OffsetDateTime;
use vocabulary::RoutingRegion;

use super::{
    Filter, GroupBy, GroupKey,
    period::{Month, Period},
};

/// The most values of a filter.
const MOST_VALUES: usize = 50;

/// Which figures are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) period: Period,
    /// Nothing: as far as the caller sees.
    pub(super) region: Option<RoutingRegion>,
    pub(super) filters: Vec<Filter>,
    pub(super) as_known_at: Option<OffsetDateTime>,
}

/// Reads what is asked of an overview at `now`.
pub(super) fn overview(request: &pb::GetOverviewRequest, now: OffsetDateTime) -> Result<Query> {
    let mut violations = Violations::default();
    let query = query(
        request.period.as_ref(),
        &request.region,
        &request.filters,
        request.as_known_at.as_ref(),
        now,
        &mut violations,
    );
    violations.into_result()?;
    Ok(query.expect("a query without violations was read"))
}

/// Reads what is asked of a breakdown at `now`.
pub(super) fn breakdown(
    request: &pb::GetBreakdownRequest,
    now: OffsetDateTime,
) -> Result<(Query, GroupBy)> {
    let mut violations = Violations::default();
    let query = query(
        request.period.as_ref(),
        &request.region,
        &request.filters,
        request.as_known_at.as_ref(),
        now,
        &mut violations,
    );
    let first = group_key("dimension", request.dimension, &mut violations);
    if request.dimension == 0 {
        violations.add("dimension", "REQUIRED", "la dimension est requise");
    }
    let second = group_key(
        "second_dimension",
        request.second_dimension,
        &mut violations,
    );
    if first.is_some() && first == second {
        let description = "la seconde dimension est la première";
        violations.add("second_dimension", "CONFLICT", description);
    }
    violations.into_result()?;
    let first = first.expect("a query without violations was read");
    let query = query.expect("a query without violations was read");
    Ok((query, GroupBy { first, second }))
}

fn query(
    period: Option<&pb::Period>,
    region: &str,
    filters: &[pb::Filter],
    as_known_at: Option<&Timestamp>,
    now: OffsetDateTime,
    violations: &mut Violations,
) -> Option<Query> {
    let region = parse_region(region, violations);
    let period = parse_period(period, violations);
    let filters = parse_filters(filters, violations);
    let as_known_at = as_known_at.and_then(|at| parse_moment(at, now, violations));
    Some(Query {
        period: period?,
        region,
        filters,
        as_known_at,
    })
}

fn parse_region(region: &str, violations: &mut Violations) -> Option<RoutingRegion> {
    match region {
        "" => None,
        text => match text.parse() {
            Ok(RoutingRegion::Synthetic) | Err(_) => {
                let description = "code INSEE d'une région ou « national » attendu";
                violations.add("region", "UNKNOWN_VALUE", description);
                None
            }
            Ok(region) => Some(region),
        },
    }
}

fn parse_period(period: Option<&pb::Period>, violations: &mut Violations) -> Option<Period> {
    let Some(period) = period else {
        violations.add("period", "REQUIRED", "la période est requise");
        return None;
    };
    let from = parse_month("period.from_month", &period.from_month, violations);
    let to = parse_month("period.to_month", &period.to_month, violations);
    let (from, to) = (from?, to?);
    if to < from {
        let description = "le dernier mois précède le premier";
        violations.add("period.to_month", "OUT_OF_RANGE", description);
        return None;
    }
    let period = Period::new(from, to);
    if period.is_err() {
        violations.add("period", "TOO_LONG", "120 mois au plus");
    }
    period.ok()
}

fn parse_month(field: &str, text: &str, violations: &mut Violations) -> Option<Month> {
    if text.is_empty() {
        violations.add(field, "REQUIRED", "le mois est requis");
        return None;
    }
    let month = text.parse().ok();
    if month.is_none() {
        let description = "mois attendu sous la forme « 2026-01 »";
        violations.add(field, "BAD_FORMAT", description);
    }
    month
}

fn parse_filters(filters: &[pb::Filter], violations: &mut Violations) -> Vec<Filter> {
    let mut read: Vec<Filter> = Vec::new();
    for (index, filter) in filters.iter().enumerate() {
        let field = format!("filters[{index}].dimension");
        if filter.dimension == 0 {
            violations.add(field, "REQUIRED", "la dimension est requise");
            continue;
        }
        let Some(key) = group_key(&field, filter.dimension, violations) else {
            continue;
        };
        if read.iter().any(|other| other.key == key) {
            violations.add(field, "DUPLICATE", "cette dimension est déjà filtrée");
            continue;
        }
        let Some(is_value) = key.is_value else {
            let description = "la période et la région ont leur propre champ";
            violations.add(field, "OUT_OF_RANGE", description);
            continue;
        };
        let field = format!("filters[{index}].values");
        match filter.values.len() {
            0 => violations.add(field, "REQUIRED", "au moins une valeur est requise"),
            1..=MOST_VALUES => {
                for (place, value) in filter.values.iter().enumerate() {
                    if !is_value(value) {
                        let field = format!("{field}[{place}]");
                        violations.add(field, "UNKNOWN_VALUE", "cette valeur n'existe pas");
                    }
                }
            }
            _ => violations.add(field, "TOO_MANY", "au plus 50 valeurs"),
        }
        read.push(Filter {
            key,
            values: filter.values.clone(),
        });
    }
    read
}

fn parse_moment(
    at: &Timestamp,
    now: OffsetDateTime,
    violations: &mut Violations,
) -> Option<OffsetDateTime> {
    const FIELD: &str = "as_known_at";
    let nanoseconds = i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos);
    let moment = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok();
    match moment.filter(|at| at.year() >= 2000) {
        None => violations.add(
            FIELD,
            "OUT_OF_RANGE",
            "moment à partir de l'an 2000 attendu",
        ),
        Some(at) if at > now => violations.add(FIELD, "IN_FUTURE", "ce moment est dans le futur"),
        Some(_) => {}
    }
    moment
}

/// The dimension of a number; nothing where none is named.
fn group_key(field: &str, number: i32, violations: &mut Violations) -> Option<GroupKey> {
    let Ok(dimension) = pb::Dimension::try_from(number) else {
        violations.add(field, "UNKNOWN_VALUE", "dimension inconnue");
        return None;
    };
    let name = dimension.as_str_name().strip_prefix("DIMENSION_")?;
    GroupKey::named(&name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use platform::Error;
    use time::macros::datetime;

    use super::{super::DIMENSIONS, *};

    const NOW: OffsetDateTime = datetime!(2026-11-23 08:00 UTC);

    fn request() -> pb::GetBreakdownRequest {
        pb::GetBreakdownRequest {
            period: Some(period("2026-01", "2026-12")),
            dimension: pb::Dimension::Origin.into(),
            second_dimension: pb::Dimension::Region.into(),
            region: "76".to_owned(),
            filters: vec![filter(
                pb::Dimension::CareImpact,
                &["degraded_mode", "not_said"],
            )],
            as_known_at: Some(seconds(NOW.unix_timestamp())),
        }
    }

    fn period(from: &str, to: &str) -> pb::Period {
        pb::Period {
            from_month: from.to_owned(),
            to_month: to.to_owned(),
            to_day: String::new(),
        }
    }

    fn filter(dimension: pb::Dimension, values: &[&str]) -> pb::Filter {
        pb::Filter {
            dimension: dimension.into(),
            values: values.iter().map(|&value| value.to_owned()).collect(),
        }
    }

    fn seconds(seconds: i64) -> Timestamp {
        Timestamp { seconds, nanos: 0 }
    }

    fn refusals(change: impl FnOnce(&mut pb::GetBreakdownRequest)) -> Vec<(String, &'static str)> {
        let mut request = request();
        change(&mut request);
        match breakdown(&request, NOW) {
            Err(Error::Invalid(violations)) => violations
                .iter()
                .map(|v| (v.field.clone(), v.reason))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    fn one(field: &str, reason: &'static str) -> Vec<(String, &'static str)> {
        vec![(field.to_owned(), reason)]
    }

    #[test]
    fn a_whole_request_is_read() {
        let (query, group_by) = breakdown(&request(), NOW).unwrap();
        assert_eq!(group_by.first.name, "origin");
        assert_eq!(group_by.second, GroupKey::named("region"));
        assert_eq!(query.region.map(|r| r.to_string()), Some("76".to_owned()));
        assert_eq!(query.filters[0].key.name, "care_impact");
        assert_eq!(query.filters[0].values, ["degraded_mode", "not_said"]);
        assert_eq!(query.as_known_at, Some(NOW));
    }

    #[test]
    fn every_dimension_of_the_contract_is_known() {
        let numbers = (1..).take_while(|&number| pb::Dimension::try_from(number).is_ok());
        let known = numbers.map(|number| group_key("", number, &mut Violations::default()));
        let names: Vec<_> = known.map(|key| key.unwrap().name).collect();
        assert_eq!(names, DIMENSIONS.map(|key| key.name));
    }

    #[test]
    fn each_field_is_refused_with_its_reason() {
        assert_eq!(refusals(|r| r.period = None), one("period", "REQUIRED"));
        let month = |from: &'static str, to: &'static str| {
            move |r: &mut pb::GetBreakdownRequest| r.period = Some(period(from, to))
        };
        assert_eq!(
            refusals(month("", "2026-01")),
            one("period.from_month", "REQUIRED")
        );
        assert_eq!(
            refusals(month("2026-01", "12/2026")),
            one("period.to_month", "BAD_FORMAT")
        );
        assert_eq!(
            refusals(month("2026-02", "2026-01")),
            one("period.to_month", "OUT_OF_RANGE")
        );
        assert_eq!(
            refusals(month("2016-01", "2026-01")),
            one("period", "TOO_LONG")
        );
        assert_eq!(refusals(|r| r.dimension = 0), one("dimension", "REQUIRED"));
        assert_eq!(
            refusals(|r| r.dimension = 99),
            one("dimension", "UNKNOWN_VALUE")
        );
        assert_eq!(
            refusals(|r| r.second_dimension = 99),
            one("second_dimension", "UNKNOWN_VALUE")
        );
        assert_eq!(
            refusals(|r| r.dimension = pb::Dimension::Region.into()),
            one("second_dimension", "CONFLICT")
        );
        assert_eq!(
            refusals(|r| r.region = "77".into()),
            one("region", "UNKNOWN_VALUE")
        );
        assert_eq!(
            refusals(|r| r.region = "synthetic".into()),
            one("region", "UNKNOWN_VALUE")
        );
    }

    #[test]
    fn a_filter_is_refused_with_the_place_of_what_is_wrong() {
        use pb::Dimension::{CareImpact, Month, Origin, Region, Severity, Unspecified};
        let filters = |filters: &[pb::Filter]| {
            let filters = filters.to_vec();
            refusals(|r| r.filters = filters)
        };
        let (dimension, values) = ("filters[0].dimension", "filters[0].values");
        assert_eq!(
            filters(&[filter(Unspecified, &["x"])]),
            one(dimension, "REQUIRED")
        );
        for own_field in [Month, Region] {
            let own_field = filter(own_field, &["76"]);
            assert_eq!(filters(&[own_field]), one(dimension, "OUT_OF_RANGE"));
        }
        assert_eq!(filters(&[filter(Origin, &[])]), one(values, "REQUIRED"));
        let many = [&["malicious"; MOST_VALUES][..], &["unknown"]].concat();
        assert_eq!(filters(&[filter(Origin, &many)]), one(values, "TOO_MANY"));
        let typo = filter(Origin, &["malicious", "malcious"]);
        let place = "filters[0].values[1]";
        assert_eq!(filters(&[typo]), one(place, "UNKNOWN_VALUE"));
        // A severity is never unsaid.
        let unsaid = filter(Severity, &["not_said"]);
        assert_eq!(
            filters(&[unsaid]),
            one(&format!("{values}[0]"), "UNKNOWN_VALUE")
        );
        let twice = [CareImpact, CareImpact].map(|it| filter(it, &["not_said"]));
        assert_eq!(filters(&twice), one("filters[1].dimension", "DUPLICATE"));
    }

    #[test]
    fn a_filter_may_ask_for_a_word_of_a_later_release() {
        let mut request = request();
        request.filters = vec![filter(pb::Dimension::Origin, &["number_77"])];
        assert!(breakdown(&request, NOW).is_ok());
    }

    #[test]
    fn nothing_is_known_yet_of_the_future() {
        let at = |at| refusals(|r| r.as_known_at = Some(at));
        let second = NOW.unix_timestamp() + 1;
        assert_eq!(at(seconds(second)), one("as_known_at", "IN_FUTURE"));
        for never in [i64::MIN, 0, i64::MAX] {
            assert_eq!(at(seconds(never)), one("as_known_at", "OUT_OF_RANGE"));
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let all = refusals(|r| {
            r.period = None;
            r.region = "x".into();
            r.dimension = 0;
            r.second_dimension = 99;
        });
        assert_eq!(all.len(), 4);
    }
}
