//! What a caller is.

use crate::enumeration::enumeration;

enumeration! {
    Role is "role";
    /// What a caller is, as told by the claims of its token or its certificate.
    {
        /// Déclarant: the director of a structure or the person delegated for
        /// this purpose (art. D.1111-16-3 CSP).
        Declarant = 1 => "declarant", "Déclarant", "Declarant";
        /// Analyste of the national cell (cellule ACSS, now CERT Santé).
        Analyst = 2 => "analyst", "Analyste de la cellule", "Analyst of the cell";
        /// Agent of an agence régionale de santé (ARS).
        RegionalAgent = 3 => "regional_agent", "Agent de l'ARS", "Regional agent (ARS)";
        /// Fonctionnaire de sécurité des systèmes d'information (FSSI).
        SecurityOfficer = 4 => "security_officer", "FSSI", "Security officer (FSSI)";
        /// Autorité sanitaire (DGS/CORRUSS).
        HealthAuthority = 5 => "health_authority", "Autorité sanitaire (DGS)", "Health authority (DGS)";
        /// Rédacteur of bulletins and alerts.
        Editor = 6 => "editor", "Rédacteur", "Editor";
        /// Correspondant of the closed discussion space.
        Correspondent = 7 => "correspondent", "Correspondant", "Correspondent";
        /// A program that subscribes to notifications within one region.
        Integration = 8 => "integration", "Programme abonné", "Integration";
        /// Exploitant of the suite: health of deliveries, no contents.
        Operator = 9 => "operator", "Exploitant", "Operator";
        /// A program that sends bulk or back-dated declarations.
        Importer = 10 => "importer", "Programme d'import", "Importer";
        /// Sonde: sends test reports, never counted nor announced.
        Prober = 11 => "prober", "Sonde", "Prober";
        /// Another service of the suite, on the internal listener only.
        Service = 12 => "service", "Service interne", "Internal service";
        /// Anyone, without a token.
        Anyone = 13 => "anyone", "Tout public", "Anyone";
    }
}
