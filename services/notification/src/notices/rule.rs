//! The rules by which somebody is told, with the text behind each, and the templates of what
//! is told, by name.

use std::borrow::Cow;

use vocabulary::{CaseActivity, ParallelDuty};

/// Why somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// The stream tells of every submission.
    Submission,
    /// The stream tells of every amendment, and the declarant hears of that by an agency.
    Amendment,
    /// The stream tells of every withdrawal.
    Withdrawal,
    /// The stream tells of every change of a case.
    CaseChange,
    /// The stream tells apart that an incident was judged major.
    Major,
    /// The declarant is sent a receipt (accusé de réception).
    Receipt,
    /// The ARS of the region hears of every submission.
    AnnounceAgency,
    /// The FSSI hears of every submission.
    AnnounceFssi,
    /// The cell hears of every submission.
    AnnounceCell,
    /// The health authority hears of a health impact.
    AnnounceHealthAuthority,
    /// The FSSI hears at once that an incident was judged major.
    AnnounceMajor,
    /// The on-call chain (astreinte) hears of what cannot wait.
    OnCall,
    /// Somebody of the rota is called by an escalation.
    Escalation,
    /// Those who were told of a report hear that it was a false alarm.
    AnnounceWithdrawal,
    /// The cell and the ARS hear that the structure declared its incident resolved, and the
    /// declarant that an agency did so for it.
    AnnounceResolution,
    /// The declarant hears that his case was closed.
    Closing,
    /// The ARS, the FSSI and the cell hear once a day of what an importer entered
    /// with a past date.
    Digest,
    /// Those who may read a message on a case hear that there is one.
    Message,
    /// Those whom something on a case concerns hear that it happened.
    Activity,
    /// The structure is reminded of a report that is due, and those who follow it see that.
    Deadline,
    /// The structure is reminded of what it owes to another authority.
    ParallelDuty,
}

impl Rule {
    /// Its name, for people and for ids: it never changes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Submission => "submission",
            Self::Amendment => "amendment",
            Self::Withdrawal => "withdrawal",
            Self::CaseChange => "case_change",
            Self::Major => "major",
            Self::Receipt => "receipt",
            Self::AnnounceAgency => "announce_agency",
            Self::AnnounceFssi => "announce_fssi",
            Self::AnnounceCell => "announce_cell",
            Self::AnnounceHealthAuthority => "announce_health_authority",
            Self::AnnounceMajor => "announce_major",
            Self::OnCall => "on_call",
            Self::Escalation => "escalation",
            Self::AnnounceWithdrawal => "announce_withdrawal",
            Self::AnnounceResolution => "announce_resolution",
            Self::Closing => "closing",
            Self::Digest => "digest",
            Self::Message => "message",
            Self::Activity => "activity",
            Self::Deadline => "deadline",
            Self::ParallelDuty => "parallel_duty",
        }
    }

    /// The rule by which an activity on a case is told.
    pub(crate) fn of_activity(kind: Option<CaseActivity>) -> Self {
        match kind {
            Some(CaseActivity::Message) => Self::Message,
            Some(CaseActivity::CnilDue) => Self::ParallelDuty,
            Some(kind) if kind.is_of_deadline() => Self::Deadline,
            _ => Self::Activity,
        }
    }

    /// Whether its messages go before everything else that is due: a night call does
    /// not wait behind the announcements of a large import.
    pub(crate) const fn is_urgent(self) -> bool {
        matches!(self, Self::OnCall | Self::Escalation | Self::AnnounceMajor)
    }

    /// The text of law or instruction behind it.
    pub(crate) const fn legal_basis(self) -> &'static str {
        match self {
            Self::Submission
            | Self::Amendment
            | Self::Withdrawal
            | Self::AnnounceAgency
            | Self::AnnounceFssi
            | Self::Digest
            | Self::AnnounceWithdrawal => {
                "Art. L.1111-8-2 CSP ; instruction SHFDS/FSSI/2023/78 du 23 mai 2023"
            }
            Self::AnnounceCell => "Art. L.1111-8-2 CSP",
            Self::Activity
            | Self::CaseChange
            | Self::AnnounceResolution
            | Self::AnnounceHealthAuthority => "Art. D.1111-16-3 CSP",
            Self::Major | Self::AnnounceMajor => {
                "Art. D.1111-16-3 CSP ; pilotage des incidents majeurs par le FSSI"
            }
            Self::OnCall | Self::Escalation => {
                "Astreinte nationale, en place depuis le 17 octobre 2022"
            }
            Self::Receipt => "Instruction SG/SHFDS/FSSI/2017/281 du 26 septembre 2017",
            Self::Message => {
                "Instruction SG/SHFDS/FSSI/2017/281 du 26 septembre 2017 ; ARS informée de \
                 l'ensemble des échanges"
            }
            Self::Closing => "Arrêté du 27 février 2017 (portail de signalement)",
            // In force where the installation has a rule pack that says so.
            Self::Deadline => "Directive (UE) 2022/2555, art. 23(4)",
            Self::ParallelDuty => ParallelDuty::Cnil.legal_basis(),
        }
    }
}

