//! Kinds of structures and their status.

use crate::enumeration::enumeration;

enumeration! {
    StructureKind is "kind of structure";
    /// The kind of a structure (type de structure), as the observatory counts
    /// them.
    {
        /// Établissement de santé.
        HealthFacility = 1 => "health_facility", "Établissement de santé", "Health facility";
        /// Laboratoire de biologie médicale (LBM).
        MedicalLaboratory = 2 => "medical_laboratory", "Laboratoire de biologie médicale", "Medical laboratory";
        /// Centre de radiothérapie. An activity, not a category of the directory.
        RadiotherapyCentre = 3 => "radiotherapy_centre", "Centre de radiothérapie", "Radiotherapy centre";
        /// Établissement d'hébergement pour personnes âgées dépendantes (EHPAD).
        NursingHome = 4 => "nursing_home", "EHPAD", "Nursing home";
        /// Other medico-social structure (ESMS).
        MedicoSocial = 5 => "medico_social", "Autre structure médico-sociale", "Other medico-social structure";
        /// Cabinet libéral, centre or maison de santé, CPTS.
        PrimaryCare = 6 => "primary_care", "Soins de ville", "Primary care";
        /// Pharmacie d'officine.
        Pharmacy = 7 => "pharmacy", "Pharmacie d'officine", "Pharmacy";
        /// Hôpital des armées: has its own chain.
        ArmedForcesHospital = 8 => "armed_forces_hospital", "Hôpital des armées", "Armed forces hospital";
        /// Support body of the sector (GRADeS, national body, regional programme).
        SupportBody = 9 => "support_body", "Organisme d'appui", "Support body";
        /// Anything else.
        Other = 10 => "other", "Autre", "Other";
    }
}

enumeration! {
    OperatorStatus is "operator status";
    /// The critical-operator status of a structure, which changes who must be told.
    {
        /// Opérateur d'importance vitale (OIV, art. L.1332-6-2 of the defence code).
        Vital = 1 => "vital", "Opérateur d'importance vitale", "Operator of vital importance";
        /// Opérateur de services essentiels (OSE, law 2018-133, art. 7).
        EssentialServices = 2 => "essential_services", "Opérateur de services essentiels", "Operator of essential services";
    }
}

enumeration! {
    StructureContactRole is "role of a contact";
    /// What somebody is at a structure who is to be reached there.
    {
        /// Directeur.
        Director = 1 => "director", "Direction", "Director";
        /// Responsable du système d'information (DSI).
        It = 2 => "it", "Responsable du système d'information", "Head of information systems";
        /// Responsable de la sécurité des systèmes d'information (RSSI).
        InformationSecurityOfficer = 3 => "information_security_officer", "RSSI", "Information security officer";
    }
}

impl StructureKind {
    /// The kind of a category of the national directory (ANS TRE_R66, edition of
    /// 27 January 2023); what the list does not name is [`Self::Other`].
    pub fn from_category(code: &str) -> Self {
        match code {
            "101" | "106" | "109" | "122" | "127" | "128" | "129" | "131" | "132" | "141"
            | "146" | "161" | "292" | "320" | "355" | "362" | "365" | "696" | "697" => {
                Self::HealthFacility
            }
            "114" | "115" => Self::ArmedForcesHospital,
            "611" | "612" => Self::MedicalLaboratory,
            "500" | "501" | "502" => Self::NursingHome,
            "183" | "186" | "246" | "255" | "354" | "437" | "445" => Self::MedicoSocial,
            "124" | "601" | "603" | "604" => Self::PrimaryCare,
            "620" => Self::Pharmacy,
            "606" | "607" => Self::SupportBody,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::hospital("355", StructureKind::HealthFacility)]
    #[case::army("114", StructureKind::ArmedForcesHospital)]
    #[case::ehpad("500", StructureKind::NursingHome)]
    #[case::laboratory("611", StructureKind::MedicalLaboratory)]
    #[case::pharmacy("620", StructureKind::Pharmacy)]
    #[case::unlisted("999", StructureKind::Other)]
    #[case::empty("", StructureKind::Other)]
    fn a_category_has_its_kind(#[case] code: &str, #[case] kind: StructureKind) {
        assert_eq!(StructureKind::from_category(code), kind);
    }
}
