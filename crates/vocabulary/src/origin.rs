//! Where an incident comes from.

use crate::enumeration::enumeration;

enumeration! {
    OriginType is "type of origin";
    /// The type of an origin (type d'origine), as the observatory counts them.
    {
        /// Message électronique malveillant (hameçonnage).
        MaliciousMessage = 1 => "malicious_message", "Message électronique malveillant", "Malicious message (phishing)";
        /// Rançongiciel.
        Ransomware = 2 => "ransomware", "Rançongiciel", "Ransomware";
        /// Logiciel malveillant, other than ransomware.
        Malware = 3 => "malware", "Autre logiciel malveillant", "Other malware";
        /// Compromission du système d'information.
        SystemCompromise = 4 => "system_compromise", "Compromission du système d'information", "System compromise";
        /// Vol d'identifiants, compromission de comptes.
        CredentialTheft = 5 => "credential_theft", "Vol d'identifiants", "Theft of credentials";
        /// Déni de service.
        DenialOfService = 6 => "denial_of_service", "Déni de service", "Denial of service";
        /// Défiguration.
        Defacement = 7 => "defacement", "Défiguration", "Defacement";
        /// Vol d'équipement.
        EquipmentTheft = 8 => "equipment_theft", "Vol d'équipement", "Theft of equipment";
        /// Fuite de données by a malicious act.
        DataExfiltration = 9 => "data_exfiltration", "Fuite de données", "Data exfiltration";
        /// Fraude (false orders, toll fraud).
        Fraud = 10 => "fraud", "Fraude", "Fraud";
        /// Another malicious act.
        OtherMalicious = 19 => "other_malicious", "Autre acte malveillant", "Other malicious act";
        /// Perte du lien télécom ou de l'accès à internet.
        TelecomLoss = 20 => "telecom_loss", "Perte du lien télécom", "Loss of telecommunications";
        /// Bug applicatif.
        SoftwareBug = 21 => "software_bug", "Bug applicatif", "Software bug";
        /// Dysfonctionnement de l'infrastructure, hosting included.
        InfrastructureFailure = 22 => "infrastructure_failure", "Dysfonctionnement de l'infrastructure", "Infrastructure failure";
        /// Dysfonctionnement d'un logiciel de prescription ou de dispensation.
        PrescriptionSoftware = 23 => "prescription_software", "Dysfonctionnement d'un logiciel de prescription", "Prescription software malfunction";
        /// Erreur humaine.
        HumanError = 24 => "human_error", "Erreur humaine", "Human error";
        /// Panne électrique, incendie, inondation.
        PhysicalEvent = 25 => "physical_event", "Panne électrique, incendie, inondation", "Power cut, fire or flood";
        /// Another event without malice.
        OtherNonMalicious = 39 => "other_non_malicious", "Autre événement sans malveillance", "Other event without malice";
        /// Not known yet: fits any origin.
        Unknown = 40 => "unknown", "Pas encore connu", "Not known yet";
    }
}

enumeration! {
    Origin is "origin";
    /// Where an incident comes from (origine).
    {
        /// Malveillante.
        Malicious = 1 => "malicious", "Malveillante", "Malicious";
        /// Non malveillante.
        NonMalicious = 2 => "non_malicious", "Non malveillante", "Not malicious";
        /// Indéterminée.
        Unknown = 3 => "unknown", "Indéterminée", "Undetermined";
    }
}

impl OriginType {
    /// The origin that this type belongs to; `None` for one not known yet,
    /// and for one of a later release.
    pub const fn origin(self) -> Option<Origin> {
        match self {
            Self::MaliciousMessage
            | Self::Ransomware
            | Self::Malware
            | Self::SystemCompromise
            | Self::CredentialTheft
            | Self::DenialOfService
            | Self::Defacement
            | Self::EquipmentTheft
            | Self::DataExfiltration
            | Self::Fraud
            | Self::OtherMalicious => Some(Origin::Malicious),
            Self::TelecomLoss
            | Self::SoftwareBug
            | Self::InfrastructureFailure
            | Self::PrescriptionSoftware
            | Self::HumanError
            | Self::PhysicalEvent
            | Self::OtherNonMalicious => Some(Origin::NonMalicious),
            Self::Unknown | Self::Later(_) => None,
        }
    }

