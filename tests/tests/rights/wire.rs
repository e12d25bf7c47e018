//! Calls as bytes, so that any RPC of the contract can be made, streams included.

use std::time::Duration;

use prost::bytes::{Buf as _, BufMut as _, Bytes};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// No call of the tests takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a call sends, and until when it listens.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The messages, one by one.
    pub(crate) messages: Vec<Bytes>,
    /// Ends a stream that has no end of its own.
    pub(crate) until: fn(&Bytes) -> bool,
}

/// A plain channel to a listener, over which all calls go at once.
pub(crate) fn channel(address: std::net::SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect_lazy()
}

/// Calls, and gives every message of the answer.
///
/// A call with one message and one answer looks the same on the wire as one with streams.
pub(crate) async fn call(
    channel: &Channel,
    path: &str,
    sent: &Sent,
    token: Option<&str>,
) -> Result<Vec<Bytes>, Status> {
    let mut request = Request::new(tokio_stream::iter(sent.messages.clone()));
    if let Some(token) = token {
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
    }
    let mut client = tonic::client::Grpc::new(channel.clone());
    let answered = async {
        client
            .ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let path = path.parse().expect("the contract has usable paths");
        let mut answers = client.streaming(request, path, Raw).await?.into_inner();
        let mut all = Vec::new();
        while let Some(answer) = answers.message().await? {
            let enough = (sent.until)(&answer);
            all.push(answer);
            if enough {
                break;
            }
        }
        Ok(all)
    };
    tokio::time::timeout(PATIENCE, answered)
        .await
        .unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time")))
}

/// Passes bytes through.
#[derive(Clone, Copy, Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}
