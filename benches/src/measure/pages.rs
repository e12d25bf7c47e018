//! A page of a long list.

use std::time::{Duration, Instant};

use anyhow::Result;
use proto::intake::v1::{ListReportsRequest, intake_service_client::IntakeServiceClient};
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};
use vocabulary::ReferenceCipher;

use crate::{
    Length,
    environment::Environment,
    figures::{Results, Target},
    generator::{Generator, quantile},
    usage,
};

/// How many reports there are.
const REPORTS: u32 = 100_000;

/// How many of them are on a page.
const PAGE: u32 = 20;

/// After so many pages the list is read from its beginning. This far reports were
/// declared; the older ones are copies without contacts, which no page shows.
const TURN: u32 = 200;

/// Lists page after page as the cell does, who sees everything.
pub(crate) async fn measure(
    environment: &Environment,
    length: Length,
    results: &mut Results,
) -> Result<()> {
    let intake = environment.start("intake", &[]).await?;
    let address = environment.suite.addresses("intake").public;
    fill(environment, &environment.generator().await?).await?;

    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let mut cell = Cell {
        intake: IntakeServiceClient::new(endpoint.connect().await?),
        bearer: environment.bearer("analyst")?,
    };
    cell.read(TURN).await?;
    let processes = [intake.process(), environment.postmaster()?];
    let cpu = || -> Result<f64> { processes.into_iter().map(usage::cpu).sum() };
    let before = cpu()?;
    let pages = length.pick(5 * TURN, TURN);
    let mut times = cell.read(pages).await?;
    let spent = cpu()? - before;
    intake.stop()?;

    times.sort_unstable();
    let page = "a page of 20 of 100,000 reports";
    results.aim(
        format!("CPU for {page}"),
        spent / f64::from(pages),
        "ms",
        Target::AtMost(216.0),
    );
    results.tell(format!("{page}, p50"), quantile(&times, 0.5), "ms");
    results.tell(format!("{page}, p99"), quantile(&times, 0.99), "ms");
    Ok(())
}

/// Declares what pages will show, and adds copies until there are enough.
async fn fill(environment: &Environment, generator: &Generator) -> Result<()> {
    let load = generator.saturate(64).await?;
    while load.acknowledged() < u64::from(TURN * PAGE) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    load.stop().await?;
    let cipher = ReferenceCipher::new([0; 32]);
    // Of another year, so that intake gives none of them again.
    let references: Vec<String> = (TURN * PAGE..REPORTS)
        .map(|number| cipher.reference(2020, number).to_string())
        .collect();
    sqlx::query(include_str!("many_reports.sql"))
        .bind(references)
        .execute(&mut environment.look_behind().await?)
        .await?;
    environment
        .tell_postgres("vacuum analyze intake.report")
        .await
}

/// Somebody who reads the list.
struct Cell {
    intake: IntakeServiceClient<Channel>,
    bearer: MetadataValue<Ascii>,
}

impl Cell {
    /// Reads so many pages, one after the other; gives the time of each.
    async fn read(&mut self, pages: u32) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        let mut page_token = String::new();
        for number in 0..pages {
            if number % TURN == 0 {
                page_token.clear();
            }
            let mut request = Request::new(ListReportsRequest {
                page_size: PAGE,
                page_token,
                ..Default::default()
            });
            let bearer = self.bearer.clone();
            request.metadata_mut().insert("authorization", bearer);
            let asked = Instant::now();
            let page = self.intake.list_reports(request).await?.into_inner();
            times.push(asked.elapsed());
            page_token = page.next_page_token;
        }
        Ok(times)
    }
}
