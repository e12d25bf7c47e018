//! A connection whose client must begin to speak within a while.

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

/// How much a client says before it is believed to mean it: what HTTP/2 begins with.
const ENOUGH: usize = 24;

/// A connection that breaks when its client does not begin to speak: a silent one
/// would keep a place that somebody else needs.
pub(super) struct Impatient<S> {
    stream: S,
    heard: usize,
    until: Pin<Box<Sleep>>,
}

impl<S> Impatient<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self {
            stream,
            heard: 0,
            until: Box::pin(sleep(patience)),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.heard < ENOUGH && self.until.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.heard = self.heard.saturating_add(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
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

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_too_little_is_cut_off() {
        let (mut client, server) = duplex(64);
        let mut server = Impatient::new(server, PATIENCE);
        client.write_all(b"PRI * HTTP/2.0").await.unwrap();
        let mut heard = Vec::new();
        let broken = server.read_to_end(&mut heard).await.unwrap_err();
        assert_eq!(broken.kind(), io::ErrorKind::TimedOut);
        assert_eq!(heard, b"PRI * HTTP/2.0");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_begun_may_be_silent_for_long() {
        let (mut client, server) = duplex(64);
        let mut server = Impatient::new(server, PATIENCE);
        client.write_all(&[7; ENOUGH]).await.unwrap();
        let mut heard = [0; ENOUGH];
        server.read_exact(&mut heard).await.unwrap();
        let late = async {
            sleep(2 * PATIENCE).await;
            client.write_all(&[8]).await.unwrap();
        };
        let (heard, ()) = tokio::join!(server.read_u8(), late);
        assert_eq!(heard.unwrap(), 8);
    }
}
