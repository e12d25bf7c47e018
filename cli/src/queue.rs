//! The queue of cases: lists and searches.

use proto::qualification::v1 as pb;

use crate::args::QueueOptions;
use crate::case::{severity, state};
use crate::client::Client;
use crate::draft::parse_all;
use crate::exit::Failure;
use crate::language::Language;
use crate::report::word;
use crate::{json, table};

/// Lists the cases that the options let through and in which all of the words stand.
pub(crate) async fn run(
    options: QueueOptions,
    query: String,
    client: &Client,
) -> Result<(), Failure> {
    let filter = pb::ListCasesRequest {
        states: parse_all::<vocabulary::CaseState>("--state", &options.states)?,
        routing_region: options.region.unwrap_or_default(),
        major_only: options.major,
        mine_only: options.mine,
        overdue_only: options.overdue,
        severities: parse_all::<vocabulary::SeverityLevel>("--severity", &options.severities)?,
        kinds: parse_all::<vocabulary::ReportKind>("--kind", &options.kinds)?,
        origins: parse_all::<vocabulary::Origin>("--origin", &options.origins)?,
        waiting_for: parse_all::<vocabulary::WaitingFor>("--waiting-for", &options.waiting_for)?,
        query,
        ..Default::default()
    };
    list(filter, options.limit, client).await
}

async fn list(filter: pb::ListCasesRequest, limit: usize, client: &Client) -> Result<(), Failure> {
    let mut qualification = client.qualification().await?;
    let mut cases = Vec::new();
    let mut page_token = String::new();
    while cases.len() < limit {
        let request = pb::ListCasesRequest {
            page_size: u32::try_from(limit - cases.len())
                .unwrap_or(u32::MAX)
                .min(200),
            page_token,
            ..filter.clone()
        };
        let page = qualification.list_cases(request).await?.into_inner();
        cases.extend(page.cases);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if client.json {
        let answer = pb::ListCasesResponse {
            cases,
            next_page_token: page_token,
        };
        say!("{}", json::to_json(&answer)?);
    } else {
        print(&cases, client);
    }
    Ok(())
}

/// Prints cases, one a row.
pub(crate) fn print(cases: &[pb::Case], client: &Client) {
    let language = client.language;
    let headings = [
        language.pick("référence", "reference"),
        language.pick("déclaré le", "declared"),
        language.pick("région", "region"),
        "structure",
        language.pick("état", "state"),
        language.pick("gravité", "severity"),
        language.pick("en attente de", "waiting for"),
    ];
    table::print(
        headings,
        cases.iter().map(|case| {
            let triage = case.confirmed.as_ref().or(case.proposed.as_ref());
            [
                case.reference.clone(),
                client.zone.show(case.declared_at),
                case.routing_region.clone(),
                case.structure_name.clone(),
                state(case, language),
                triage
                    .and_then(|t| t.severity)
                    .map(|s| severity(s, language))
                    .unwrap_or_default(),
                waiting_for(case, language),
            ]
        }),
    );
}

/// Whom a case waits for.
pub(crate) fn waiting_for(case: &pb::Case, language: Language) -> String {
    let whom = case.waiting_for.iter();
    let whom = whom.map(|&whom| word::<vocabulary::WaitingFor>(whom, language));
    whom.collect::<Vec<_>>().join(", ")
}
