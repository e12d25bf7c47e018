//! How a structure is accompanied.

use crate::enumeration::enumeration;

enumeration! {
    AccompanimentState is "state of accompaniment";
    /// Where accompaniment stands (état de l'accompagnement).
    {
        /// Demandé by the structure.
        Asked = 1 => "asked", "Demandé", "Asked for";
        /// Proposé to the structure.
        Offered = 2 => "offered", "Proposé", "Offered";
        /// Accepté by the structure.
        Accepted = 3 => "accepted", "Accepté", "Accepted";
        /// Décliné by the structure.
        Declined = 4 => "declined", "Décliné", "Declined";
        /// En cours.
        Given = 5 => "given", "En cours", "Under way";
        /// Terminé.
        Ended = 6 => "ended", "Terminé", "Ended";
    }
}

enumeration! {
    AccompanimentGiver is "giver of accompaniment";
    /// Who accompanies a structure.
    {
        /// The national cell (CERT Santé).
        Cell = 1 => "cell", "CERT Santé", "The national cell";
        /// An agence régionale de santé (ARS).
        Agency = 2 => "agency", "ARS", "Regional health agency";
        /// A groupement régional d'appui au développement de l'e-santé (GRADeS).
        RegionalSupportBody = 3 => "regional_support_body", "GRADeS", "Regional support body";
        /// A provider (prestataire).
        Provider = 4 => "provider", "Prestataire", "Provider";
    }
}

impl AccompanimentGiver {
    /// Whether there are several, told apart by their names.
    pub fn has_a_name(self) -> bool {
        matches!(self, Self::RegionalSupportBody | Self::Provider)
    }
}
