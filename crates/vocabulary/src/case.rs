//! Where the treatment of a report stands and what it proposes.

use crate::enumeration::enumeration;

enumeration! {
    CaseState is "state of a case";
    /// Where the treatment of a report stands (état du traitement).
    {
        /// Soumis: opened, nobody has taken it yet.
        Submitted = 1 => "submitted", "Soumis", "Submitted";
        /// En qualification: an analyst has taken it.
        InQualification = 2 => "in_qualification", "En qualification", "In qualification";
        /// À compléter: the declarant was asked for more.
        AwaitingDeclarant = 3 => "awaiting_declarant", "À compléter", "Awaiting the declarant";
        /// Qualifié.
        Qualified = 4 => "qualified", "Qualifié", "Qualified";
        /// En traitement: measures are proposed, the structure is accompanied.
        InTreatment = 5 => "in_treatment", "En traitement", "In treatment";
        /// Résolu: the structure declared the resolution (art. D.1111-16-3 CSP).
        Resolved = 6 => "resolved", "Résolu", "Resolved";
        /// Clos, with its feedback (retour d'expérience).
        Closed = 7 => "closed", "Clos", "Closed";
        /// Hors périmètre.
        OutOfScope = 8 => "out_of_scope", "Hors périmètre", "Out of scope";
        /// Doublon of another case.
        Duplicate = 9 => "duplicate", "Doublon", "Duplicate";
        /// Retiré: the declarant withdrew the report as a false alarm.
        Withdrawn = 10 => "withdrawn", "Retiré", "Withdrawn";
    }
}

enumeration! {
    MeasureKind is "kind of measure";
    /// A kind of measure that the cell proposes (art. D.1111-16-3 CSP).
    {
        /// Mesure d'urgence.
        Emergency = 1 => "emergency", "Mesure d'urgence", "Emergency measure";
        /// Mesure de remédiation.
        Remediation = 2 => "remediation", "Mesure de remédiation", "Remediation measure";
        /// Mesure d'amélioration de la sécurité.
        Improvement = 3 => "improvement", "Mesure d'amélioration de la sécurité", "Security improvement";
    }
}
