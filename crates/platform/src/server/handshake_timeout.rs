//! A stream that fails when its client does not send the HTTP/2 preface in time.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// The length of the HTTP/2 connection preface, in bytes (RFC 9113, section 3.4).
const PREFACE_LEN: usize = 24;

/// Fails reads when the preface has not come in time: a silent client would keep one of the
/// listener's connections.
pub(super) struct HandshakeTimeout<S> {
    stream: S,
    received: usize,
    until: Pin<Box<Sleep>>,
}

impl<S> HandshakeTimeout<S> {
    pub(super) fn new(stream: S, timeout: Duration) -> Self {
        Self {
            stream,
            received: 0,
            until: Box::pin(sleep(timeout)),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HandshakeTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.received < PREFACE_LEN && self.until.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.received = self.received.saturating_add(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HandshakeTimeout<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_less_than_the_preface_is_cut_off() {
        let (mut client, server) = duplex(64);
        let mut server = HandshakeTimeout::new(server, TIMEOUT);
        client.write_all(b"PRI * HTTP/2.0").await.unwrap();
        let mut received = Vec::new();
        let broken = server.read_to_end(&mut received).await.unwrap_err();
        assert_eq!(broken.kind(), io::ErrorKind::TimedOut);
        assert_eq!(received, b"PRI * HTTP/2.0");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_begun_may_be_silent_for_long() {
        let (mut client, server) = duplex(64);
        let mut server = HandshakeTimeout::new(server, TIMEOUT);
        client.write_all(&[7; PREFACE_LEN]).await.unwrap();
        let mut received = [0; PREFACE_LEN];
        server.read_exact(&mut received).await.unwrap();
        let late = async {
            sleep(2 * TIMEOUT).await;
            client.write_all(&[8]).await.unwrap();
        };
        let (received, ()) = tokio::join!(server.read_u8(), late);
        assert_eq!(received.unwrap(), 8);
    }
}