/// The template of a mail about a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Template {
    /// The declarant's own report was registered (accusé de réception).
    Receipt,
    /// A report was submitted.
    Submission,
    /// A report was submitted outside working hours.
    SubmissionOutOfHours,
    /// The cell or the agency confirmed a health impact (impact sanitaire).
    HealthImpact,
    /// An incident was judged major (majeur).
    Major,
    /// A report was withdrawn as a false alarm.
    Withdrawal,
    /// The structure declared its incident resolved (résolution).
    Resolution,
    /// The case was closed (clôture).
    Closing,
    /// An agency completed the declaration for the structure.
    AmendedOnBehalf,
    /// An agency declared the resolution for the structure.
    ResolvedOnBehalf,
    /// Something concerns the structure on its case: a message, a measure.
    ToStructure(CaseActivity),
    /// The structure, or an agency for it, did something on its case.
    OfStructure(CaseActivity),
}

/// What the declarant is written to about when somebody else did it.
const TO_STRUCTURE: &[CaseActivity] = &[
    CaseActivity::Message,
    CaseActivity::InformationRequested,
    CaseActivity::InformationOverdue,
    CaseActivity::InformationAnswered,
    CaseActivity::MeasureProposed,
    CaseActivity::MeasureDeclined,
    CaseActivity::MeasureDone,
    CaseActivity::MeasureWithdrawn,
    CaseActivity::AccompanimentOffered,
    CaseActivity::AccompanimentGiven,
    CaseActivity::AccompanimentEnded,
    CaseActivity::NotificationDue,
    CaseActivity::NotificationOverdue,
    CaseActivity::FinalReportDue,
    CaseActivity::FinalReportOverdue,
    CaseActivity::ProgressReportOverdue,
    CaseActivity::CnilDue,
    CaseActivity::LinkConfirmed,
    CaseActivity::LinkRejected,
    CaseActivity::ReportAttached,
];

/// What the cell is written to about when the structure did it, or an agency for it.
const OF_STRUCTURE: &[CaseActivity] = &[
    CaseActivity::Message,
    CaseActivity::InformationAnswered,
    CaseActivity::MeasureAskedFor,
    CaseActivity::MeasureDeclined,
    CaseActivity::MeasureDone,
    CaseActivity::AccompanimentAsked,
    CaseActivity::AccompanimentAccepted,
    CaseActivity::AccompanimentDeclined,
    CaseActivity::FeedbackGiven,
];

impl Template {
    /// Every template that this release can write with.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let of_reports = [
            Self::Receipt,
            Self::Submission,
            Self::SubmissionOutOfHours,
            Self::HealthImpact,
            Self::Major,
            Self::Withdrawal,
            Self::Resolution,
            Self::Closing,
            Self::AmendedOnBehalf,
            Self::ResolvedOnBehalf,
        ];
        let to_structure = TO_STRUCTURE.iter().copied().map(Self::ToStructure);
        let of_structure = OF_STRUCTURE.iter().copied().map(Self::OfStructure);
        of_reports
            .into_iter()
            .chain(to_structure)
            .chain(of_structure)
    }

    /// The template of a name; `None` for one that only a later release can write with.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::all().find(|it| it.name() == name)
    }

    /// The mail to the declarant about an activity; none where there is nothing to do.
    pub(crate) fn to_structure(kind: CaseActivity) -> Option<Self> {
        TO_STRUCTURE
            .contains(&kind)
            .then_some(Self::ToStructure(kind))
    }

    /// The mail to the cell about an activity of the structure, if it needs one.
    pub(crate) fn of_structure(kind: CaseActivity) -> Option<Self> {
        OF_STRUCTURE
            .contains(&kind)
            .then_some(Self::OfStructure(kind))
    }

    /// Its name: in the kind of its jobs, and of what waits for its report. It never changes.
    pub(crate) fn name(self) -> Cow<'static, str> {
        match self {
            Self::ToStructure(kind) => kind.as_str().into(),
            Self::OfStructure(kind) => format!("{kind}_of_structure").into(),
            Self::AmendedOnBehalf => "amended_on_behalf".into(),
            Self::ResolvedOnBehalf => "resolved_on_behalf".into(),
            _ => self.file().into(),
        }
    }

    /// The name of its file.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Submission => "submission",
            Self::SubmissionOutOfHours => "submission_out_of_hours",
            Self::HealthImpact => "health_impact",
            Self::Major => "major",
            Self::Withdrawal => "withdrawal",
            Self::Resolution => "resolution",
            Self::Closing => "closing",
            Self::ToStructure(_) | Self::AmendedOnBehalf | Self::ResolvedOnBehalf => "to_structure",
            Self::OfStructure(_) => "of_structure",
        }
    }
}
