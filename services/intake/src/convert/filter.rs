//! Which reports a request asks for, parsed.

use platform::{Error, Result, Violations};
use proto::intake::v1 as pb;
use service::Fields;
use vocabulary::{ParseError, ReportKind, is_empty_text, parse_uuid};

use crate::domain::{Filter, ReportState, Wanted};

/// Parses the id or the reference of the wanted report.
pub(crate) fn wanted_report(text: &str) -> Result<Wanted> {
    if is_empty_text(text) {
        return Err(Error::invalid(
            "report_id",
            "REQUIRED",
            "ce champ est obligatoire",
        ));
    }
    if let Ok(id) = parse_uuid(text) {
        return Ok(Wanted::Id(id));
    }
    text.parse().map(Wanted::Reference).map_err(|_| {
        Error::invalid(
            "report_id",
            "BAD_FORMAT",
            "ce n'est ni un UUID ni une référence de signalement",
        )
    })
}

/// Parses which reports are wanted, or tells every violation.
pub(crate) fn report_filter(wire: &pb::ListReportsRequest) -> Result<Filter> {
    let mut violations = Violations::default();
    let mut read = Fields::new("", &mut violations);
    let filter = Filter {
        routing_region: read.formed("routing_region", &wire.routing_region, |text| {
            text.parse()
                .map_err(|_: ParseError| ("UNKNOWN_VALUE", "cette région n'existe pas"))
        }),
        kind: read.word::<ReportKind>("kind", wire.kind),
        state: state(&mut read, wire),
        declared_after: read.moment("declared_after", wire.declared_after.as_ref()),
        declared_before: read.moment("declared_before", wire.declared_before.as_ref()),
    };
    let empty = filter
        .declared_after
        .zip(filter.declared_before)
        .is_some_and(|(after, before)| after >= before);
    if empty {
        read.refuse(
            "declared_before",
            "CONFLICT",
            "la fin de la période n'est pas après son début",
        );
    }
    violations.into_result()?;
    Ok(filter)
}

fn state(read: &mut Fields<'_>, wire: &pb::ListReportsRequest) -> Option<ReportState> {
    match pb::ReportState::try_from(wire.state) {
        Ok(pb::ReportState::Unspecified) => None,
        Ok(pb::ReportState::Submitted) => Some(ReportState::Submitted),
        Ok(pb::ReportState::Withdrawn) => Some(ReportState::Withdrawn),
        Err(_) => {
            read.refuse("state", "UNKNOWN_VALUE", "cette valeur n'existe pas");
            None
        }
    }
}

/// How many items a page holds: 20 when nothing is said, at most `most`.
pub(crate) fn page_size(asked: u32, most: u32) -> u32 {
    match asked {
        0 => 20,
        asked => asked.min(most),
    }
}

impl From<ReportState> for pb::ReportState {
    fn from(state: ReportState) -> Self {
        match state {
            ReportState::Submitted => Self::Submitted,
            ReportState::Withdrawn => Self::Withdrawn,
        }
    }
}
