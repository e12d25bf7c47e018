//! A draft from a file, from flags, or from both.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use prost::{Message as _, Name as _};
use prost_reflect::DynamicMessage;
use proto::intake::v1::{Contact, DeclarantCapacity, OnBehalf, ReportDraft, SubmitReportRequest};
use proto::types::v1 as types;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::Word;

use crate::args::free_text;
use crate::exit::Failure;
use crate::{clock, json, text_file};

/// A draft from a file, from flags, or both: flags win.
#[derive(Args, Debug)]
pub(crate) struct DraftOptions {
    /// A SubmitReportRequest in protobuf JSON; "-" for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// incident, near_miss, threat, product_vulnerability or vendor_bad_practice
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// FINESS of the structure
    #[arg(long, group = "structure")]
    pub(crate) finess: Option<String>,
    /// SIRET of the structure
    #[arg(long, group = "structure")]
    pub(crate) siret: Option<String>,
    /// RPPS of the professional
    #[arg(long, group = "structure")]
    pub(crate) rpps: Option<String>,
    /// Name of a structure without a number
    #[arg(long, group = "structure", requires = "department", allow_hyphen_values = true, value_parser = free_text)]
    pub(crate) structure_name: Option<String>,
    /// Department of the structure; a FINESS tells it by itself
    #[arg(long)]
    pub(crate) department: Option<String>,
    /// Family name of the declarant
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    pub(crate) family_name: Option<String>,
    /// Given name of the declarant
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    pub(crate) given_name: Option<String>,
    /// Mail address of the declarant
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Telephone of the declarant
    #[arg(long)]
    pub(crate) phone: Option<String>,
    /// Declare as the person delegated for this, not as the director
    #[arg(long)]
    pub(crate) delegate: bool,
    /// When it was noticed (RFC 3339); now by default
    #[arg(long)]
    pub(crate) found_at: Option<String>,
    /// What happened
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    pub(crate) description: Option<String>,
    /// malicious, non_malicious or unknown
    #[arg(long)]
    pub(crate) origin: Option<String>,
    /// Type of the origin: ransomware, telecom_loss …; may be repeated
    #[arg(long = "origin-type")]
    pub(crate) origin_types: Vec<String>,
    /// Impact on data: unavailability, disclosure …; may be repeated
    #[arg(long = "data-impact")]
    pub(crate) data_impacts: Vec<String>,
    /// Nature of the data: health, personal …; may be repeated
    #[arg(long = "data-nature")]
    pub(crate) data_natures: Vec<String>,
    /// Impact on care: none, degraded_mode, interruption or unknown
    #[arg(long)]
    pub(crate) care: Option<String>,
    /// Patients in danger: none, potential, proven or unknown
    #[arg(long)]
    pub(crate) endangerment: Option<String>,
    /// Whether other States may be touched; not said by default
    #[arg(long)]
    pub(crate) cross_border: Option<bool>,
    #[command(flatten)]
    pub(crate) details: DetailOptions,
    /// Ask the cell for accompaniment
    #[arg(long)]
    pub(crate) assistance: bool,
    /// Reference of a report of the same cause, such as that of the provider
    #[arg(long)]
    pub(crate) cause: Option<String>,
}

/// What is mostly known later: how far it reaches, and what was done.
#[derive(Args, Debug)]
pub(crate) struct DetailOptions {
    /// Perimeter (périmètre): the sites and services that are touched
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    perimeter: Option<String>,
    /// Systems that are touched
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    systems: Option<String>,
    /// How care goes on (état de la prise en charge)
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    care_status: Option<String>,
    /// Provider or vendor in question
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    vendor: Option<String>,
    /// Product in question
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    product: Option<String>,
    /// How many persons are touched, approximately
    #[arg(long)]
    persons: Option<u32>,
    /// How far it reaches: structure, department, region, country or unknown
    #[arg(long)]
    reach: Option<String>,
    /// Other structures may be touched
    #[arg(long)]
    may_affect_others: bool,
    /// Region that is touched (INSEE code), agency and importer only; may be repeated
    #[arg(long = "region", value_name = "REGION")]
    regions: Vec<String>,
    /// What the structure has done
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    measures_taken: Option<String>,
    /// Whether a complaint (plainte) was filed; not said by default
    #[arg(long)]
    complaint_filed: Option<bool>,
    /// Whether the CNIL was notified; not said by default
    #[arg(long)]
    cnil_notified: Option<bool>,
}

