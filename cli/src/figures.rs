//! `vigie stats`: read figures.

use jiff::civil::Date;
use prost_types::Timestamp;
use proto::statistics::v1 as pb;

use crate::args::{Dimension, PeriodOptions, StatsCommand};
use crate::client::Client;
use crate::exit::Failure;
use crate::language::Language;
use crate::{json, table};

pub(crate) async fn run(command: StatsCommand, client: &Client) -> Result<(), Failure> {
    match command {
        StatsCommand::Overview(options) => {
            let as_known_on = options.as_known_on;
            let request = pb::GetOverviewRequest {
                period: Some(period(&options)),
                filters: filters(&options),
                as_known_at: as_known_at(&options),
                region: options.region.unwrap_or_default(),
            };
            let answer = client
                .statistics()
                .await?
                .get_overview(request)
                .await?
                .into_inner();
            if client.json {
                say!("{}", json::to_json(&answer)?);
            } else {
                print_overview(&answer, client.language);
                print_as_known_on(as_known_on, client.language);
            }
        }
        StatsCommand::Breakdown {
            period: options,
            by,
            and_by,
        } => {
            let as_known_on = options.as_known_on;
            let request = pb::GetBreakdownRequest {
                period: Some(period(&options)),
                dimension: dimension(by).into(),
                second_dimension: and_by.map(|d| dimension(d).into()).unwrap_or_default(),
                filters: filters(&options),
                as_known_at: as_known_at(&options),
                region: options.region.unwrap_or_default(),
            };
            let answer = client
                .statistics()
                .await?
                .get_breakdown(request)
                .await?
                .into_inner();
            if client.json {
                say!("{}", json::to_json(&answer)?);
            } else {
                print_breakdown(&answer, client.language);
                print_as_known_on(as_known_on, client.language);
            }
        }
    }
    Ok(())
}

/// The period of the options: from January of this year to this month by default.
fn period(options: &PeriodOptions) -> pb::Period {
    let this_month = month_in_paris(platform::now());
    let january = format!("{}-01", &this_month[..4]);
    pb::Period {
        from_month: options.from.clone().unwrap_or(january),
        to_month: options.to.clone().unwrap_or(this_month),
        ..pb::Period::default()
    }
}

fn filters(options: &PeriodOptions) -> Vec<pb::Filter> {
    let filters = options.filters.iter();
    filters
        .map(|(filtered, values)| pb::Filter {
            dimension: dimension(*filtered).into(),
            values: values.clone(),
        })
        .collect()
}

/// The last microsecond of the day in Paris; nothing, which is now, while the day lasts.
fn as_known_at(options: &PeriodOptions) -> Option<Timestamp> {
    let day = options.as_known_on?;
    let [midnight, next] = [day, day.tomorrow().ok()?].map(|day| {
        let midnight = day.in_tz("Europe/Paris");
        let midnight = midnight.expect("the zones are part of the program");
        midnight.timestamp().as_second()
    });
    let now = platform::now().unix_timestamp();
    (!(midnight..next).contains(&now)).then_some(Timestamp {
        seconds: next - 1,
        nanos: 999_999_000,
    })
}

/// The month in which a declaration of this moment counts, as in "2026-11".
pub(crate) fn month_in_paris(moment: time::OffsetDateTime) -> String {
    let moment = jiff::Timestamp::from_second(moment.unix_timestamp());
    let moment = moment.expect("a moment of today or of an example can be told");
    let paris = moment.in_tz("Europe/Paris");
    let paris = paris.expect("the zones are part of the program");
    paris.strftime("%Y-%m").to_string()
}

fn dimension(dimension: Dimension) -> pb::Dimension {
    match dimension {
        Dimension::Month => pb::Dimension::Month,
        Dimension::Region => pb::Dimension::Region,
        Dimension::StructureKind => pb::Dimension::StructureKind,
        Dimension::ReportKind => pb::Dimension::ReportKind,
        Dimension::Origin => pb::Dimension::Origin,
        Dimension::OriginType => pb::Dimension::OriginType,
        Dimension::DataImpact => pb::Dimension::DataImpact,
        Dimension::CareImpact => pb::Dimension::CareImpact,
        Dimension::PatientEndangerment => pb::Dimension::PatientEndangerment,
        Dimension::Severity => pb::Dimension::Severity,
    }
}

