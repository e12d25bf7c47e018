//! The streams of people who follow cases.

use std::{pin::Pin, time::Duration};

use futures::{Stream, stream};
use platform::{Caller, Error, Result, now};
use proto::qualification::v1::{
    CaseLeft, CasesGap, CasesHeartbeat, WatchCasesRequest, WatchCasesResponse,
    watch_cases_response::Message, workbench_service_server::WorkbenchService,
};
use serde_json::json;
use service::{View, audit_list};
use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use vocabulary::Word as _;

use super::{
    CaseLog, Filter,
    log::ChangedCase,
    request,
    watcher::{Next, Watcher, shutting_down},
};

/// How long a token whose end is not known lets a stream live.
const LONGEST: Duration = Duration::from_hours(1);

/// Answers `WorkbenchService`.
#[derive(Clone, Debug)]
pub(crate) struct WorkbenchRpc {
    /// What the streams follow.
    pub(crate) log: CaseLog,
    /// Where the audit rests.
    pub(crate) pool: PgPool,
    /// After how long a silence a heartbeat is sent.
    pub(crate) heartbeat: Duration,
    /// Ends all streams.
    pub(crate) shutdown: CancellationToken,
}

#[tonic::async_trait]
impl WorkbenchService for WorkbenchRpc {
    type WatchCasesStream = Pin<Box<dyn Stream<Item = Result<WatchCasesResponse, Status>> + Send>>;

    async fn watch_cases(
        &self,
        request: Request<WatchCasesRequest>,
    ) -> Result<Response<Self::WatchCasesStream>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (filter, cursor) = request::watch(request.get_ref(), &caller)?;
        let detail = json!({ "resumed": cursor.is_some(), "visible_to": caller.parties() });
        let watcher = Watcher::begin(&self.log, cursor).await?;
        let mut conn = self.pool.acquire().await.map_err(Error::from)?;
        audit_list(&mut conn, &caller, "case.watch", &filter.describe(), detail).await?;
        drop(conn);
        let left = caller.expires_at.map(|end| end - now());
        let left = left.map(|left| left.try_into().unwrap_or(Duration::ZERO));
        let watching = Watching {
            watcher,
            filter,
            caller,
            heartbeat: self.heartbeat,
            token_ends: Instant::now() + left.unwrap_or(LONGEST),
            shutdown: self.shutdown.clone(),
        };
        Ok(Response::new(Box::pin(watching.stream())))
    }
}

/// A stream from its opening to its end.
struct Watching {
    watcher: Watcher,
    filter: Filter,
    caller: Caller,
    heartbeat: Duration,
    token_ends: Instant,
    shutdown: CancellationToken,
}

impl Watching {
    fn stream(self) -> impl Stream<Item = Result<WatchCasesResponse, Status>> {
        stream::unfold(Some(self), |watching| async move {
            let mut watching = watching?;
            match watching.next().await {
                Ok(message) => {
                    let response = WatchCasesResponse {
                        cursor: watching.watcher.cursor(),
                        message: Some(message),
                    };
                    Some((Ok(response), Some(watching)))
                }
                Err(error) => Some((Err(error.into()), None)),
            }
        })
    }

    /// The next message for the caller.
    async fn next(&mut self) -> Result<Message> {
        let silent_until = Instant::now() + self.heartbeat;
        loop {
            let next = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Err(shutting_down()),
                () = tokio::time::sleep_until(self.token_ends) => {
                    let why = "le jeton du flux a expiré";
                    return Err(Error::unauthenticated("TOKEN_EXPIRED", why));
                }
                next = self.watcher.next() => next?,
                () = tokio::time::sleep_until(silent_until) => Next::CaughtUp,
            };
            match next {
                Next::Gap => return Ok(Message::Gap(CasesGap {})),
                Next::CaughtUp => return Ok(Message::Heartbeat(CasesHeartbeat {})),
                Next::Changed(changed) => {
                    if let Some(message) = shown(&changed, &self.filter, &self.caller).await {
                        return Ok(message);
                    }
                }
            }
        }
    }
}

/// What a caller is told of a case that changed: the id alone where it lost sight of it, and
/// nothing where the case does not exist for this one.
async fn shown(changed: &ChangedCase, filter: &Filter, caller: &Caller) -> Option<Message> {
    let case = &changed.case;
    let Some(view) = View::of(&case.visible_to, caller) else {
        let own = caller.parties();
        let is_lost = changed.lost.iter().any(|slug| own.contains(slug));
        return is_lost.then(|| {
            Message::Left(CaseLeft {
                case_id: case.id.to_string(),
                ..CaseLeft::default()
            })
        });
    };
    if filter.takes(case) {
        return Some(Message::Changed(changed.shown(view).await));
    }
    Some(Message::Left(CaseLeft {
        case_id: case.id.to_string(),
        revision: changed.base + case.revision,
        state: case.state.number(),
    }))
}