impl DetailOptions {
    fn apply(&self, draft: &mut ReportDraft) -> Result<(), Failure> {
        for (field, given) in [
            (&mut draft.perimeter, &self.perimeter),
            (&mut draft.systems, &self.systems),
            (&mut draft.care_status, &self.care_status),
            (&mut draft.vendor, &self.vendor),
            (&mut draft.product, &self.product),
            (&mut draft.measures_taken, &self.measures_taken),
        ] {
            if let Some(given) = given {
                field.clone_from(given);
            }
        }
        if !self.regions.is_empty() {
            draft.regions.clone_from(&self.regions);
        }
        draft.complaint_filed = self.complaint_filed.or(draft.complaint_filed);
        draft.cnil_notified = self.cnil_notified.or(draft.cnil_notified);
        let impacts = draft.impacts.get_or_insert_default();
        impacts.persons_affected = self.persons.or(impacts.persons_affected);
        impacts.may_affect_others |= self.may_affect_others;
        if let Some(reach) = &self.reach {
            impacts.reach = parse::<vocabulary::Reach>("--reach", reach)?;
        }
        Ok(())
    }
}

#[derive(Args, Debug)]
pub(crate) struct SubmitOptions {
    #[command(flatten)]
    pub(crate) draft: DraftOptions,
    /// The same at every retry; made anew by default
    #[arg(long)]
    pub(crate) request_id: Option<Uuid>,
    /// A past date of declaration (RFC 3339), importer only
    #[arg(long)]
    pub(crate) declared_at: Option<String>,
    #[command(flatten)]
    pub(crate) on_behalf: OnBehalfOptions,
}

/// How a declaration came that an agent or an analyst enters.
#[derive(Args, Debug)]
pub(crate) struct OnBehalfOptions {
    /// Enter what the declarant declared by telephone, paper, mail or other
    #[arg(long, value_name = "MEDIUM")]
    pub(crate) on_behalf: Option<String>,
    /// When it came (RFC 3339), at most 31 days ago; now by default
    #[arg(long, requires = "on_behalf", value_name = "MOMENT")]
    pub(crate) received_at: Option<String>,
}

impl OnBehalfOptions {
    /// What was typed, for the wire.
    pub(crate) fn read(&self) -> Result<Option<OnBehalf>, Failure> {
        let Some(medium) = &self.on_behalf else {
            return Ok(None);
        };
        let received_at = self.received_at.as_ref();
        let received_at = received_at.map(|text| clock::parse("--received-at", text));
        Ok(Some(OnBehalf {
            medium: parse::<vocabulary::Medium>("--on-behalf", medium)?,
            received_at: received_at.transpose()?,
        }))
    }
}

/// The request a person means: the file's, with the flags over it.
pub(crate) fn request(
    options: &DraftOptions,
    now: OffsetDateTime,
) -> Result<SubmitReportRequest, Failure> {
    let mut request = from_file(options)?;
    let draft = request.draft.get_or_insert_default();
    if options.file.is_none() {
        draft.kind = types::ReportKind::Incident.into();
        draft.capacity = DeclarantCapacity::Director.into();
        draft.found_at = Some(clock::timestamp(now));
    }
    apply(options, draft)?;
    Ok(request)
}

/// The fields of a report that a person means to change, by their paths: those of the file and
/// of the flags, and no others.
pub(crate) fn amendment(options: &DraftOptions) -> Result<(ReportDraft, Vec<String>), Failure> {
    let mut draft = from_file(options)?.draft.unwrap_or_default();
    apply(options, &mut draft)?;
    let descriptor = json::CONTRACTS
        .get_message_by_name(&ReportDraft::full_name())
        .context("the draft is of the contract")?;
    let given = DynamicMessage::decode(descriptor, draft.encode_to_vec().as_slice())
        .context("a draft is read by its own description")?;
    let mut paths = Vec::new();
    collect_paths("", &given, &mut paths);
    Ok((draft, paths))
}

fn collect_paths(prefix: &str, given: &DynamicMessage, paths: &mut Vec<String>) {
    for (field, value) in given.fields() {
        let path = format!("{prefix}{}", field.name());
        match value.as_message() {
            // The structure is one thing, and so is a moment.
            Some(inner) if ["declarant", "alternate_contact", "impacts"].contains(&&*path) => {
                collect_paths(&format!("{path}."), inner, paths);
            }
            _ => paths.push(path),
        }
    }
}

