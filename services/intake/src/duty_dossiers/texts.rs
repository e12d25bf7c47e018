//! What each authority asks for, with the text that asks for it. No form of an authority is
//! published as a list of fields: these are the contents that the texts name.

use vocabulary::ParallelDuty;

use super::Source;

/// Something that an authority asks for, in both languages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) name: &'static str,
    pub(super) label: [&'static str; 2],
    pub(super) legal_basis: &'static str,
    pub(super) sources: &'static [Source],
    /// It is asked for past the term alone.
    pub(super) when_overdue: bool,
}

/// What the authority of a duty asks for, in the order of the text.
pub(super) fn asked(duty: ParallelDuty) -> &'static [Asked] {
    match duty {
        ParallelDuty::Cnil => CNIL,
        ParallelDuty::AnssiEssentialServices => ANSSI_ESSENTIAL_SERVICES,
        ParallelDuty::AnssiVital => ANSSI_VITAL,
        ParallelDuty::Ansm => ANSM,
        ParallelDuty::Complaint => COMPLAINT,
    }
}

const fn field(
    name: &'static str,
    label: [&'static str; 2],
    legal_basis: &'static str,
    sources: &'static [Source],
) -> Asked {
    Asked {
        name,
        label,
        legal_basis,
        sources,
        when_overdue: false,
    }
}

const GDPR_A: &str = "RGPD, art. 33(3)(a)";
const GDPR_B: &str = "RGPD, art. 33(3)(b)";
const GDPR_C: &str = "RGPD, art. 33(3)(c)";
const GDPR_D: &str = "RGPD, art. 33(3)(d)";
const OSE: &str = ParallelDuty::AnssiEssentialServices.legal_basis();
const OIV: &str = ParallelDuty::AnssiVital.legal_basis();
const DEVICES: &str = ParallelDuty::Ansm.legal_basis();
const CELL: &str = ParallelDuty::Complaint.legal_basis();

#[rustfmt::skip]
const CNIL: &[Asked] = &[
    field("breach_nature", ["Nature de la violation", "Nature of the breach"],
        GDPR_A, &[Source::DataImpacts, Source::Description]),
    field("persons_categories",
        ["Catégories de personnes concernées", "Categories of persons concerned"],
        GDPR_A, &[]),
    field("persons_count",
        ["Nombre approximatif de personnes concernées", "Approximate number of persons concerned"],
        GDPR_A, &[Source::PersonsAffected]),
    field("records_categories",
        ["Catégories de données concernées", "Categories of records concerned"],
        GDPR_A, &[Source::DataNatures]),
    field("records_count",
        ["Nombre approximatif d'enregistrements concernés", "Approximate number of records concerned"],
        GDPR_A, &[]),
    field("contact",
        ["Délégué à la protection des données ou autre point de contact",
         "Data protection officer or other contact point"],
        GDPR_B, &[Source::Declarant, Source::AlternateContact]),
    field("consequences",
        ["Conséquences probables de la violation", "Likely consequences of the breach"],
        GDPR_C,
        &[Source::Care, Source::CareDuration, Source::PatientEndangerment, Source::Reach,
          Source::MayAffectOthers]),
    field("measures", ["Mesures prises ou proposées", "Measures taken or proposed"],
        GDPR_D, &[Source::MeasuresTaken]),
    Asked {
        when_overdue: true,
        ..field("delay_reasons",
            ["Motifs du retard au-delà de 72 heures", "Reasons for the delay beyond 72 hours"],
            "RGPD, art. 33(1)", &[])
    },
];

#[rustfmt::skip]
const ANSSI_ESSENTIAL_SERVICES: &[Asked] = &[
    field("incident", ["Incident", "Incident"], OSE,
        &[Source::Description, Source::StartedAt, Source::Perimeter, Source::Systems]),
    field("causes", ["Causes", "Causes"], OSE,
        &[Source::Origin, Source::OriginTypes, Source::Vendor, Source::Product]),
    field("consequences", ["Conséquences", "Consequences"], OSE,
        &[Source::DataImpacts, Source::DataNatures, Source::PersonsAffected, Source::Care,
          Source::CareDuration, Source::PatientEndangerment, Source::Reach,
          Source::MayAffectOthers]),
    field("other_member_states",
        ["Conséquences dans d'autres États membres", "Consequences in other Member States"],
        OSE, &[Source::CrossBorder]),
    field("contact",
        ["Contact pour les demandes de l'ANSSI", "Contact for the requests of the ANSSI"],
        OSE, &[Source::Declarant, Source::AlternateContact]),
];

#[rustfmt::skip]
const ANSSI_VITAL: &[Asked] = &[
    field("incident", ["Incident", "Incident"], OIV,
        &[Source::Description, Source::StartedAt]),
    field("systems",
        ["Systèmes d'information touchés, dont ceux d'importance vitale (SIIV)",
         "Information systems touched, those of vital importance (SIIV) among them"],
        OIV, &[Source::Systems, Source::Perimeter]),
];

#[rustfmt::skip]
const ANSM: &[Asked] = &[
    field("device",
        ["Dispositif ou logiciel médical en cause", "Medical device or software involved"],
        DEVICES, &[Source::Product, Source::Vendor]),
    field("incident", ["Incident ou risque d'incident", "Incident or risk of one"],
        DEVICES, &[Source::Description, Source::StartedAt]),
    field("health",
        ["Décès ou dégradation grave de l'état de santé, avérés ou possibles",
         "Death or serious degradation of health, that happened or may"],
        DEVICES, &[Source::PatientEndangerment]),
];

#[rustfmt::skip]
const COMPLAINT: &[Asked] = &[
    field("facts", ["Faits", "Facts"], CELL,
        &[Source::Description, Source::StartedAt, Source::Systems]),
    field("malice", ["Acte malveillant", "Malicious act"], CELL,
        &[Source::Origin, Source::OriginTypes]),
    field("complaint_date", ["Date de la plainte", "Date of the complaint"], CELL, &[]),
    field("complaint_service", ["Service saisi", "Service that took it"], CELL, &[]),
];
