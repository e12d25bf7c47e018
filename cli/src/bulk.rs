//! `vigie report submit-many`: declares every draft of a file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use prost::Message as _;
use proto::intake::v1::{self as pb, submit_reports_response::Outcome};
use tokio::time::sleep;
use tonic::Code;
use vocabulary::{derived_id, display_line};

use crate::client::Client;
use crate::draft::OnBehalfOptions;
use crate::exit::Failure;
use crate::{json, text_file};

/// How often what is left is sent again without one of it being taken.
const TRIES: u32 = 5;
/// How long the next try waits.
const PAUSE: Duration = Duration::from_secs(1);
/// The characters of the line that says why a report is not taken.
const WIDTH: usize = 400;

#[derive(Args, Debug)]
pub(crate) struct SubmitManyOptions {
    /// A ReportDraft in protobuf JSON on each line; "-" for standard input
    file: PathBuf,
    /// Reference of a report of the same cause, where a line names none
    #[arg(long)]
    cause: Option<String>,
    #[command(flatten)]
    on_behalf: OnBehalfOptions,
}

/// The lines of a file on their way.
#[derive(Default)]
struct Lines {
    /// Those that are not settled, by their numbers from 1.
    waiting: BTreeMap<usize, pb::SubmitReportRequest>,
    /// The last answer of those that are to be sent again.
    put_off: BTreeMap<usize, pb::SubmitReportsResponse>,
    /// How many are refused.
    refused: usize,
}

/// Sends every draft of a file, and says of each line what became of it. The request of a line
/// follows from its content: the same file may be sent again.
pub(crate) async fn submit_many(
    options: SubmitManyOptions,
    client: &Client,
) -> Result<(), Failure> {
    let text = text_file::read(&options.file)?;
    let on_behalf = options.on_behalf.read()?;
    let mut lines = Lines::default();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        match request(line, options.cause.as_ref(), on_behalf) {
            Ok(request) => {
                lines.waiting.insert(number, request);
            }
            Err(why) => lines.settle(number, malformed(&why), client)?,
        }
    }
    let mut idle = 0;
    while !lines.waiting.is_empty() {
        let before = lines.waiting.len();
        let sent = lines.send(client).await;
        let is_moving = lines.waiting.len() < before;
        idle = if is_moving { 0 } else { idle + 1 };
        match sent {
            Err(failure) if idle == TRIES || !is_passing(&failure, is_moving, client) => {
                return Err(failure);
            }
            Ok(()) if idle == TRIES => break,
            Ok(()) | Err(_) if lines.waiting.is_empty() => {}
            Ok(()) | Err(_) => sleep(PAUSE).await,
        }
    }
    for number in std::mem::take(&mut lines.waiting).into_keys() {
        lines.refused += 1;
        let answer = lines.put_off.remove(&number).unwrap_or_default();
        print(number, &answer, client)?;
    }
    if lines.refused == 0 {
        return Ok(());
    }
    let why = client.language.pick("non pris", "not taken");
    Err(Failure::Local(anyhow::anyhow!("{} {why}", lines.refused)))
}

impl Lines {
    /// Sends what is not settled on one stream, and settles what is answered.
    async fn send(&mut self, client: &Client) -> Result<(), Failure> {
        let numbers: Vec<usize> = self.waiting.keys().copied().collect();
        let reports = self.waiting.values().cloned().map(Some);
        let reports: Vec<_> = reports
            .map(|report| pb::SubmitReportsRequest { report })
            .collect();
        let mut intake = client.intake().await?;
        let answers = intake.submit_reports(tokio_stream::iter(reports)).await?;
        let mut answers = answers.into_inner();
        while let Some(answer) = answers.message().await? {
            let place = usize::try_from(answer.index).unwrap_or(usize::MAX);
            if let Some(number) = numbers.get(place) {
                self.settle(*number, answer, client)?;
            }
        }
        Ok(())
    }

    fn settle(
        &mut self,
        number: usize,
        answer: pb::SubmitReportsResponse,
        client: &Client,
    ) -> Result<(), Failure> {
        match &answer.outcome {
            Some(Outcome::Failure(failure)) if failure.retry_after.is_some() => {
                self.put_off.insert(number, answer);
                return Ok(());
            }
            Some(Outcome::Receipt(_)) => {}
            Some(Outcome::Failure(_)) | None => self.refused += 1,
        }
        self.waiting.remove(&number);
        self.put_off.remove(&number);
        print(number, &answer, client)
    }
}

/// The request of a line.
fn request(
    line: &str,
    cause: Option<&String>,
    on_behalf: Option<pb::OnBehalf>,
) -> Result<pb::SubmitReportRequest, String> {
    let mut draft: pb::ReportDraft = json::from_json(line).map_err(|error| format!("{error:#}"))?;
    if let Some(cause) = cause.filter(|_| draft.cause_reference.is_empty()) {
        draft.cause_reference.clone_from(cause);
    }
    let content = pb::SubmitReportRequest {
        draft: Some(draft),
        on_behalf,
        ..pb::SubmitReportRequest::default()
    };
    let request_id = derived_id("line of a file", &[&content.encode_to_vec()]);
    Ok(pb::SubmitReportRequest {
        request_id: request_id.to_string(),
        ..content
    })
}

/// The answer to a line that cannot be sent.
fn malformed(why: &str) -> pb::SubmitReportsResponse {
    pb::SubmitReportsResponse {
        outcome: Some(Outcome::Failure(pb::SubmissionFailure {
            code: Code::InvalidArgument.into(),
            reason: "BAD_FORMAT".to_owned(),
            description: why.to_owned(),
            ..pb::SubmissionFailure::default()
        })),
        ..pb::SubmitReportsResponse::default()
    }
}

/// Whether a stream that broke may be opened again: the service is away or busy, or the token
/// ended on the way and there is another.
fn is_passing(failure: &Failure, is_moving: bool, client: &Client) -> bool {
    match failure {
        Failure::Refused(status) => match status.code() {
            Code::Unavailable | Code::ResourceExhausted => true,
            Code::Unauthenticated => is_moving && client.renews_its_token(),
            _ => false,
        },
        _ => false,
    }
}

/// Prints what became of a line; as JSON on a line too, with the place of the line from 0.
fn print(
    number: usize,
    answer: &pb::SubmitReportsResponse,
    client: &Client,
) -> Result<(), Failure> {
    if client.json {
        let answer = pb::SubmitReportsResponse {
            index: u64::try_from(number - 1).unwrap_or(u64::MAX),
            ..answer.clone()
        };
        say!("{}", json::to_json_line(&answer)?);
        return Ok(());
    }
    let told = match &answer.outcome {
        Some(Outcome::Receipt(receipt)) => receipt.reference.clone(),
        Some(Outcome::Failure(failure)) => {
            let violations = failure.violations.iter();
            let fields = violations.map(|it| format!(" {}: {}", it.field, it.description));
            let fields: String = fields.collect();
            format!("{} [{}]{fields}", failure.description, failure.reason)
        }
        None => String::new(),
    };
    say!("{number}  {}", display_line(&told, WIDTH));
    Ok(())
}
