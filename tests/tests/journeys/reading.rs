//! What callers read: streams of notifications, cases and figures.

use std::time::Duration;

use proto::notification::v1 as notification_pb;
use proto::notification::v1::watch_response::Message;
use proto::qualification::v1 as case_pb;
use proto::statistics::v1 as figures_pb;
use tests::Caller;
use tokio::time::timeout;
use tonic::{Code, Streaming};
use uuid::Uuid;

pub(crate) fn request_id() -> String {
    Uuid::now_v7().to_string()
}

/// A stream from the oldest notification on.
pub(crate) async fn watch(caller: &Caller) -> Streaming<notification_pb::WatchResponse> {
    let request = notification_pb::WatchRequest {
        cursor: String::new(),
        start: notification_pb::WatchStart::Oldest.into(),
    };
    caller
        .notification()
        .watch(request)
        .await
        .unwrap()
        .into_inner()
}

/// How long a notification may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The next notification of a stream that fits.
pub(crate) async fn next(
    stream: &mut Streaming<notification_pb::WatchResponse>,
    wanted: impl Fn(&notification_pb::Notification) -> bool,
) -> notification_pb::Notification {
    let found = async {
        loop {
            let response = stream.message().await.unwrap().expect("the stream lives");
            if let Some(Message::Notification(notification)) = response.message
                && wanted(&notification)
            {
                return notification;
            }
        }
    };
    timeout(PATIENCE, found)
        .await
        .expect("the notification comes")
}

/// Everything a stream has until it says that nothing more was kept.
pub(crate) async fn all_kept(
    stream: &mut Streaming<notification_pb::WatchResponse>,
) -> Vec<notification_pb::Notification> {
    let mut all = Vec::new();
    loop {
        match stream
            .message()
            .await
            .unwrap()
            .expect("the stream lives")
            .message
        {
            Some(Message::Notification(notification)) => all.push(notification),
            Some(Message::Heartbeat(_)) => return all,
            other => panic!("unexpected: {other:?}"),
        }
    }
}

pub(crate) async fn case_of(caller: &Caller, reference: &str) -> case_pb::Case {
    find_case(caller, reference).await.unwrap()
}

pub(crate) async fn find_case(caller: &Caller, reference: &str) -> Option<case_pb::Case> {
    let request = case_pb::GetCaseRequest {
        case_id: reference.to_owned(),
    };
    match caller.qualification().get_case(request).await {
        Ok(answer) => answer.into_inner().case,
        Err(status) => {
            assert_eq!(status.code(), Code::NotFound, "{status:?}");
            None
        }
    }
}

pub(crate) async fn figure(caller: &Caller, name: &str) -> u64 {
    // The month may have ended in Paris, or between a report and this.
    let month = |at: time::OffsetDateTime| format!("{:04}-{:02}", at.year(), u8::from(at.month()));
    let (now, day) = (platform::now(), time::Duration::days(1));
    let request = figures_pb::GetOverviewRequest {
        period: Some(figures_pb::Period {
            from_month: month(now - day),
            to_month: month(now + day),
            ..Default::default()
        }),
        region: String::new(),
        ..Default::default()
    };
    let overview = caller
        .statistics()
        .get_overview(request)
        .await
        .unwrap()
        .into_inner();
    let found = overview.figures.iter().find(|figure| figure.name == name);
    found
        .unwrap_or_else(|| panic!("no figure {name} in {:?}", overview.figures))
        .current
}
