//! The rules by which somebody is told, with the text behind each, and the templates of what
//! is told, by name.

/// Why somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// The stream tells of every submission.
    Submission,
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
    /// Those who were told of a report hear that it was a false alarm.
    AnnounceWithdrawal,
    /// The declarant hears that his case was closed.
    Closing,
    /// The ARS, the FSSI and the cell hear once a day of what an importer entered
    /// with a past date.
    Digest,
    /// Those who may read a message on a case hear that there is one.
    Message,
}

impl Rule {
    /// Its name, for people and for ids: it never changes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Submission => "submission",
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
            Self::AnnounceWithdrawal => "announce_withdrawal",
            Self::Closing => "closing",
            Self::Digest => "digest",
            Self::Message => "message",
        }
    }

    /// Whether its messages go before everything else that is due: a night call does
    /// not wait behind the announcements of a large import.
    pub(crate) const fn is_urgent(self) -> bool {
        matches!(self, Self::OnCall | Self::AnnounceMajor)
    }

    /// The text of law or instruction behind it.
    pub(crate) const fn legal_basis(self) -> &'static str {
        match self {
            Self::Submission
            | Self::Withdrawal
            | Self::AnnounceAgency
            | Self::AnnounceFssi
            | Self::Digest
            | Self::AnnounceWithdrawal => {
                "Art. L.1111-8-2 CSP ; instruction SHFDS/FSSI/2023/78 du 23 mai 2023"
            }
            Self::AnnounceCell => "Art. L.1111-8-2 CSP",
            Self::CaseChange | Self::AnnounceHealthAuthority => "Art. D.1111-16-3 CSP",
            Self::Major | Self::AnnounceMajor => {
                "Art. D.1111-16-3 CSP ; pilotage des incidents majeurs par le FSSI"
            }
            Self::OnCall => "Astreinte nationale, en place depuis le 17 octobre 2022",
            Self::Receipt => "Instruction SG/SHFDS/FSSI/2017/281 du 26 septembre 2017",
            Self::Message => {
                "Instruction SG/SHFDS/FSSI/2017/281 du 26 septembre 2017 ; ARS informée de \
                 l'ensemble des échanges"
            }
            Self::Closing => "Arrêté du 27 février 2017 (portail de signalement)",
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
    /// The qualification confirmed a health impact (impact sanitaire).
    HealthImpact,
    /// An incident was judged major (majeur).
    Major,
    /// A report was withdrawn as a false alarm.
    Withdrawal,
    /// The case was closed (clôture).
    Closing,
    /// The structure was written to on its case (échanges).
    Message,
    /// The structure wrote on its case.
    MessageOfStructure,
}

impl Template {
    /// Every template that this release can write with.
    pub(crate) const ALL: [Self; 9] = [
        Self::Receipt,
        Self::Submission,
        Self::SubmissionOutOfHours,
        Self::HealthImpact,
        Self::Major,
        Self::Withdrawal,
        Self::Closing,
        Self::Message,
        Self::MessageOfStructure,
    ];

    /// The template of a name; `None` for one that only a later release can write with.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Its name: of its file, in the kind of its jobs, and of what waits for its report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Submission => "submission",
            Self::SubmissionOutOfHours => "submission_out_of_hours",
            Self::HealthImpact => "health_impact",
            Self::Major => "major",
            Self::Withdrawal => "withdrawal",
            Self::Closing => "closing",
            Self::Message => "message",
            Self::MessageOfStructure => "message_of_structure",
        }
    }
}
