//! `vigie replay`: send a folder of declarations with their historical dates.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cli::{Client, Failure, say};
use indicatif::{ProgressBar, ProgressStyle};
use proto::intake::v1::{Receipt, SubmitReportRequest};

use crate::args::ReplayOptions;

/// Loads the folder's directory of structures, then sends its declarations.
/// Doing it again changes nothing: every declaration keeps its request id.
pub(crate) async fn run(options: &ReplayOptions, client: &Client) -> Result<(), Failure> {
    let declarations = declarations(&options.folder)?;
    let directory = options.folder.join("structures.csv");
    if directory.exists() {
        cli::import_structures(&directory, client).await?;
    }
    let receipts = send(&declarations, client).await?;
    if client.json {
        let mut sent = Vec::with_capacity(receipts.len());
        for receipt in &receipts {
            let text = cli::to_json(receipt)?;
            let value: serde_json::Value =
                serde_json::from_str(&text).context("reading a receipt")?;
            sent.push(value);
        }
        say!("{:#}", serde_json::json!({ "receipts": sent }));
        return Ok(());
    }
    let language = client.language;
    say!(
        "{} {}",
        receipts.len(),
        language.pick("déclarations rejouées", "declarations replayed")
    );
    Ok(())
}

/// Sends declarations one after the other, in the order of their dates.
pub(crate) async fn send(
    declarations: &[SubmitReportRequest],
    client: &Client,
) -> Result<Vec<Receipt>, Failure> {
    let bar = ProgressBar::new(declarations.len() as u64).with_style(
        ProgressStyle::with_template("{wide_bar} {pos}/{len}")
            .expect("the template is constant and valid"),
    );
    let mut intake = client.intake().await?;
    let mut receipts = Vec::with_capacity(declarations.len());
    for declaration in declarations {
        let answer = intake
            .submit_report(declaration.clone())
            .await?
            .into_inner();
        receipts.push(answer.receipt.unwrap_or_default());
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(receipts)
}

/// Reads the declarations of a folder, oldest first.
pub(crate) fn declarations(folder: &Path) -> Result<Vec<SubmitReportRequest>, Failure> {
    let folder = folder.join("declarations");
    let mut files = std::fs::read_dir(&folder)
        .with_context(|| format!("reading {}", folder.display()))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<Vec<PathBuf>, _>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "json")
    });
    let mut declarations = files
        .iter()
        .map(|file| {
            cli::from_json::<SubmitReportRequest>(&cli::read_text(file)?)
                .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    declarations.sort_by_key(|d| d.declared_at.map(|at| (at.seconds, at.nanos)));
    Ok(declarations)
}
