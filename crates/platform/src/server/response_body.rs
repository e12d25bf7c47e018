//! The body of a response: records the metrics of its call and ends streams early.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::future::BoxFuture;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use prost::bytes::Bytes;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tonic::{Code, Status, body::Body};
use tracing::Span;

use crate::{
    Error,
    error::{Stage, complete},
};

use super::rpc_metrics::RpcMetrics;

/// The body of a response, with the permit and the metrics of its call.
pub(super) struct ResponseBody {
    pub(super) inner: Body,
    pub(super) metrics: CallMetrics,
    /// The permit of an open stream.
    pub(super) room: Option<OwnedSemaphorePermit>,
    /// Resolves when the stream must end early, with the status to send.
    pub(super) cut: Option<BoxFuture<'static, Status>>,
    pub(super) done: bool,
}

/// The metrics of one call, recorded when it is dropped, however the call ended.
pub(super) struct CallMetrics {
    pub(super) rpc_metrics: RpcMetrics,
    pub(super) span: Span,
    pub(super) service: String,
    pub(super) method: String,
    /// The identifier of its trace, if it is sampled.
    pub(super) kept_trace: Option<String>,
    pub(super) started: Instant,
    /// The status; without one the client cancelled the call.
    pub(super) code: Option<Code>,
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.done {
            return Poll::Ready(None);
        }
        if let Some(cut) = &mut this.cut
            && let Poll::Ready(status) = cut.as_mut().poll(cx)
        {
            return Poll::Ready(Some(Ok(this.end_with(&status))));
        }
        let span = this.metrics.span.clone();
        let polled = span.in_scope(|| {
            catch_unwind(AssertUnwindSafe(|| {
                Pin::new(&mut this.inner).poll_frame(cx)
            }))
        });
        let Ok(polled) = polled else {
            let status = Status::from(Error::internal("a stream panicked"));
            return Poll::Ready(Some(Ok(this.end_with(&status))));
        };
        let mut frame = ready!(polled);
        match &mut frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_mut() {
                    complete(trailers, Stage::Response);
                    this.metrics.record_status(trailers);
                }
            }
            Some(Err(status)) => this.metrics.code = Some(status.code()),
            None => this.finish(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.done || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.cut.is_some() {
            SizeHint::default()
        } else {
            self.inner.size_hint()
        }
    }
}

impl ResponseBody {
    /// The trailers that end the stream with a status.
    fn end_with(&mut self, status: &Status) -> Frame<Bytes> {
        self.metrics.code = Some(status.code());
        self.finish();
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            trailers.insert("grpc-status", (status.code() as i32).into());
        }
        Frame::trailers(trailers)
    }

    /// Drops the handler's stream and its permit.
    fn finish(&mut self) {
        self.done = true;
        self.inner = Body::empty();
        self.room = None;
        self.cut = None;
    }
}

impl CallMetrics {
    /// Records the status of headers or trailers that carry one.
    pub(super) fn record_status(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get("grpc-status") {
            self.code = Some(Code::from_bytes(status.as_bytes()));
        }
    }
}

impl Drop for CallMetrics {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(Code::Cancelled);
        self.rpc_metrics.ended(self, code);
        self.span.record("rpc.grpc.status_code", code as i32);
        // Only what is our fault is an error of the server's span.
        let ours = [Code::Unknown, Code::DeadlineExceeded, Code::Unimplemented];
        let away = [Code::Internal, Code::Unavailable, Code::DataLoss];
        if ours.contains(&code) || away.contains(&code) {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}
