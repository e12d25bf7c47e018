//! The live stream of cases. Whom it shows which change is tested where cases change: nothing
//! does while the rights are asked for.

use prost::Message as _;
use proto::qualification::v1 as pb;
use proto::qualification::v1::watch_cases_response::Message;

use super::{Asked, Expected};

/// What to ask of an RPC of the workbench.
pub(crate) fn requests(method: &str) -> Option<Vec<Asked>> {
    if method != "WatchCases" {
        return None;
    }
    let told = Expected::Answer(Box::new(|messages| {
        let [message] = messages else {
            return Err(format!("{} messages", messages.len()));
        };
        let response = pb::WatchCasesResponse::decode(message.clone());
        match response.map_err(|error| error.to_string())?.message {
            Some(Message::Heartbeat(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }));
    let mut asked = Asked::of("from now on", &pb::WatchCasesRequest::default(), told);
    asked.sent.until = |_| true;
    Some(vec![asked])
}
