//! The answer on its way: counted, and ended when it must not go on.

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

use crate::Error;

use super::red::Red;

/// The body of an answer, with what it holds until it has gone.
pub(super) struct Answer {
    pub(super) inner: Body,
    pub(super) tally: Tally,
    /// The room that an open stream takes.
    pub(super) room: Option<OwnedSemaphorePermit>,
    /// Ends a stream before its time, with the status that tells why.
    pub(super) cut: Option<BoxFuture<'static, Status>>,
    pub(super) done: bool,
}

/// What is counted of one call; told when it is dropped, however the call ended.
pub(super) struct Tally {
    pub(super) red: Red,
    pub(super) span: Span,
    pub(super) service: String,
    pub(super) method: String,
    /// The identifier of its trace, where that is kept.
    pub(super) kept_trace: Option<String>,
    pub(super) started: Instant,
    /// The status; a call that ends without one was given up by its client.
    pub(super) code: Option<Code>,
}

impl HttpBody for Answer {
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
        let span = this.tally.span.clone();
        let polled = span.in_scope(|| {
            catch_unwind(AssertUnwindSafe(|| {
                Pin::new(&mut this.inner).poll_frame(cx)
            }))
        });
        let Ok(polled) = polled else {
            let status = Status::from(Error::internal("a stream panicked"));
            return Poll::Ready(Some(Ok(this.end_with(&status))));
        };
        let frame = ready!(polled);
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.tally.note(trailers);
                }
            }
            Some(Err(status)) => this.tally.code = Some(status.code()),
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

impl Answer {
    /// The trailers that end the stream with a status.
    fn end_with(&mut self, status: &Status) -> Frame<Bytes> {
        self.tally.code = Some(status.code());
        self.finish();
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            trailers.insert("grpc-status", (status.code() as i32).into());
        }
        Frame::trailers(trailers)
    }

    /// Lets go of the handler's stream and of its room.
    fn finish(&mut self) {
        self.done = true;
        self.inner = Body::empty();
        self.room = None;
        self.cut = None;
    }
}

impl Tally {
    /// Notes the status of headers or trailers that bring one.
    pub(super) fn note(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get("grpc-status") {
            self.code = Some(Code::from_bytes(status.as_bytes()));
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(Code::Cancelled);
        self.red.ended(self, code);
        self.span.record("rpc.grpc.status_code", code as i32);
        // Only what is our fault is an error of the server's span.
        let ours = [Code::Unknown, Code::DeadlineExceeded, Code::Unimplemented];
        let away = [Code::Internal, Code::Unavailable, Code::DataLoss];
        if ours.contains(&code) || away.contains(&code) {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}