/// Prints an overview, each share with its numerator and denominator.
pub(crate) fn print_overview(overview: &pb::GetOverviewResponse, language: Language) {
    let span = |period: &Option<pb::Period>| {
        period
            .as_ref()
            .map(|p| match p.to_day.as_str() {
                "" => format!("{} → {}", p.from_month, p.to_month),
                day => format!("{} → {day}", p.from_month),
            })
            .unwrap_or_default()
    };
    let change = |percent: Option<f64>| percent.map(|c| format!("{c:+.1} %")).unwrap_or_default();
    let current = span(&overview.period);
    let previous = span(&overview.previous_period);
    let year_before = span(&overview.year_before_period);
    let headings = [
        language.pick("chiffre", "figure"),
        current.as_str(),
        language.pick("part", "share"),
        previous.as_str(),
        language.pick("évolution", "change"),
        year_before.as_str(),
        language.pick("sur un an", "in a year"),
    ];
    table::print(
        headings,
        overview.figures.iter().map(|figure| {
            [
                name(&figure.name, language),
                figure.current.to_string(),
                figure.share.as_ref().map(share).unwrap_or_default(),
                figure.previous.to_string(),
                change(figure.change_percent),
                figure.year_before.to_string(),
                change(figure.year_change_percent),
            ]
        }),
    );
    print_reserves(overview.partial, overview.up_to_date, language);
}

/// The figure's name for people; a newer service may count more than we know.
fn name(figure: &str, language: Language) -> String {
    let (french, english) = match figure {
        "reports" => ("signalements", "reports"),
        "withdrawn" => ("retirés", "withdrawn"),
        "out_of_scope" => ("hors périmètre", "out of scope"),
        "structures" => ("structures", "structures"),
        "malicious" => ("origine malveillante", "malicious"),
        "degraded_mode" => ("mode dégradé", "degraded mode"),
        "interruption" => ("interruption de prise en charge", "interruption of care"),
        "patient_danger_potential" => {
            ("mise en danger potentielle", "potential danger to patients")
        }
        "patient_danger_proven" => ("mise en danger avérée", "proven danger to patients"),
        "serious" => ("graves", "serious"),
        "significant" => ("significatifs", "significant"),
        "major" => ("majeurs", "major"),
        "assistance_requested" => ("accompagnement demandé", "assistance requested"),
        other => (other, other),
    };
    language.pick(french, english).to_owned()
}

fn print_breakdown(breakdown: &pb::GetBreakdownResponse, language: Language) {
    let headings = [
        language.pick("valeur", "value"),
        language.pick("et", "and"),
        language.pick("nombre", "count"),
        language.pick("part", "share"),
    ];
    table::print(
        headings,
        breakdown.rows.iter().map(|row| {
            let count = row
                .share
                .as_ref()
                .map(|s| s.numerator.to_string())
                .unwrap_or_default();
            [
                row.value.clone(),
                row.second_value.clone(),
                count,
                row.share.as_ref().map(share).unwrap_or_default(),
            ]
        }),
    );
    if breakdown.overlapping {
        say!(
            "{}",
            language.pick(
                "Un signalement peut compter dans plusieurs lignes.",
                "A report may stand in several rows.",
            )
        );
    }
    print_reserves(breakdown.partial, breakdown.up_to_date, language);
}

fn share(share: &pb::Share) -> String {
    let percent = share
        .percent
        .map(|p| format!("{p:.1} % "))
        .unwrap_or_default();
    format!("{percent}({}/{})", share.numerator, share.denominator)
}

fn print_as_known_on(day: Option<Date>, language: Language) {
    if let Some(day) = day {
        let known = language.pick("Tels que connus à la fin du", "As known at the end of");
        say!("{known} {day}.");
    }
}

fn print_reserves(partial: bool, up_to_date: bool, language: Language) {
    if partial {
        say!(
            "{}",
            language.pick(
                "Période en cours : chiffres provisoires.",
                "The period is not over: figures will grow."
            )
        );
    }
    if !up_to_date {
        say!(
            "{}",
            language.pick(
                "Des événements restent à compter.",
                "Some events are still to be counted."
            )
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(as_known_on: &str) -> PeriodOptions {
        PeriodOptions {
            from: None,
            to: None,
            region: None,
            filters: vec![(Dimension::Origin, vec!["malicious".to_owned()])],
            as_known_on: Some(as_known_on.parse().unwrap()),
        }
    }

    #[test]
    fn what_was_known_on_a_day_is_what_was_known_at_its_end_in_paris() {
        // 31 March 2026 is over in Paris at 22:00 UTC.
        let known_at = as_known_at(&options("2026-03-31")).unwrap();
        assert_eq!(
            (known_at.seconds, known_at.nanos),
            (1_774_994_399, 999_999_000)
        );
    }

    #[test]
    fn what_is_known_today_is_what_is_known_now() {
        let now = jiff::Timestamp::from_second(platform::now().unix_timestamp()).unwrap();
        let today = now.in_tz("Europe/Paris").unwrap().date().to_string();
        assert_eq!(as_known_at(&options(&today)), None);
    }

    #[test]
    fn a_filter_names_its_dimension_and_values() {
        let filters = filters(&options("2026-03-31"));
        assert_eq!(filters[0].dimension(), pb::Dimension::Origin);
        assert_eq!(filters[0].values, ["malicious"]);
    }
}
