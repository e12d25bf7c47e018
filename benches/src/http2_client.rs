//! Calls that cost their caller as little as may be, as he works on the same cores
//! as the service: the request is encoded once, the answer is not decoded.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::{self, SendRequest};
use http::{HeaderMap, Request, header};
use prost::Message as _;
use proto::intake::v1::{ReportDraft, SubmitReportRequest};
use tokio::{net::TcpStream, task::JoinSet};
use tonic::{
    Code,
    metadata::{Ascii, MetadataValue},
};
use uuid::{Uuid, fmt::Hyphenated};

/// Where the message lies in what is sent: after a flag and its length.
const PREFIX: usize = 5;

/// Where `request_id` lies in the message: the first field, after tag and length.
const REQUEST_ID: usize = PREFIX + 2;

/// A declaration, encoded but for its request id.
#[derive(Clone)]
pub(crate) struct Declaration(Bytes);

/// A connection to intake.
#[derive(Clone)]
pub(crate) struct Http2Client {
    streams: SendRequest<Bytes>,
    head: Request<()>,
}

impl Declaration {
    /// Encodes a draft, and makes its description longer until the declaration has
    /// this many bytes.
    pub(crate) fn of(draft: ReportDraft, bytes: usize) -> Self {
        let mut request = SubmitReportRequest {
            request_id: Uuid::nil().to_string(),
            draft: Some(draft),
            ..SubmitReportRequest::default()
        };
        while request.encoded_len() < bytes {
            if let Some(draft) = &mut request.draft {
                draft.description.push('.');
            }
        }
        let length = u32::try_from(request.encoded_len()).expect("a declaration is short");
        let mut encoded = BytesMut::new();
        encoded.put_u8(0);
        encoded.put_u32(length);
        request
            .encode(&mut encoded)
            .expect("a buffer grows as it must");
        Self(encoded.freeze())
    }

    /// The declaration with a request id of its own.
    fn anew(&self) -> Bytes {
        let mut copy = BytesMut::from(self.0.as_ref());
        let place = &mut copy[REQUEST_ID..REQUEST_ID + Hyphenated::LENGTH];
        Uuid::now_v7().hyphenated().encode_lower(place);
        copy.freeze()
    }
}

impl Http2Client {
    /// Connects; the connection lives among these tasks.
    pub(crate) async fn open(
        intake: SocketAddr,
        bearer: &MetadataValue<Ascii>,
        connections: &mut JoinSet<()>,
    ) -> Result<Self> {
        let socket = TcpStream::connect(intake).await?;
        socket.set_nodelay(true)?;
        let (streams, connection) = client::handshake(socket).await?;
        connections.spawn(async move {
            // Whoever waits for an answer hears of the end.
            let _ = connection.await;
        });
        let path = "vigie.intake.v1.IntakeService/SubmitReport";
        let head = Request::post(format!("http://{intake}/{path}"))
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .header(header::AUTHORIZATION, bearer.to_str()?)
            .body(())?;
        Ok(Self { streams, head })
    }

    /// Declares, and gives the code of the answer.
    pub(crate) async fn declare(&self, declaration: &Declaration) -> Result<Code> {
        let mut streams = self.streams.clone().ready().await?;
        let (answer, mut body) = streams.send_request(self.head.clone(), false)?;
        // A service that refuses at once need not hear the rest: its answer counts.
        let _ = body.send_data(declaration.anew(), true);
        let (head, mut body) = answer.await?.into_parts();
        while let Some(part) = body.data().await {
            let length = part?.len();
            body.flow_control().release_capacity(length)?;
        }
        // An answer that is nothing but a refusal has its code in the head.
        let code = match body.trailers().await? {
            Some(trailers) => code(&trailers),
            None => code(&head.headers),
        };
        code.context("an answer has a code")
    }
}

fn code(headers: &HeaderMap) -> Option<Code> {
    let status = headers.get("grpc-status")?;
    Some(Code::from_bytes(status.as_bytes()))
}
