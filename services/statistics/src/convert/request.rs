//! What is asked, parsed once.

use platform::{Error, Result, Violations};
use proto::statistics::v1 as pb;
use vocabulary::RoutingRegion;

use crate::domain::{Along, Axis, Dimension, Month, Period};

/// The figures of a period, of a region or as far as the caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) period: Period,
    pub(crate) region: Option<RoutingRegion>,
}

/// The figures of a period along one dimension or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakdownQuery {
    pub(crate) query: Query,
    pub(crate) along: Along,
    pub(crate) second: Option<Axis>,
}

impl TryFrom<&pb::GetOverviewRequest> for Query {
    type Error = Error;

    fn try_from(request: &pb::GetOverviewRequest) -> Result<Self> {
        let mut violations = Violations::default();
        let query = query(request.period.as_ref(), &request.region, &mut violations);
        violations.into_result()?;
        Ok(query.expect("a query without violations was read"))
    }
}

impl TryFrom<&pb::GetBreakdownRequest> for BreakdownQuery {
    type Error = Error;

    fn try_from(request: &pb::GetBreakdownRequest) -> Result<Self> {
        let mut violations = Violations::default();
        let query = query(request.period.as_ref(), &request.region, &mut violations);
        let along = along(request.dimension, &mut violations);
        let second = second(request.second_dimension, along, &mut violations);
        violations.into_result()?;
        Ok(Self {
            query: query.expect("a query without violations was read"),
            along: along.expect("a query without violations was read"),
            second,
        })
    }
}

fn query(period: Option<&pb::Period>, region: &str, violations: &mut Violations) -> Option<Query> {
    let region = match region {
        "" => None,
        text => match text.parse() {
            Ok(RoutingRegion::Synthetic) | Err(_) => {
                let description = "code INSEE d'une région ou « national » attendu";
                violations.add("region", "UNKNOWN_VALUE", description);
                None
            }
            Ok(region) => Some(region),
        },
    };
    let Some(period) = period else {
        violations.add("period", "REQUIRED", "la période est requise");
        return None;
    };
    let from = month("period.from_month", &period.from_month, violations);
    let to = month("period.to_month", &period.to_month, violations);
    let (from, to) = (from?, to?);
    if to < from {
        let description = "le dernier mois précède le premier";
        violations.add("period.to_month", "OUT_OF_RANGE", description);
        return None;
    }
    let Ok(period) = Period::new(from, to) else {
        violations.add("period", "TOO_LONG", "120 mois au plus");
        return None;
    };
    Some(Query { period, region })
}

fn month(field: &str, text: &str, violations: &mut Violations) -> Option<Month> {
    if text.is_empty() {
        violations.add(field, "REQUIRED", "le mois est requis");
        return None;
    }
    let month = text.parse().ok();
    if month.is_none() {
        violations.add(
            field,
            "BAD_FORMAT",
            "mois attendu sous la forme « 2026-01 »",
        );
    }
    month
}

fn along(number: i32, violations: &mut Violations) -> Option<Along> {
    let Ok(dimension) = pb::Dimension::try_from(number) else {
        violations.add("dimension", "UNKNOWN_VALUE", "dimension inconnue");
        return None;
    };
    Some(match dimension {
        pb::Dimension::Unspecified => {
            violations.add("dimension", "REQUIRED", "la dimension est requise");
            return None;
        }
        pb::Dimension::Month => Along::Axis(Axis::Month),
        pb::Dimension::Region => Along::Axis(Axis::Region),
        pb::Dimension::StructureKind => Along::Axis(Axis::StructureKind),
        pb::Dimension::ReportKind => Along::Dimension(Dimension::ReportKind),
        pb::Dimension::Origin => Along::Dimension(Dimension::Origin),
        pb::Dimension::OriginType => Along::Dimension(Dimension::OriginType),
        pb::Dimension::DataImpact => Along::Dimension(Dimension::DataImpact),
        pb::Dimension::CareImpact => Along::Dimension(Dimension::CareImpact),
        pb::Dimension::PatientEndangerment => Along::Dimension(Dimension::PatientEndangerment),
        pb::Dimension::Severity => Along::Dimension(Dimension::Severity),
    })
}

fn second(number: i32, first: Option<Along>, violations: &mut Violations) -> Option<Axis> {
    const FIELD: &str = "second_dimension";
    let axis = match pb::Dimension::try_from(number) {
        Ok(pb::Dimension::Unspecified) => return None,
        Ok(pb::Dimension::Month) => Axis::Month,
        Ok(pb::Dimension::Region) => Axis::Region,
        Ok(pb::Dimension::StructureKind) => Axis::StructureKind,
        Ok(_) => {
            let description = "mois, région ou type de structure attendu";
            violations.add(FIELD, "OUT_OF_RANGE", description);
            return None;
        }
        Err(_) => {
            violations.add(FIELD, "UNKNOWN_VALUE", "dimension inconnue");
            return None;
        }
    };
    if first == Some(Along::Axis(axis)) {
        violations.add(FIELD, "CONFLICT", "la seconde dimension est la première");
        return None;
    }
    Some(axis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> pb::GetBreakdownRequest {
        pb::GetBreakdownRequest {
            period: Some(pb::Period {
                from_month: "2026-01".to_owned(),
                to_month: "2026-12".to_owned(),
            }),
            dimension: pb::Dimension::Origin.into(),
            second_dimension: pb::Dimension::Region.into(),
            region: "76".to_owned(),
        }
    }

    fn refusals(change: impl FnOnce(&mut pb::GetBreakdownRequest)) -> Vec<(String, &'static str)> {
        let mut request = request();
        change(&mut request);
        match BreakdownQuery::try_from(&request) {
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
        let query = BreakdownQuery::try_from(&request()).unwrap();
        assert_eq!(query.along, Along::Dimension(Dimension::Origin));
        assert_eq!(query.second, Some(Axis::Region));
        assert_eq!(
            query.query.region.map(|r| r.to_string()),
            Some("76".to_owned())
        );
    }

    #[test]
    fn each_field_is_refused_with_its_reason() {
        assert_eq!(refusals(|r| r.period = None), one("period", "REQUIRED"));
        let month = |from: &'static str, to: &'static str| {
            move |r: &mut pb::GetBreakdownRequest| {
                r.period = Some(pb::Period {
                    from_month: from.into(),
                    to_month: to.into(),
                });
            }
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
            refusals(|r| r.second_dimension = pb::Dimension::Origin.into()),
            one("second_dimension", "OUT_OF_RANGE")
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
