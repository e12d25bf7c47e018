//! A service whose answers a test chooses by the request.

use std::{pin::Pin, sync::Arc};

use platform::{Caller, Deadline, Error, traceparent};
use proto::{
    eventlog::v1::{
        DescribeRequest, DescribeResponse, ReadRequest, ReadResponse, ReportOffsetsRequest,
        ReportOffsetsResponse, SnapshotRequest, SnapshotResponse,
        event_log_service_server::{EventLogService, EventLogServiceServer},
    },
    notification::v1::{
        ListDeliveriesRequest, ListDeliveriesResponse, RetryDeliveryRequest, RetryDeliveryResponse,
        WatchRequest, WatchResponse,
        delivery_service_server::{DeliveryService, DeliveryServiceServer},
        notification_service_server::{NotificationService, NotificationServiceServer},
    },
};
use tokio::sync::Semaphore;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, service::Routes};

/// What the test and the service both hold.
#[derive(Debug, Clone)]
pub(crate) struct Double {
    /// Grows by one permit for each call that waits.
    pub(crate) waiting: Arc<Semaphore>,
    /// Lets waiting calls end.
    pub(crate) release: Arc<Semaphore>,
}

impl Double {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Arc::new(Semaphore::new(0)),
            release: Arc::new(Semaphore::new(0)),
        }
    }

    pub(crate) fn public(&self) -> Routes {
        Routes::new(DeliveryServiceServer::new(self.clone()))
            .add_service(NotificationServiceServer::new(self.clone()))
            .add_service(EventLogServiceServer::new(self.clone()))
    }

    pub(crate) fn internal(&self) -> Routes {
        Routes::new(EventLogServiceServer::new(self.clone()))
            .add_service(DeliveryServiceServer::new(self.clone()))
    }
}

#[tonic::async_trait]
impl DeliveryService for Double {
    async fn list_deliveries(
        &self,
        request: Request<ListDeliveriesRequest>,
    ) -> Result<Response<ListDeliveriesResponse>, Status> {
        let answer = match request.get_ref().page_token.as_str() {
            "caller" => Caller::of(&request)?.subject.clone(),
            "deadline" => Deadline::of(&request)
                .map(|deadline| deadline.remaining().as_millis().to_string())
                .unwrap_or_default(),
            "trace" => traceparent().unwrap_or_default(),
            "panic" => panic!("a secret of the caller"),
            "fault" => return Err(Error::internal("a secret of the database").into()),
            // Of one test alone: the log is everybody's.
            "fault told once" => return Err(Error::internal("a secret told once").into()),
            "for ever" => std::future::pending().await,
            "wait" => {
                self.waiting.add_permits(1);
                let released = self.release.acquire().await;
                released.map_err(Error::internal)?.forget();
                "released".to_owned()
            }
            _ => String::new(),
        };
        Ok(Response::new(ListDeliveriesResponse {
            next_page_token: answer,
            ..Default::default()
        }))
    }

    async fn retry_delivery(
        &self,
        _: Request<RetryDeliveryRequest>,
    ) -> Result<Response<RetryDeliveryResponse>, Status> {
        Err(Error::failed_precondition("WRONG_STATE", "the delivery is not dead").into())
    }
}

type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl NotificationService for Double {
    type WatchStream = Messages<WatchResponse>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let panics = request.get_ref().cursor == "panic";
        let is_bare = request.get_ref().cursor == "bare";
        let first = tokio_stream::once(Ok(WatchResponse {
            cursor: "first".to_owned(),
            message: None,
        }));
        let rest = futures::stream::once(async move {
            assert!(!panics, "a secret of the stream");
            if is_bare {
                return Err(Status::resource_exhausted("a text of a library"));
            }
            std::future::pending().await
        });
        Ok(Response::new(Box::pin(first.chain(rest))))
    }
}

#[tonic::async_trait]
impl EventLogService for Double {
    type SnapshotStream = Messages<SnapshotResponse>;

    async fn describe(
        &self,
        request: Request<DescribeRequest>,
    ) -> Result<Response<DescribeResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(DescribeResponse {
            producer: caller.subject.clone(),
            ..Default::default()
        }))
    }

    async fn read(&self, _: Request<ReadRequest>) -> Result<Response<ReadResponse>, Status> {
        Ok(Response::new(ReadResponse::default()))
    }

    async fn snapshot(
        &self,
        _: Request<SnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        Ok(Response::new(Box::pin(tokio_stream::empty())))
    }

    async fn report_offsets(
        &self,
        _: Request<ReportOffsetsRequest>,
    ) -> Result<Response<ReportOffsetsResponse>, Status> {
        Ok(Response::new(ReportOffsetsResponse::default()))
    }
}
