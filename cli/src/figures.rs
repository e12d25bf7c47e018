//! `vigie stats`: read figures.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use jiff::civil::Date;
use prost_types::Timestamp;
use proto::statistics::v1 as pb;
use vocabulary::Word;

use crate::client::Client;
use crate::exit::Failure;
use crate::language::Language;
use crate::{json, table};

#[derive(Subcommand, Debug)]
pub(crate) enum StatsCommand {
    /// The figures of a period beside those of the one before and of the year before
    Overview(PeriodOptions),
    /// The figures of a period by one dimension or two
    Breakdown {
        #[command(flatten)]
        period: PeriodOptions,
        /// By what
        #[arg(long, value_parser = dimension())]
        by: pb::Dimension,
        /// And by what else
        #[arg(long, value_parser = dimension())]
        and_by: Option<pb::Dimension>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct PeriodOptions {
    /// First month, "2026-01"; January of this year by default
    #[arg(long)]
    from: Option<String>,
    /// Last month, included; this month by default
    #[arg(long)]
    to: Option<String>,
    /// Only this region (INSEE code) or "national"
    #[arg(long)]
    region: Option<String>,
    /// Only reports with one of these values, "origin=malicious,not_said"; once a dimension
    #[arg(long = "filter", value_name = "DIMENSION=VALUES", value_parser = parse_filter)]
    filters: Vec<(pb::Dimension, Vec<String>)>,
    /// As known at the end of this day in Paris, "2026-03-31"; now by default
    #[arg(long, value_name = "DAY")]
    as_known_on: Option<Date>,
}

/// The dimensions of the contract by their names, as in "structure-kind".
static DIMENSIONS: LazyLock<BTreeMap<String, pb::Dimension>> = LazyLock::new(|| {
    let dimensions = (1..1_000).filter_map(|number| pb::Dimension::try_from(number).ok());
    let named = dimensions.map(|dimension| {
        let name = dimension.as_str_name().trim_start_matches("DIMENSION_");
        (name.to_ascii_lowercase().replace('_', "-"), dimension)
    });
    named.collect()
});

/// Reads a dimension.
fn dimension() -> impl TypedValueParser<Value = pb::Dimension> {
    PossibleValuesParser::new(DIMENSIONS.keys().map(String::as_str)).map(|name| DIMENSIONS[&name])
}

/// Reads `dimension=value,value`.
fn parse_filter(text: &str) -> Result<(pb::Dimension, Vec<String>), String> {
    let (name, values) = text
        .split_once('=')
        .ok_or("expected dimension=value,value")?;
    let dimension = DIMENSIONS.get(&name.to_ascii_lowercase());
    let names = || DIMENSIONS.keys().map(String::as_str).collect::<Vec<_>>();
    let dimension =
        dimension.ok_or_else(|| format!("{name}: not one of {}", names().join(", ")))?;
    let values = values.split(',').map(|value| value.trim().to_owned());
    Ok((*dimension, values.collect()))
}

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
                dimension: by.into(),
                second_dimension: and_by.map(Into::into).unwrap_or_default(),
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
                print_breakdown(&answer, [Some(by), and_by], client.language);
                print_as_known_on(as_known_on, client.language);
            }
        }
    }
    Ok(())
}

/// The period of the options: from January of this year to this month by default.
fn period(options: &PeriodOptions) -> pb::Period {
    let this_month = month_in_paris(crate::clock::now());
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
            dimension: (*filtered).into(),
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
    let now = jiff::Timestamp::now().as_second();
    (!(midnight..next).contains(&now)).then_some(Timestamp {
        seconds: next - 1,
        nanos: 999_999_000,
    })
}

/// The month in which a declaration of this moment counts, as in "2026-11".
pub fn month_in_paris(moment: time::OffsetDateTime) -> String {
    let moment = jiff::Timestamp::from_second(moment.unix_timestamp());
    let moment = moment.expect("a moment of today or of an example can be told");
    let paris = moment.in_tz("Europe/Paris");
    let paris = paris.expect("the zones are part of the program");
    paris.strftime("%Y-%m").to_string()
}