    /// Whether a report of that origin may have this type.
    pub fn fits(self, origin: Origin) -> bool {
        self.origin().is_none_or(|own| own == origin)
    }

    /// Class and entry of the Reference Security Incident Taxonomy, v1003.
    ///
    /// The taxonomy puts the encryption of ransomware under modification and
    /// stolen equipment under data loss; it has no class for a bug. The choice
    /// for fraud, exfiltration and human error is our own.
    pub const fn rsit(self) -> (&'static str, &'static str) {
        match self {
            Self::MaliciousMessage => ("fraud", "phishing"),
            Self::Ransomware | Self::Defacement => (
                "information-content-security",
                "unauthorised-information-modification",
            ),
            Self::Malware => ("malicious-code", "infected-system"),
            Self::SystemCompromise => ("intrusions", "system-compromise"),
            Self::CredentialTheft => ("intrusions", "unprivileged-account-compromise"),
            Self::DenialOfService => ("availability", "ddos"),
            Self::EquipmentTheft => ("information-content-security", "data-loss"),
            Self::DataExfiltration => ("information-content-security", "data-leak"),
            Self::Fraud => ("fraud", "masquerade"),
            Self::HumanError => ("availability", "misconfiguration"),
            Self::TelecomLoss
            | Self::SoftwareBug
            | Self::InfrastructureFailure
            | Self::PrescriptionSoftware
            | Self::PhysicalEvent => ("availability", "outage"),
            Self::OtherMalicious | Self::OtherNonMalicious => ("other", "other"),
            Self::Unknown | Self::Later(_) => ("other", "undetermined"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_fits_its_own_origin_and_no_other() {
        assert!(OriginType::Ransomware.fits(Origin::Malicious));
        assert!(!OriginType::Ransomware.fits(Origin::NonMalicious));
        assert!(!OriginType::Ransomware.fits(Origin::Unknown));
        assert!(!OriginType::SoftwareBug.fits(Origin::Malicious));
    }

    #[test]
    fn a_type_not_known_yet_fits_every_origin() {
        for &origin in Origin::ALL {
            assert!(OriginType::Unknown.fits(origin));
        }
    }

    #[test]
    fn the_contract_lists_eleven_malicious_types_and_seven_others() {
        let of = |origin| OriginType::ALL.iter().filter(move |t| t.origin() == origin);
        assert_eq!(of(Some(Origin::Malicious)).count(), 11);
        assert_eq!(of(Some(Origin::NonMalicious)).count(), 7);
        assert_eq!(of(None).count(), 1);
    }

    #[test]
    fn every_type_has_an_entry_of_a_class_of_the_taxonomy() {
        const TAXONOMY: &[(&str, &[&str])] = &[
            ("malicious-code", &["infected-system"]),
            (
                "intrusions",
                &["unprivileged-account-compromise", "system-compromise"],
            ),
            ("availability", &["ddos", "misconfiguration", "outage"]),
            (
                "information-content-security",
                &[
                    "unauthorised-information-modification",
                    "data-loss",
                    "data-leak",
                ],
            ),
            ("fraud", &["masquerade", "phishing"]),
            ("other", &["other", "undetermined"]),
        ];
        for origin_type in OriginType::ALL {
            let (class, entry) = origin_type.rsit();
            let entries = TAXONOMY
                .iter()
                .find(|(name, _)| *name == class)
                .map(|(_, e)| e);
            assert!(entries.is_some_and(|e| e.contains(&entry)), "{origin_type}");
        }
    }
}
