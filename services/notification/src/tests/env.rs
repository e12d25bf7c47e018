//! The service between two producers, a mail server and those who watch.

use std::{collections::BTreeSet, ops::Deref, time::Duration};

use crate::{App, Config, NAME, NotificationConfig, ProducersConfig, SmtpConfig, migrators};
use proto::eventlog::v1::{
    SnapshotRequest, event_log_service_client::EventLogServiceClient, snapshot_response::Part,
};
use proto::notification::v1::{
    Notification, WatchRequest, WatchResponse, WatchStart,
    delivery_service_client::DeliveryServiceClient,
    notification_service_client::NotificationServiceClient, watch_response::Message,
};
use servicetest::{AuthorizedChannel, Producer, RunningService, ServiceEnv};
use testkit::{SmtpSink, TokenSpec};
use tonic::{Status, Streaming};

use crate::tests::story::operator;

pub(crate) use servicetest::{MASTER_KEY, reason};

/// How long a story waits for a message of a stream before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const FSSI: &str = "fssi@example.org";
pub(crate) const CELL: &str = "cellule@example.org";
pub(crate) const AGENCY: &str = "ssi-occitanie@ars.example.org";
pub(crate) const ON_CALL: &str = "astreinte@example.org";

/// The service with producers in place of intake and qualification, and a mail server.
pub(crate) struct TestEnv {
    /// The mail server.
    pub(crate) sink: SmtpSink,
    /// The first process of the service.
    pub(crate) service: RunningService,
    own: NotificationConfig,
    env: ServiceEnv,
}

impl Deref for TestEnv {
    type Target = ServiceEnv;

    fn deref(&self) -> &ServiceEnv {
        &self.env
    }
}

impl TestEnv {
    /// Starts everything with the usual settings, but for quick retries.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Starts everything with other settings.
    pub(crate) async fn start_with(change: impl FnOnce(&mut NotificationConfig)) -> Self {
        let env = ServiceEnv::start(NAME, &migrators(), &["intake", "qualification"]).await;
        let sink = SmtpSink::start().await;
        let always = serde_json::json!([{
            "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z", "addresses": [ON_CALL],
        }]);
        let mut own = NotificationConfig::new("Vigie <vigie@example.org>", FSSI, CELL);
        "ars.example.org".clone_into(&mut own.agency_mail_domain);
        own.on_call_file = Some(env.file("on-call.json", &always.to_string()));
        own.retry_base_ms = 50;
        change(&mut own);
        Self {
            service: run(&env, &sink, own.clone()).await,
            sink,
            own,
            env,
        }
    }

    /// Starts a second process of the service, beside the first.
    pub(crate) async fn start_replica(&self) -> RunningService {
        run(&self.env, &self.sink, self.own.clone()).await
    }

    /// The producer in place of intake.
    pub(crate) fn intake(&self) -> &Producer {
        self.producer("intake")
    }

    /// The producer in place of qualification.
    pub(crate) fn qualification(&self) -> &Producer {
        self.producer("qualification")
    }

    /// Opens a stream at the first process.
    pub(crate) async fn watch(
        &self,
        who: &TokenSpec,
        from: From<'_>,
    ) -> Result<Streaming<WatchResponse>, Status> {
        watch_at(&self.service, who, from).await
    }

    /// Everything that is kept behind a place, up to the heartbeat that says so.
    pub(crate) async fn kept(
        &self,
        who: &TokenSpec,
        from: From<'_>,
    ) -> Vec<(String, Notification)> {
        let mut stream = self.watch(who, from).await.unwrap();
        let mut kept = Vec::new();
        loop {
            let message = next(&mut stream).await.unwrap();
            match message.message.unwrap() {
                Message::Notification(notification) => kept.push((message.cursor, notification)),
                Message::Heartbeat(_) => return kept,
                Message::Gap(_) => panic!("a gap where everything is kept"),
            }
        }
    }

    /// Waits until this many notifications are kept for somebody.
    pub(crate) async fn until_kept(
        &self,
        who: &TokenSpec,
        count: usize,
    ) -> Vec<(String, Notification)> {
        testkit::eventually_some(async || {
            Some(self.kept(who, From::Oldest).await).filter(|kept| kept.len() >= count)
        })
        .await
    }

    /// A client of an operator.
    pub(crate) fn deliveries(&self) -> DeliveryServiceClient<AuthorizedChannel> {
        DeliveryServiceClient::new(self.service.as_user(&operator()))
    }

    /// How many deliveries are in a state.
    pub(crate) async fn delivered(&self, state: &str) -> i64 {
        let sql = "select count(*) from (
                       select case when due_at is null then 'dead' else 'pending' end as state
                       from job
                       union all
                       select 'sent' from job_done
                   ) as delivery where state = $1";
        sqlx::query_scalar(sql)
            .bind(state)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// The ids in the snapshot of the service's log, as another service reads it.
    pub(crate) async fn snapshot(&self, reader: &str) -> Result<BTreeSet<String>, Status> {
        let mut client = EventLogServiceClient::new(self.service.as_service(reader));
        let answer = client.snapshot(SnapshotRequest::default()).await?;
        let mut parts = answer.into_inner();
        let mut ids = BTreeSet::new();
        while let Some(part) = parts.message().await? {
            if let Some(Part::Events(batch)) = part.part {
                ids.extend(batch.events.into_iter().map(|event| event.id));
            }
        }
        Ok(ids)
    }
}

async fn run(env: &ServiceEnv, sink: &SmtpSink, own: NotificationConfig) -> RunningService {
    let producers = ProducersConfig {
        intake_url: env.producer("intake").url(),
        qualification_url: env.producer("qualification").url(),
    };
    let (sealing, smtp) = (
        env.sealing_config(),
        SmtpConfig::local(sink.address().port()),
    );
    let build = |base, metrics| {
        let config = Config {
            base,
            sealing,
            producers,
            smtp,
            notification: own,
        };
        crate::build(config, metrics)
    };
    env.run(build, App::run).await
}

/// Where a stream begins.
#[derive(Clone, Copy)]
pub(crate) enum From<'a> {
    Now,
    Oldest,
    Cursor(&'a str),
}

/// Opens a stream at a process.
pub(crate) async fn watch_at(
    service: &RunningService,
    who: &TokenSpec,
    from: From<'_>,
) -> Result<Streaming<WatchResponse>, Status> {
    let (start, cursor) = match from {
        From::Now => (WatchStart::Now, ""),
        From::Oldest => (WatchStart::Oldest, ""),
        From::Cursor(cursor) => (WatchStart::Unspecified, cursor),
    };
    let request = WatchRequest {
        start: start.into(),
        cursor: cursor.to_owned(),
    };
    let mut client = NotificationServiceClient::new(service.as_user(who));
    Ok(client.watch(request).await?.into_inner())
}

/// The next message of a stream.
pub(crate) async fn next(stream: &mut Streaming<WatchResponse>) -> Result<WatchResponse, Status> {
    let message = tokio::time::timeout(PATIENCE, stream.message());
    Ok(message
        .await
        .expect("the stream says nothing")?
        .expect("the stream ended without a word"))
}

/// The next notification of a stream; heartbeats are passed over.
pub(crate) async fn told(stream: &mut Streaming<WatchResponse>) -> Result<Notification, Status> {
    loop {
        if let Some(Message::Notification(notification)) = next(stream).await?.message {
            return Ok(notification);
        }
    }
}
