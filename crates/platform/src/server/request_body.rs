//! The body of a request, read to its end even when nobody wants it any more.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::future::poll_fn;
use http_body::{Body as HttpBody, Frame, SizeHint};
use prost::bytes::Bytes;
use tokio::{runtime::Handle, time::timeout};
use tonic::{Status, body::Body};

/// A body whose rest is still read when it is dropped early.
///
/// A call may be refused before its body has arrived. HTTP/2 would reset its stream then, and
/// count each frame that was already on its way as an error of the connection: after some
/// thousand of them it closes the connection, with everybody else's calls on it.
pub(super) struct RequestBody(Body);

/// How much of a body nobody wants is read, and for how long. What goes on longer is reset.
const REST_BYTES: usize = 1 << 20;
const REST_TIME: Duration = Duration::from_secs(1);

impl RequestBody {
    pub(super) fn new(body: Body) -> Self {
        Self(body)
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Drop for RequestBody {
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends by itself within a second, and nobody waits for it"
    )]
    fn drop(&mut self) {
        if self.0.is_end_stream() {
            return;
        }
        let rest = mem::replace(&mut self.0, Body::empty());
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(timeout(REST_TIME, discard(rest))));
        }
    }
}

/// Reads a body up to its end, an error or the most that is read.
async fn discard(mut body: Body) {
    let mut left = REST_BYTES;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let read = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(read) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
