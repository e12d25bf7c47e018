//! What a report is, by which way it came and who may be told of it.

use crate::enumeration::enumeration;

enumeration! {
    ReportKind is "kind of report";
    /// What is reported (objet du signalement).
    {
        /// Incident de sécurité des systèmes d'information.
        Incident = 1 => "incident", "Incident de sécurité", "Security incident";
        /// Vulnérabilité d'un produit.
        ProductVulnerability = 2 => "product_vulnerability", "Vulnérabilité d'un produit", "Product vulnerability";
        /// Mauvaise pratique d'un éditeur ou d'un prestataire.
        VendorBadPractice = 3 => "vendor_bad_practice", "Mauvaise pratique d'un fournisseur", "Bad practice of a vendor";
        /// Quasi-incident ou suspicion: what was averted, or is not certain.
        NearMiss = 4 => "near_miss", "Quasi-incident ou suspicion", "Near miss or suspicion";
        /// Menace: nothing happened yet. Declared voluntarily.
        Threat = 5 => "threat", "Menace", "Threat";
    }
}

enumeration! {
    ReportStage is "stage of a declaration";
    /// How far a declaration is completed (déclaration par étapes); from the first on.
    {
        /// Déclaration initiale: what was submitted, or a correction of it.
        FirstDeclaration = 1 => "first_declaration", "Déclaration initiale", "First declaration";
        /// Complément.
        Complement = 2 => "complement", "Complément", "Complement";
        /// Rapport final.
        Final = 3 => "final", "Rapport final", "Final report";
    }
}

enumeration! {
    DeclarantLink is "link of a declarant";
    /// What is known of the link between who declares and the structure (lien avec la structure).
    {
        /// Non vérifié.
        Unverified = 1 => "unverified", "Non vérifié", "Not verified";
        /// Vérifié, by the token of the author or because the cell or the agency entered the
        /// report.
        Verified = 2 => "verified", "Vérifié", "Verified";
        /// Confirmé by the cell or by the agency.
        Confirmed = 3 => "confirmed", "Confirmé", "Confirmed";
        /// Rejeté by the cell or by the agency.
        Rejected = 4 => "rejected", "Rejeté", "Rejected";
    }
}

impl DeclarantLink {
    /// Whether the declarant speaks for the structure.
    pub fn is_verified(self) -> bool {
        matches!(self, Self::Verified | Self::Confirmed)
    }
}

enumeration! {
    Capacity is "capacity of a declarant";
    /// By what right a person declares (qualité du déclarant, art. D.1111-16-3 CSP).
    {
        /// Directeur of the structure, or the professional himself.
        Director = 1 => "director", "Responsable de la structure", "Head of the structure";
        /// Personne déléguée à cet effet.
        Delegate = 2 => "delegate", "Personne déléguée à cet effet", "Person delegated for this purpose";
        /// Agent of the ARS, for a structure that cannot declare by itself.
        Agency = 3 => "agency", "Agent de l'ARS, pour la structure", "Agent of the ARS, for the structure";
        /// Importer, on the record of somebody else.
        Importer = 4 => "importer", "Reprise d'un autre registre", "Taken over from another record";
    }
}

enumeration! {
    Channel is "channel";
    /// By which way a report came (canal de saisie).
    {
        /// Declared by a person of the structure.
        Declarant = 1 => "declarant", "Déclaré par la structure", "Declared by the structure";
        /// Entered by the ARS for a structure that could not (« par tout
        /// moyen », arrêté of 30 October 2017).
        Agency = 2 => "agency", "Saisi par l'ARS", "Entered by the regional agency";
        /// Sent by an importer, possibly with a past date.
        Import = 3 => "import", "Importé", "Imported";
        /// Sent by a prober: a test, never counted nor announced.
        Probe = 4 => "probe", "Test technique", "Technical test";
        /// Entered by the national cell for somebody who declared by other means (« par
        /// tout moyen »).
        Cell = 5 => "cell", "Saisi par la cellule", "Entered by the national cell";
    }
}

enumeration! {
    Medium is "medium";
    /// The means by which somebody declares who cannot do so electronically (« par tout
    /// moyen », arrêté of 30 October 2017).
    {
        /// Téléphone.
        Telephone = 1 => "telephone", "Téléphone", "Telephone";
        /// Papier, fax included.
        Paper = 2 => "paper", "Papier", "Paper";
        /// Courriel.
        Mail = 3 => "mail", "Courriel", "Mail";
        /// Another one.
        Other = 4 => "other", "Autre moyen", "Other means";
    }
}

enumeration! {
    Tlp is "TLP label";
    /// Traffic Light Protocol 2.0: who may be told, from the widest to the
    /// narrowest circle.
    {
        /// TLP:CLEAR: everyone.
        Clear = 1 => "clear", "TLP:CLEAR", "TLP:CLEAR";
        /// TLP:GREEN: the community, not the public.
        Green = 2 => "green", "TLP:GREEN", "TLP:GREEN";
        /// TLP:AMBER: the organisation and its clients, as they need to know.
        Amber = 3 => "amber", "TLP:AMBER", "TLP:AMBER";
        /// TLP:AMBER+STRICT: the organisation alone.
        AmberStrict = 4 => "amber_strict", "TLP:AMBER+STRICT", "TLP:AMBER+STRICT";
        /// TLP:RED: the persons addressed.
        Red = 5 => "red", "TLP:RED", "TLP:RED";
    }
}
