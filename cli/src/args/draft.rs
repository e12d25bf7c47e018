//! What can be typed about a report.

use std::path::PathBuf;

use clap::Args;
use uuid::Uuid;

use super::free_text;

/// A draft from a file, from flags, or both: flags win.
#[derive(Args, Debug)]
pub(crate) struct DraftOptions {
    /// A SubmitReportRequest in protobuf JSON; "-" for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// incident, product_vulnerability or vendor_bad_practice
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
    /// Ask the cell for accompaniment
    #[arg(long)]
    pub(crate) assistance: bool,
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
}
