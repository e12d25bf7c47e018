//! Reading cases: what a caller may not see does not exist for him.

use platform::{AuditEntry, Caller, Error, Outcome, PageToken, Result, audit};
use proto::qualification::v1::{self as pb, ListCasesResponse};
use serde_json::json;

use super::{Service, contacts::declarant};
use crate::{
    convert::{self, Page},
    domain::{Case, Key, Place, View},
    store,
};

impl Service {
    /// Shows a case with its history.
    pub(super) async fn get(&self, caller: &Caller, key: &Key) -> Result<pb::Case> {
        let parties = caller.parties();
        let mut transaction = self.pool.begin().await?;
        let found = store::find_case(&mut transaction, key, &parties).await?;
        let object = match (found.as_ref(), key) {
            (Some(case_id), _) | (None, Key::Id(case_id)) => case_id.to_string(),
            (None, Key::Reference(reference)) => reference.clone(),
        };
        let entry = AuditEntry {
            caller,
            action: "case.read",
            object: &object,
            outcome: if found.is_some() {
                Outcome::Done
            } else {
                Outcome::NotVisible
            },
            detail: json!({}),
            at: platform::now(),
        };
        audit(&mut transaction, entry).await?;
        let case_ids: Vec<_> = found.into_iter().collect();
        let case = store::read_cases(&mut transaction, &case_ids).await?.pop();
        let history = match &case {
            Some(case) => store::history(&mut transaction, case.id).await?,
            None => Vec::new(),
        };
        transaction.commit().await?;

        let case = case.ok_or(Error::NotFound("case"))?;
        let view =
            View::of(&case.visible_to, &parties, &caller.roles).ok_or(Error::NotFound("case"))?;
        let mut shown = self.with_contacts(convert::case(&case, view), &case, view);
        // A change committed between the two reads belongs to the next answer.
        let history = history
            .into_iter()
            .filter(|change| change.revision <= case.revision);
        shown.history = history.map(|change| convert::entry(change, view)).collect();
        Ok(shown)
    }

    /// Lists a page of cases.
    pub(super) async fn list(&self, caller: &Caller, page: &Page) -> Result<ListCasesResponse> {
        let parties = caller.parties();
        let filter = page.filter.describe();
        let mut transaction = self.pool.begin().await?;
        // One more than shown tells whether there is a next page.
        let wanted = page.size + 1;
        let mut case_ids =
            store::list_cases(&mut transaction, &page.filter, &parties, page.after, wanted).await?;
        let more = case_ids.len() > usize::from(page.size);
        case_ids.truncate(usize::from(page.size));
        let entry = AuditEntry {
            caller,
            action: "case.list",
            object: &filter,
            outcome: Outcome::Done,
            detail: json!({ "cases": case_ids.len() }),
            at: platform::now(),
        };
        audit(&mut transaction, entry).await?;
        let cases = store::read_cases(&mut transaction, &case_ids).await?;
        transaction.commit().await?;

        let last = cases.last().filter(|_| more);
        let next_page_token = last.map(|case| {
            let place = Place {
                declared_at: case.report.declared_at,
                case_id: case.id,
            };
            PageToken::encode(&place, filter.as_bytes())
        });
        let shown = cases.iter().filter_map(|case| {
            View::of(&case.visible_to, &parties, &caller.roles)
                .map(|view| self.with_contacts(convert::listed(case, view), case, view))
        });
        Ok(ListCasesResponse {
            cases: shown.collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        })
    }

    /// Adds the contacts of the declarant, if this view shows them.
    pub(super) fn with_contacts(&self, shown: pb::Case, case: &Case, view: View) -> pb::Case {
        pb::Case {
            declarant: declarant(&self.master_key, &case.report, view),
            ..shown
        }
    }
}
