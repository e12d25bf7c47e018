//! The producer's gRPC service.

use std::{sync::Arc, time::Duration};

use eventlog::{Log, NewEvent, Snapshot, SnapshotPage, event_log_service};
use platform::Caller;
use proto::events::v1::ReportWithdrawn;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::{Routes, interceptor::InterceptedService},
    transport::{Channel, Endpoint, Server},
};
use uuid::Uuid;

use super::{CONSUMER, Running};

pub(super) fn log_service(log: &Log, pool: &PgPool) -> Routes {
    let service = event_log_service(
        log.clone(),
        pool.clone(),
        Arc::new(Facts),
        &[CONSUMER, "statistics"],
    );
    // Stands in for the client certificate.
    Routes::new(InterceptedService::new(
        service,
        |mut request: tonic::Request<()>| {
            request.extensions_mut().insert(Caller::service(CONSUMER));
            Ok(request)
        },
    ))
}

/// Serves by gRPC; returns the way there.
pub(crate) async fn serve(service: Routes) -> (Channel, Running) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let end = shutdown.clone().cancelled_owned();
    tasks.spawn(async move {
        Server::builder()
            .add_routes(service)
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), end)
            .await
            .unwrap();
    });
    let endpoint = Endpoint::from_shared(url)
        .unwrap()
        .connect_timeout(Duration::from_secs(1));
    (endpoint.connect_lazy(), Running { tasks, shutdown })
}

/// Tells the facts again.
struct Facts;

#[async_trait::async_trait]
impl Snapshot for Facts {
    async fn page(
        &self,
        conn: &mut PgConnection,
        after: Option<String>,
        _limit: u16,
    ) -> platform::Result<SnapshotPage> {
        let after = after.map_or(Uuid::nil(), |after| after.parse().unwrap());
        // Small pages, so that there are several.
        let rows: Vec<(Uuid, String, String)> = sqlx::query_as(
            "select event_id, subject, text from fact where event_id > $1 order by event_id limit 3",
        )
        .bind(after)
        .fetch_all(conn)
        .await?;
        let next = rows.last().map(|(id, ..)| id.to_string());
        let events = rows.iter().map(|(id, subject, text)| {
            let payload = ReportWithdrawn {
                reference: text.clone(),
                ..ReportWithdrawn::default()
            };
            NewEvent::new(*id, subject.clone(), OffsetDateTime::UNIX_EPOCH, &payload)
        });
        Ok(SnapshotPage {
            events: events.collect(),
            next,
        })
    }
}
