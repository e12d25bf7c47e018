//! `vigie structure`: load and search the directory, and keep contacts.

use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use proto::intake::v1 as pb;
use tokio::io::AsyncReadExt as _;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use crate::args::{Layout, StructureCommand};
use crate::client::Client;
use crate::exit::Failure;
use crate::language::Language;
use crate::report::word;
use crate::{contacts, json, table};

const CHUNK_BYTES: usize = 256 * 1024;
const REJECTED_SHOWN: usize = 20;
/// The deadline of an import: a large directory over a slow line.
const IMPORT_TIMEOUT: Duration = Duration::from_hours(1);

pub(crate) async fn run(command: StructureCommand, client: &Client) -> Result<(), Failure> {
    match command {
        StructureCommand::Import {
            file,
            layout,
            columns,
        } => {
            let layout = match layout {
                None => pb::StructureFileLayout::Unspecified,
                Some(Layout::Sae) => pb::StructureFileLayout::Sae,
                Some(Layout::Finess) => pb::StructureFileLayout::Finess,
            };
            let naming = pb::ImportStructuresRequest {
                layout: layout.into(),
                columns: columns.into_iter().collect(),
                ..pb::ImportStructuresRequest::default()
            };
            let answer = import_as(&file, naming, client).await?;
            print_import(&answer, client)
        }
        StructureCommand::Search { words, limit } => search(words.join(" "), limit, client).await,
        StructureCommand::Contacts(command) => contacts::run(command, client).await,
    }
}

/// Streams a file to the directory, with a progress bar on a terminal.
pub async fn import(file: &Path, client: &Client) -> Result<pb::ImportStructuresResponse, Failure> {
    import_as(file, pb::ImportStructuresRequest::default(), client).await
}

/// As `import`, of a file whose columns are named as `naming` says.
async fn import_as(
    file: &Path,
    naming: pb::ImportStructuresRequest,
    client: &Client,
) -> Result<pb::ImportStructuresResponse, Failure> {
    let mut reader = tokio::fs::File::open(file)
        .await
        .with_context(|| format!("opening {}", file.display()))?;
    let size = reader.metadata().await?.len();
    let bar = ProgressBar::new(size).with_style(
        ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes}")
            .expect("the template is constant and valid"),
    );
    let (chunks, receiver) = tokio::sync::mpsc::channel::<Option<Vec<u8>>>(4);
    let read = async move {
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            let length = reader.read(&mut chunk).await?;
            chunk.truncate(length);
            bar.inc(length as u64);
            // Nothing is the end of the file. Who has gone has answered already.
            let sent = chunks.send((length > 0).then_some(chunk)).await;
            if length == 0 || sent.is_err() {
                bar.finish_and_clear();
                return io::Result::Ok(());
            }
        }
    };
    // Only the end of the file ends the stream: a part is never taken for the whole.
    let chunks = ReceiverStream::new(receiver)
        .chain(tokio_stream::pending())
        .map_while(|chunk| chunk)
        .map(|chunk| pb::ImportStructuresRequest {
            chunk: chunk.into(),
            ..pb::ImportStructuresRequest::default()
        });
    let messages = tokio_stream::once(naming).chain(chunks);
    let mut request = tonic::Request::new(messages);
    request.set_timeout(IMPORT_TIMEOUT);
    let mut structures = client.structures().await?;
    let answer = tokio::select! {
        biased;
        Err(error) = read => return Err(Failure::from(error)),
        answer = structures.import_structures(request) => answer,
    };
    Ok(answer?.into_inner())
}

fn print_import(answer: &pb::ImportStructuresResponse, client: &Client) -> Result<(), Failure> {
    if client.json {
        say!("{}", json::to_json(answer)?);
        return Ok(());
    }
    let language = client.language;
    table::print_facts(&[
        (language.pick("Lignes", "Lines"), answer.lines.to_string()),
        (
            language.pick("Créées", "Created"),
            answer.created.to_string(),
        ),
        (
            language.pick("Modifiées", "Updated"),
            answer.updated.to_string(),
        ),
        (
            language.pick("Inchangées", "Unchanged"),
            answer.unchanged.to_string(),
        ),
        (
            language.pick("Refusées", "Rejected"),
            answer.rejected.to_string(),
        ),
        (
            language.pick("Cellules illisibles", "Unreadable cells"),
            answer.warned.to_string(),
        ),
        (
            language.pick("Encodage", "Encoding"),
            answer.encoding.clone(),
        ),
    ]);
    let rejected = language.pick("Lignes refusées", "Rejected lines");
    print_lines(rejected, answer.rejected, &answer.rejected_lines, language);
    let unread = language.pick("Cellules illisibles", "Unreadable cells");
    print_lines(unread, answer.warned, &answer.warnings, language);
    Ok(())
}

/// Prints the first of the lines that were refused or have cells that were not read.
fn print_lines(title: &str, all: u64, lines: &[pb::RejectedLine], language: Language) {
    if lines.is_empty() {
        return;
    }
    say!("\n{title}");
    let shown = lines.iter().take(REJECTED_SHOWN);
    for line in shown.clone() {
        let number = language.pick("ligne", "line");
        say!(
            "  {number} {}: {} {} [{}]",
            line.line,
            line.column,
            line.description,
            line.reason
        );
    }
    let more = all.saturating_sub(shown.len() as u64);
    if more > 0 {
        let others = language.pick("autres", "others");
        say!("  … {more} {others}");
    }
}

async fn search(query: String, limit: u32, client: &Client) -> Result<(), Failure> {
    let request = pb::SearchStructuresRequest {
        query,
        page_size: limit,
        page_token: String::new(),
    };
    let answer = client
        .structures()
        .await?
        .search_structures(request)
        .await?
        .into_inner();
    if client.json {
        say!("{}", json::to_json(&answer)?);
        return Ok(());
    }
    let language = client.language;
    let headings = [
        "FINESS",
        language.pick("nom", "name"),
        language.pick("catégorie", "kind"),
        language.pick("commune", "town"),
        language.pick("dép.", "dep."),
        language.pick("région", "region"),
    ];
    table::print(
        headings,
        answer.structures.into_iter().map(|s| {
            let kind = word::<vocabulary::StructureKind>(s.kind, language);
            [s.finess, s.name, kind, s.town, s.department, s.region]
        }),
    );
    Ok(())
}
