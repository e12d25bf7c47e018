//! What a report is, by which way it came and who may be told of it.

use crate::enumeration::enumeration;

enumeration! {
    ReportKind is "kind of report";
    /// What is reported (objet du signalement).
    {
        /// Incident de sécurité des systèmes d'information.
        Incident => "incident", "Incident de sécurité", "Security incident";
        /// Vulnérabilité d'un produit.
        ProductVulnerability => "product_vulnerability", "Vulnérabilité d'un produit", "Product vulnerability";
        /// Mauvaise pratique d'un éditeur ou d'un prestataire.
        VendorBadPractice => "vendor_bad_practice", "Mauvaise pratique d'un fournisseur", "Bad practice of a vendor";
    }
}

enumeration! {
    Channel is "channel";
    /// By which way a report came (canal de saisie).
    {
        /// Declared by a person of the structure.
        Declarant => "declarant", "Déclaré par la structure", "Declared by the structure";
        /// Entered by the ARS for a structure that could not (« par tout
        /// moyen », arrêté of 30 October 2017).
        Agency => "agency", "Saisi par l'ARS", "Entered by the regional agency";
        /// Sent by an importer, possibly with a past date.
        Import => "import", "Importé", "Imported";
        /// Sent by a prober: a test, never counted nor announced.
        Probe => "probe", "Test technique", "Technical test";
    }
}

enumeration! {
    Tlp is "TLP label";
    /// Traffic Light Protocol 2.0: who may be told, from the widest to the
    /// narrowest circle.
    {
        /// TLP:CLEAR: everyone.
        Clear => "clear", "TLP:CLEAR", "TLP:CLEAR";
        /// TLP:GREEN: the community, not the public.
        Green => "green", "TLP:GREEN", "TLP:GREEN";
        /// TLP:AMBER: the organisation and its clients, as they need to know.
        Amber => "amber", "TLP:AMBER", "TLP:AMBER";
        /// TLP:AMBER+STRICT: the organisation alone.
        AmberStrict => "amber_strict", "TLP:AMBER+STRICT", "TLP:AMBER+STRICT";
        /// TLP:RED: the persons addressed.
        Red => "red", "TLP:RED", "TLP:RED";
    }
}