/// Prints an overview and what it is compared with, each share with its numerator and denominator.
pub fn print_overview(overview: &pb::GetOverviewResponse, language: Language) {
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

fn print_breakdown(
    breakdown: &pb::GetBreakdownResponse,
    dimensions: [Option<pb::Dimension>; 2],
    language: Language,
) {
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
                value(dimensions[0], &row.value, language),
                value(dimensions[1], &row.second_value, language),
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

/// A value of a dimension, in the person's language; what is no word of ours as it is.
fn value(dimension: Option<pb::Dimension>, value: &str, language: Language) -> String {
    use pb::Dimension::{
        CareImpact, CrossBorder, DataImpact, Origin, OriginType, PatientEndangerment, Region,
        ReportKind, Severity, StructureKind,
    };
    let known = match (dimension, value) {
        (_, "not_said") => Some(language.pick("non précisé", "not said")),
        (Some(CrossBorder), "yes") => Some(language.pick("oui", "yes")),
        (Some(CrossBorder), "no") => Some(language.pick("non", "no")),
        (Some(Severity), "serious") => Some(language.pick("grave", "serious")),
        (Some(Severity), "significant") => Some(language.pick("significatif", "significant")),
        (Some(Severity), "major") => Some(language.pick("majeur", "major")),
        (Some(Region), code) => code.parse().ok().map(vocabulary::Region::name),
        (Some(StructureKind), word) => label::<vocabulary::StructureKind>(word, language),
        (Some(ReportKind), word) => label::<vocabulary::ReportKind>(word, language),
        (Some(Origin), word) => label::<vocabulary::Origin>(word, language),
        (Some(OriginType), word) => label::<vocabulary::OriginType>(word, language),
        (Some(DataImpact), word) => label::<vocabulary::DataImpact>(word, language),
        (Some(CareImpact), word) => label::<vocabulary::CareImpact>(word, language),
        (Some(PatientEndangerment), word) => {
            label::<vocabulary::PatientEndangerment>(word, language)
        }
        _ => None,
    };
    known.unwrap_or(value).to_owned()
}

fn label<W: Word>(word: &str, language: Language) -> Option<&'static str> {
    let word: W = word.parse().ok()?;
    Some(language.pick(word.french(), word.english()))
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
            filters: vec![parse_filter("origin=malicious").unwrap()],
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
        let now = jiff::Timestamp::now();
        let today = now.in_tz("Europe/Paris").unwrap().date().to_string();
        assert_eq!(as_known_at(&options(&today)), None);
    }

    #[test]
    fn a_dimension_is_typed_by_its_name_in_the_contract() {
        let (dimension, values) = parse_filter("Patient-Endangerment=proven, not_said").unwrap();
        assert_eq!(dimension, pb::Dimension::PatientEndangerment);
        assert_eq!(values, ["proven", "not_said"]);
        let refused = parse_filter("weather=rain").unwrap_err();
        assert!(refused.starts_with("weather: not one of "), "{refused}");
        assert!(refused.contains("patient-endangerment"), "{refused}");
        assert!(!DIMENSIONS.contains_key("unspecified"));
    }

    #[test]
    fn a_row_is_named_in_the_language_of_the_person_and_a_later_word_as_it_is() {
        let shown = |dimension, word| value(Some(dimension), word, Language::French);
        assert_eq!(
            shown(pb::Dimension::OriginType, "ransomware"),
            "Rançongiciel"
        );
        assert_eq!(shown(pb::Dimension::Region, "75"), "Nouvelle-Aquitaine");
        assert_eq!(shown(pb::Dimension::Severity, "major"), "majeur");
        assert_eq!(shown(pb::Dimension::Origin, "not_said"), "non précisé");
        assert_eq!(shown(pb::Dimension::Origin, "number_9"), "number_9");
        assert_eq!(shown(pb::Dimension::Month, "2026-11"), "2026-11");
    }

    #[test]
    fn a_filter_names_its_dimension_and_values() {
        let filters = filters(&options("2026-03-31"));
        assert_eq!(filters[0].dimension(), pb::Dimension::Origin);
        assert_eq!(filters[0].values, ["malicious"]);
    }
}
