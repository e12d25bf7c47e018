//! Requests to watch cases, strictly read.

use platform::{Caller, Result, Violations};
use proto::qualification::v1::WatchCasesRequest;
use service::Fields;
use vocabulary::CaseState;

use super::{Filter, cursor::Cursor};

/// Reads which cases to watch, and from where on.
pub(super) fn watch(
    request: &WatchCasesRequest,
    caller: &Caller,
) -> Result<(Filter, Option<Cursor>)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let mut filter = Filter {
        major_only: request.major_only,
        assignee: request.mine_only.then(|| caller.subject.clone()),
        ..Filter::default()
    };
    for (index, &number) in request.states.iter().enumerate() {
        let state = fields.required_word::<CaseState>(&format!("states[{index}]"), number);
        filter.states.extend(state);
    }
    filter.routing_region = fields.formed("routing_region", &request.routing_region, |slug| {
        let why = "Un code INSEE de région, « national » ou « synthetic » est attendu.";
        slug.parse().map_err(|_| ("UNKNOWN_VALUE", why))
    });
    violations.into_result()?;
    Ok((filter, Cursor::decode(&request.cursor)?))
}
