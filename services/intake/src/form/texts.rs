//! What the form says to people, in French and in English.

use super::Language;

/// What is said of a field, in both languages.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldText {
    pub(super) path: &'static str,
    pub(super) label: [&'static str; 2],
    pub(super) help: [&'static str; 2],
    /// A value that is accepted.
    pub(super) example: &'static str,
}

/// What is said of a field; of another contact the same as of the declarant.
pub(super) fn of_field(path: &str) -> FieldText {
    let alternate = path.strip_prefix("alternate_contact.");
    let path = alternate.map_or_else(|| path.to_owned(), |name| format!("declarant.{name}"));
    let found = FIELDS.iter().find(|text| text.path == path);
    *found.expect("a test has read the text of every field")
}

/// The heading of a section.
pub(super) fn of_section(name: &str, language: Language) -> &'static str {
    of(SECTIONS, name, language)
}

/// What the fields of a group are called together.
pub(super) fn of_group(violation_path: &str, language: Language) -> &'static str {
    of(GROUPS, violation_path, language)
}

fn of(texts: &[(&str, [&'static str; 2])], name: &str, language: Language) -> &'static str {
    let found = texts.iter().find(|(known, _)| *known == name);
    let [french, english] = found.expect("a test has read the text of every part").1;
    language.pick(french, english)
}

const SECTIONS: &[(&str, [&str; 2])] = &[
    ("object", ["Objet du signalement", "What is reported"]),
    ("structure", ["Structure concernée", "Structure concerned"]),
    ("declarant", ["Déclarant", "Declarant"]),
    ("alternate_contact", ["Autre contact", "Another contact"]),
    ("incident", ["Description", "Description"]),
    ("origin", ["Origine", "Origin"]),
    ("impacts", ["Impacts", "Impacts"]),
    ("actions", ["Actions et demandes", "Actions and requests"]),
];

const GROUPS: &[(&str, [&str; 2])] = &[
    (
        "structure",
        ["Désignation de la structure", "How the structure is named"],
    ),
    (
        "declarant.email",
        ["Courriel ou téléphone", "Mail or telephone"],
    ),
    (
        "alternate_contact.email",
        ["Courriel ou téléphone", "Mail or telephone"],
    ),
];

const fn text(
    path: &'static str,
    label: [&'static str; 2],
    help: [&'static str; 2],
    example: &'static str,
) -> FieldText {
    FieldText {
        path,
        label,
        help,
        example,
    }
}

#[rustfmt::skip]
const FIELDS: &[FieldText] = &[
    text("kind", ["Objet", "Kind"],
        ["En cas de doute, déclarez un incident. Un quasi-incident a été évité ou n'est pas certain ; une menace ne s'est pas encore réalisée.",
         "When in doubt, declare an incident. A near miss was averted or is not certain; a threat has not come true yet."],
        "REPORT_KIND_INCIDENT"),
    text("structure.finess", ["FINESS", "FINESS"],
        ["Numéro du site (ET) ou de l'entité juridique (EJ) ; celui du site est préférable.",
         "Number of the site (ET) or of the legal entity (EJ); that of the site is better."],
        "010000024"),
    text("structure.siret", ["SIRET", "SIRET"],
        ["Pour une structure sans FINESS, avec son département.",
         "For a structure without a FINESS, with its department."],
        "26010004500012"),
    text("structure.rpps", ["RPPS", "RPPS"],
        ["Pour un professionnel libéral, avec son département.",
         "For a self-employed professional, with the department."],
        "10101201234"),
    text("structure.described.name", ["Nom de la structure", "Name of the structure"],
        ["Pour une structure sans numéro.", "For a structure without a number."],
        "Cabinet infirmier du Lac"),
    text("structure.described.department", ["Département de la structure", "Department of the structure"],
        ["Désigne l'ARS compétente.", "Tells which ARS is competent."],
        "74"),
    text("department", ["Département", "Department"],
        ["Un SIRET ou un RPPS ne le dit pas ; il désigne l'ARS compétente.",
         "Neither a SIRET nor an RPPS tells it; it tells which ARS is competent."],
        "01"),
    text("structure_kind", ["Type de structure", "Kind of structure"],
        ["Repris de l'annuaire quand la structure y figure.",
         "Taken from the directory where the structure is in it."],
        "STRUCTURE_KIND_HEALTH_FACILITY"),
    text("operator_status", ["Statut d'opérateur", "Operator status"],
        ["Opérateur d'importance vitale ou de services essentiels.",
         "Operator of vital importance or of essential services."],
        "OPERATOR_STATUS_ESSENTIAL_SERVICES"),
    text("national", ["Organisme national", "National body"],
        ["Sans région propre : aucune ARS seule n'est compétente.",
         "Without a region of its own: no single ARS is competent."],
        "true"),
    text("regions", ["Régions concernées", "Regions concerned"],
        ["Réservé aux ARS et aux programmes d'import ; l'ARS de chacune est informée.",
         "For agencies and importers only; the ARS of each is told."],
        "84"),
    text("declarant.family_name", ["Nom", "Family name"], ["", ""], "Martin"),
    text("declarant.given_name", ["Prénom", "Given name"], ["", ""], "Anne"),
    text("declarant.position", ["Fonction", "Position"], ["", ""], "Directrice"),
    text("declarant.email", ["Courriel", "Mail address"],
        ["L'accusé de réception y est envoyé. Si cette messagerie peut être compromise, donnez un autre contact.",
         "The receipt goes there. If this mailbox may be compromised, give another contact."],
        "direction@ch-exemple.fr"),
    text("declarant.phone", ["Téléphone", "Telephone"], ["", ""], "04 74 00 00 00"),
    text("capacity", ["Qualité du déclarant", "Capacity of the declarant"],
        ["Le directeur, le professionnel lui-même ou la personne déléguée ; un agent de l'ARS pour une structure qui ne peut pas déclarer.",
         "The director, the professional or the person delegated; an agent of the ARS for a structure that cannot declare."],
        "DECLARANT_CAPACITY_DELEGATE"),
    text("found_at", ["Date du constat", "When it was noticed"], ["", ""], "2025-11-03T08:00:00+01:00"),
    text("started_at", ["Date de début", "When it began"],
        ["Si elle est connue.", "If it is known."],
        "2025-11-02T23:30:00+01:00"),
    text("description", ["Description", "Description"],
        ["Les faits avérés, aussi précisément que possible. Aucune donnée de patient.",
         "The facts, as precisely as possible. No data of a patient."],
        "Postes chiffrés depuis ce matin, accueil des urgences sur papier."),
    text("perimeter", ["Périmètre", "Perimeter"],
        ["Services, sites et utilisateurs touchés.", "Departments, sites and users that are touched."],
        "Urgences et laboratoire du site principal."),
    text("systems", ["Systèmes d'information concernés", "Information systems concerned"],
        ["Matériels et logiciels touchés.", "Hardware and software that are touched."],
        "Dossier patient, serveurs de fichiers."),
    text("care_status", ["État de la prise en charge", "State of the handling"],
        ["Où en est le traitement de l'incident.", "How far the incident is dealt with."],
        "Réseau isolé, sauvegardes en cours de vérification."),
    text("vendor", ["Prestataire ou éditeur en cause", "Vendor concerned"], ["", ""], "Éditeur Exemple"),
    text("product", ["Produit en cause", "Product concerned"], ["", ""], "Logiciel Exemple 3.2"),
    text("origin", ["Origine", "Origin"],
        ["Si les causes sont identifiées.", "If the causes are identified."],
        "ORIGIN_MALICIOUS"),
    text("origin_types", ["Types d'origine", "Types of the origin"],
        ["Chacun correspond à l'origine.", "Each fits the origin."],
        "ORIGIN_TYPE_RANSOMWARE"),
    text("impacts.data", ["Impact sur les données", "Impact on data"], ["", ""], "DATA_IMPACT_UNAVAILABILITY"),
    text("impacts.data_natures", ["Nature des données", "Nature of the data"], ["", ""], "DATA_NATURE_HEALTH"),
    text("impacts.persons_affected", ["Personnes touchées", "Persons affected"],
        ["Nombre approximatif de personnes dont les données ou la prise en charge sont touchées.",
         "Approximate number of persons whose data or care is touched."],
        "1200"),
    text("impacts.care", ["Impact sur la prise en charge", "Impact on care"],
        ["Un mode dégradé peut être un incident majeur : appelez l'astreinte.",
         "A degraded mode may be a major incident: call the duty line."],
        "CARE_IMPACT_DEGRADED_MODE"),
    text("impacts.care_duration_hours", ["Durée, en heures", "Duration in hours"], ["", ""], "5"),
    text("impacts.patient_endangerment", ["Mise en danger des patients", "Endangerment of patients"], ["", ""],
        "PATIENT_ENDANGERMENT_POTENTIAL"),
    text("impacts.reach", ["Portée", "Reach"],
        ["Retentissement sur l'organisation des soins au-delà de la structure.",
         "Effect on the organisation of care beyond the structure."],
        "REACH_STRUCTURE"),
    text("impacts.may_affect_others", ["D'autres structures peuvent être touchées", "Other structures may be touched"],
        ["", ""], "true"),
    text("cross_border", ["Impact transfrontalier", "Cross-border impact"],
        ["L'incident peut avoir des effets dans un autre État.", "The incident may have effects in another State."],
        "true"),
    text("cause_reference", ["Signalement de même cause", "Report of the same cause"],
        ["La référence de celui du prestataire dont la panne touche la structure, si elle est connue.",
         "The reference of that of the provider whose failure touches the structure, if it is known."],
        "SIG-2026-Y0W1A0C"),
    text("measures_taken", ["Mesures prises", "Measures taken"], ["", ""], "Comptes désactivés, prestataire saisi."),
    text("complaint_filed", ["Plainte déposée", "Complaint filed"], ["", ""], "true"),
    text("cnil_notified", ["CNIL notifiée", "CNIL notified"],
        ["Une violation de données personnelles se notifie sous 72 heures.",
         "A breach of personal data is notified within 72 hours."],
        "true"),
    text("assistance_requested", ["Accompagnement demandé", "Accompaniment asked for"],
        ["Le CERT Santé propose des mesures et accompagne la structure.",
         "The CERT Santé proposes measures and accompanies the structure."],
        "true"),
    text("tlp", ["Diffusion (TLP)", "Sharing (TLP)"],
        ["Qui peut être informé ; TLP:AMBER+STRICT si rien n'est dit.",
         "Who may be told; TLP:AMBER+STRICT when not said."],
        "TLP_AMBER_STRICT"),
];
