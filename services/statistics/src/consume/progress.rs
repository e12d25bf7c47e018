//! How far the producers are, to tell whether everything has been counted.

use std::time::Duration;

use futures::future::try_join_all;
use proto::eventlog::v1::{
    DescribeRequest, DescribeResponse, event_log_service_client::EventLogServiceClient,
};
use sqlx::PgConnection;
use tokio::time::timeout;
use tonic::{Status, transport::Channel};
use uuid::Uuid;

use crate::NAME;

/// How long a producer may take to say how far it is.
const PATIENCE: Duration = Duration::from_millis(500);

/// Asks the producers how far their logs reach.
pub(crate) struct Progress {
    producers: Vec<(&'static str, EventLogServiceClient<Channel>)>,
}

/// How far the logs reached at one moment.
pub(crate) struct Heads(Vec<(&'static str, DescribeResponse)>);

impl Progress {
    /// Asks over the channels of the producers.
    pub(crate) fn new(producers: impl IntoIterator<Item = (&'static str, Channel)>) -> Self {
        let client = |(name, channel)| (name, EventLogServiceClient::new(channel));
        Self {
            producers: producers.into_iter().map(client).collect(),
        }
    }

    /// How far all logs reach now; nothing when a producer does not say so at
    /// once, as nobody knows then what is missing.
    pub(crate) async fn heads(&self) -> Option<Heads> {
        let descriptions = self.producers.iter().map(|(name, client)| async move {
            let description = client
                .clone()
                .describe(DescribeRequest {})
                .await?
                .into_inner();
            Ok::<_, Status>((*name, description))
        });
        match timeout(PATIENCE, try_join_all(descriptions)).await {
            Ok(Ok(heads)) => Some(Heads(heads)),
            Ok(Err(status)) => {
                tracing::debug!(code = ?status.code(), "a producer does not say how far it is");
                None
            }
            Err(_) => None,
        }
    }
}

impl Heads {
    /// Whether what `conn` sees holds every event up to these heads, and none is
    /// kept aside.
    pub(crate) async fn are_counted(&self, conn: &mut PgConnection) -> sqlx::Result<bool> {
        for (producer, description) in &self.0 {
            let Ok(incarnation) = Uuid::try_parse(&description.incarnation) else {
                return Ok(false);
            };
            let shards: Vec<i32> = description
                .heads
                .iter()
                .map(|h| h.shard.cast_signed())
                .collect();
            let heads: Vec<i64> = description
                .heads
                .iter()
                .map(|h| h.position.cast_signed())
                .collect();
            let counted = sqlx::query_file_scalar!(
                "src/consume/are_counted.sql",
                NAME,
                producer,
                incarnation,
                &shards,
                &heads,
            )
            .fetch_one(&mut *conn)
            .await?;
            if !counted {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
