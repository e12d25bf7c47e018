//! How far the producers are, to tell whether everything has been counted.

use std::time::Duration;

use eventlog::is_applied;
use futures::future::try_join_all;
use platform::Result;
use proto::eventlog::v1::{
    DescribeRequest, DescribeResponse, event_log_service_client::EventLogServiceClient,
};
use sqlx::PgConnection;
use tokio::time::timeout;
use tonic::{Status, transport::Channel};

use crate::CONSUMER;

/// How long a producer may take to say how far it is.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Asks the producers how far their logs reach.
pub(crate) struct Progress {
    producers: Vec<EventLogServiceClient<Channel>>,
}

/// How far the logs reached at one moment.
pub(crate) struct Heads(Vec<DescribeResponse>);

impl Progress {
    /// Asks over the channels of the producers.
    pub(crate) fn new(channels: Vec<Channel>) -> Self {
        let producers = channels.into_iter().map(EventLogServiceClient::new);
        Self {
            producers: producers.collect(),
        }
    }

    /// How far all logs reach now; nothing when a producer does not say so at
    /// once, as nobody knows then what is missing.
    pub(crate) async fn heads(&self) -> Option<Heads> {
        let descriptions = self.producers.iter().map(async |client| {
            let answer = client.clone().describe(DescribeRequest {}).await?;
            Ok::<_, Status>(answer.into_inner())
        });
        match timeout(TIMEOUT, try_join_all(descriptions)).await {
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
    /// Whether what `conn` sees holds every event up to these heads.
    pub(crate) async fn are_counted(&self, conn: &mut PgConnection) -> Result<bool> {
        for log in &self.0 {
            if !is_applied(conn, CONSUMER, log).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
