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
    WaitingFor is "whom a case waits for";
    /// Whom a case that is not ended waits for (en attente de).
    {
        /// La structure: it is asked for information.
        Declarant = 1 => "declarant", "La structure", "The structure";
        /// La cellule: the case is new, or what the structure wrote or answered is not dealt
        /// with yet.
        Cell = 2 => "cell", "La cellule", "The cell";
        /// Personne.
        Nobody = 3 => "nobody", "Personne", "Nobody";
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

enumeration! {
    CaseActivity is "activity on a case";
    /// What happens on a case beside its state: an exchange, a measure, care.
    {
        /// Échange: a message was posted.
        Message = 1 => "message", "Message", "Message";
        /// Demande de complément.
        InformationRequested = 2 => "information_requested", "Demande d'informations", "Request for information";
        /// Réponse à une demande de complément.
        InformationAnswered = 3 => "information_answered", "Réponse à une demande d'informations", "Answer to a request for information";
        /// Réponse en retard.
        InformationOverdue = 4 => "information_overdue", "Réponse en retard", "Answer overdue";
        /// Mesure proposée.
        MeasureProposed = 5 => "measure_proposed", "Mesure proposée", "Measure proposed";
        /// Mesures demandées by the structure.
        MeasureAskedFor = 6 => "measure_asked_for", "Mesures demandées", "Measures asked for";
        /// Mesure acceptée.
        MeasureAccepted = 7 => "measure_accepted", "Mesure acceptée", "Measure accepted";
        /// Mesure refusée.
        MeasureDeclined = 8 => "measure_declined", "Mesure refusée", "Measure declined";
        /// Mesure réalisée.
        MeasureDone = 9 => "measure_done", "Mesure réalisée", "Measure done";
        /// Accompagnement demandé.
        AccompanimentAsked = 10 => "accompaniment_asked", "Accompagnement demandé", "Accompaniment asked for";
        /// Accompagnement proposé.
        AccompanimentOffered = 11 => "accompaniment_offered", "Accompagnement proposé", "Accompaniment offered";
        /// Accompagnement en cours.
        AccompanimentGiven = 12 => "accompaniment_given", "Accompagnement en cours", "Accompaniment given";
        /// Accompagnement terminé.
        AccompanimentEnded = 13 => "accompaniment_ended", "Accompagnement terminé", "Accompaniment ended";
        /// Conséquence sur l'offre de soins.
        CareRecorded = 14 => "care_recorded", "Conséquence sur l'offre de soins", "Consequence for care";
        /// Fin d'une conséquence sur l'offre de soins.
        CareEnded = 15 => "care_ended", "Fin d'une conséquence sur l'offre de soins", "End of a consequence for care";
        /// Chronologie complétée by the structure.
        TimelineEntryAdded = 16 => "timeline_entry_added", "Chronologie complétée", "Timeline extended";
        /// Mesure retirée by the cell.
        MeasureWithdrawn = 17 => "measure_withdrawn", "Mesure retirée", "Measure withdrawn";
        /// Retour d'expérience.
        FeedbackGiven = 18 => "feedback_given", "Retour d'expérience", "Feedback";
        /// Escalade that nobody on call acknowledged before working hours.
        EscalationLapsed = 19 => "escalation_lapsed", "Escalade restée sans réponse", "Escalation without an answer";
        /// Accompagnement accepté by the structure.
        AccompanimentAccepted = 30 => "accompaniment_accepted", "Accompagnement accepté", "Accompaniment accepted";
        /// Accompagnement décliné by the structure.
        AccompanimentDeclined = 31 => "accompaniment_declined", "Accompagnement décliné", "Accompaniment declined";
        /// Échéance proche de la notification d'incident.
        NotificationDue = 32 => "notification_due", "Échéance proche de la notification d'incident", "Incident notification due soon";
        /// Notification d'incident en retard.
        NotificationOverdue = 33 => "notification_overdue", "Notification d'incident en retard", "Incident notification overdue";
        /// Échéance proche du rapport final.
        FinalReportDue = 34 => "final_report_due", "Échéance proche du rapport final", "Final report due soon";
        /// Rapport final en retard.
        FinalReportOverdue = 35 => "final_report_overdue", "Rapport final en retard", "Final report overdue";
        /// Rapport d'avancement en retard.
        ProgressReportOverdue = 36 => "progress_report_overdue", "Rapport d'avancement en retard", "Progress report overdue";
        /// Échéance proche de la notification à la CNIL (RGPD, art. 33).
        CnilDue = 37 => "cnil_due", "Échéance proche de la notification à la CNIL", "Notification to the CNIL due soon";
        /// Lien avec la structure confirmé.
        LinkConfirmed = 38 => "link_confirmed", "Lien avec la structure confirmé", "Link to the structure confirmed";
        /// Lien avec la structure rejeté.
        LinkRejected = 39 => "link_rejected", "Lien avec la structure rejeté", "Link to the structure rejected";
        /// Rattachement of a report to its structure.
        ReportAttached = 40 => "report_attached", "Signalement rattaché à sa structure", "Report attached to its structure";
    }
}

impl CaseActivity {
    /// Whether it reminds of a report by its deadline.
    pub fn is_of_deadline(self) -> bool {
        matches!(
            self,
            Self::NotificationDue
                | Self::NotificationOverdue
                | Self::FinalReportDue
                | Self::FinalReportOverdue
                | Self::ProgressReportOverdue
        )
    }
}