fn from_file(options: &DraftOptions) -> Result<SubmitReportRequest, Failure> {
    match &options.file {
        Some(file) => json::from_json(&text_file::read(file)?)
            .map_err(|error| Failure::Usage(format!("{}: {error}", file.display()))),
        None => Ok(SubmitReportRequest::default()),
    }
}

/// Lays the flags over a draft.
pub(crate) fn apply(options: &DraftOptions, draft: &mut ReportDraft) -> Result<(), Failure> {
    use types::structure_identifier::Identifier;

    if let Some(kind) = &options.kind {
        draft.kind = parse::<vocabulary::ReportKind>("--kind", kind)?;
    }
    let identifier = match options {
        DraftOptions {
            finess: Some(number),
            ..
        } => Some(Identifier::Finess(number.clone())),
        DraftOptions {
            siret: Some(number),
            ..
        } => Some(Identifier::Siret(number.clone())),
        DraftOptions {
            rpps: Some(number), ..
        } => Some(Identifier::Rpps(number.clone())),
        DraftOptions {
            structure_name: Some(name),
            department,
            ..
        } => Some(Identifier::Described(types::DescribedStructure {
            name: name.clone(),
            department: department.clone().unwrap_or_default(),
        })),
        _ => None,
    };
    if identifier.is_some() {
        draft.structure = Some(types::StructureIdentifier { identifier });
    }
    // A described structure carries its own.
    if let (None, Some(department)) = (&options.structure_name, &options.department) {
        draft.department.clone_from(department);
    }
    let declarant = draft.declarant.get_or_insert_default();
    overlay(declarant, options);
    if options.delegate {
        draft.capacity = DeclarantCapacity::Delegate.into();
    }
    if let Some(text) = &options.found_at {
        draft.found_at = Some(clock::parse("--found-at", text)?);
    }
    if let Some(text) = &options.description {
        draft.description.clone_from(text);
    }
    if let Some(origin) = &options.origin {
        draft.origin = parse::<vocabulary::Origin>("--origin", origin)?;
    }
    if !options.origin_types.is_empty() {
        draft.origin_types =
            parse_all::<vocabulary::OriginType>("--origin-type", &options.origin_types)?;
    }
    draft.cross_border = options.cross_border.or(draft.cross_border);
    draft.assistance_requested |= options.assistance;
    if let Some(reference) = &options.cause {
        draft.cause_reference.clone_from(reference);
    }
    options.details.apply(draft)?;

    let impacts = draft.impacts.get_or_insert_default();
    if !options.data_impacts.is_empty() {
        impacts.data = parse_all::<vocabulary::DataImpact>("--data-impact", &options.data_impacts)?;
    }
    if !options.data_natures.is_empty() {
        impacts.data_natures =
            parse_all::<vocabulary::DataNature>("--data-nature", &options.data_natures)?;
    }
    if let Some(care) = &options.care {
        impacts.care = parse::<vocabulary::CareImpact>("--care", care)?;
    }
    if let Some(danger) = &options.endangerment {
        impacts.patient_endangerment =
            parse::<vocabulary::PatientEndangerment>("--endangerment", danger)?;
    }
    Ok(())
}

fn overlay(contact: &mut Contact, options: &DraftOptions) {
    for (field, given) in [
        (&mut contact.family_name, &options.family_name),
        (&mut contact.given_name, &options.given_name),
        (&mut contact.email, &options.email),
        (&mut contact.phone, &options.phone),
    ] {
        if let Some(given) = given {
            field.clone_from(given);
        }
    }
}

/// Reads a word of the vocabulary into its number on the wire.
pub(crate) fn parse<W: Word>(flag: &str, word: &str) -> Result<i32, Failure> {
    // Words are typed with a hyphen as often as with an underscore.
    let value: W = word.replace('-', "_").parse().map_err(|_| {
        let words: Vec<String> = W::ALL.iter().map(ToString::to_string).collect();
        let words = words.join(", ");
        Failure::Usage(format!("{flag} {word}: not one of {words}"))
    })?;
    Ok(value.number())
}

/// Reads several words of the vocabulary.
pub(crate) fn parse_all<W: Word>(flag: &str, words: &[String]) -> Result<Vec<i32>, Failure> {
    words.iter().map(|word| parse::<W>(flag, word)).collect()
}
