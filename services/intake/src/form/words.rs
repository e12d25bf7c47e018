//! The words of the contract that people meet.

use std::sync::LazyLock;

use vocabulary::{
    Capacity, CareImpact, CaseActivity, CaseState, Channel, DataImpact, DataNature, DeadlineKind,
    DeclarantLink, Department, MeasureKind, Medium, OperatorStatus, Origin, OriginType,
    PatientEndangerment, Reach, Region, ReportKind, ReportStage, Role, SeverityLevel,
    SeverityReason, StructureContactRole, StructureKind, Tlp, WaitingFor, Word,
};

/// An enumeration of the contract.
#[derive(Clone, Debug)]
pub(super) struct Enumeration {
    /// Its full name in the contract.
    pub(super) name: &'static str,
    /// Its values in the order of the contract, without the unspecified one.
    pub(super) values: Vec<Value>,
}

/// A value that a field may take.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Its name in the contract.
    pub(super) name: String,
    /// Its number in the contract.
    pub(super) number: i32,
    /// As it is stored.
    pub(super) word: String,
    /// What people call it, in French and in English.
    pub(super) labels: [&'static str; 2],
    /// The origins that it fits.
    pub(super) origins: Vec<Origin>,
    /// It excludes every other value of its list.
    pub(super) exclusive: bool,
}

/// Every enumeration that people meet, by name.
pub(super) static ENUMERATIONS: LazyLock<Vec<Enumeration>> = LazyLock::new(|| {
    let mut all = vec![
        words::<Capacity>("vigie.intake.v1.DeclarantCapacity"),
        report_states(),
        link_decisions(),
        words::<CareImpact>("vigie.types.v1.CareImpact"),
        words::<CaseActivity>("vigie.types.v1.CaseActivity"),
        words::<CaseState>("vigie.types.v1.CaseState"),
        words::<Channel>("vigie.types.v1.Channel"),
        data_impacts(),
        words::<DataNature>("vigie.types.v1.DataNature"),
        words::<DeadlineKind>("vigie.types.v1.DeadlineKind"),
        words::<DeclarantLink>("vigie.types.v1.DeclarantLink"),
        words::<Medium>("vigie.intake.v1.Medium"),
        words::<MeasureKind>("vigie.types.v1.MeasureKind"),
        words::<OperatorStatus>("vigie.types.v1.OperatorStatus"),
        words::<Origin>("vigie.types.v1.Origin"),
        origin_types(),
        words::<PatientEndangerment>("vigie.types.v1.PatientEndangerment"),
        words::<Reach>("vigie.types.v1.Reach"),
        words::<ReportKind>("vigie.types.v1.ReportKind"),
        words::<ReportStage>("vigie.types.v1.ReportStage"),
        words::<Role>("vigie.types.v1.Role"),
        words::<SeverityLevel>("vigie.types.v1.SeverityLevel"),
        words::<SeverityReason>("vigie.types.v1.SeverityReason"),
        words::<StructureContactRole>("vigie.intake.v1.StructureContactRole"),
        words::<StructureKind>("vigie.types.v1.StructureKind"),
        words::<Tlp>("vigie.types.v1.Tlp"),
        words::<WaitingFor>("vigie.types.v1.WaitingFor"),
    ];
    all.sort_by_key(|enumeration| enumeration.name);
    all
});

/// The values of the enumeration of a name; none where there is no such enumeration.
pub(super) fn values_of(name: &str) -> &'static [Value] {
    let mut all = ENUMERATIONS.iter();
    let found = all.find(|enumeration| enumeration.name == name);
    found
        .map(|found| found.values.as_slice())
        .unwrap_or_default()
}

/// The regions, by their codes.
pub(super) fn regions() -> Vec<Value> {
    let regions = Region::ALL.iter();
    regions
        .map(|region| unnumbered(region.code(), region.name()))
        .collect()
}

/// The departments, by their numbers.
pub(super) fn departments() -> Vec<Value> {
    let mut numbers: Vec<_> = Department::all().map(Department::as_str).collect();
    numbers.sort_unstable();
    let values = numbers.into_iter().map(|number| unnumbered(number, number));
    values.collect()
}

fn words<W: Word>(name: &'static str) -> Enumeration {
    let prefix = prefix(name);
    let values = W::ALL.iter().map(|word| Value {
        name: format!("{prefix}{}", word.to_string().to_uppercase()),
        number: word.number(),
        word: word.to_string(),
        labels: [word.french(), word.english()],
        origins: Vec::new(),
        exclusive: false,
    });
    Enumeration {
        name,
        values: values.collect(),
    }
}

fn origin_types() -> Enumeration {
    let mut types = words::<OriginType>("vigie.types.v1.OriginType");
    for (value, origin_type) in types.values.iter_mut().zip(OriginType::ALL) {
        let origins = Origin::ALL.iter().copied();
        value.origins = origins.filter(|&it| origin_type.fits(it)).collect();
    }
    types
}

fn data_impacts() -> Enumeration {
    let mut impacts = words::<DataImpact>("vigie.types.v1.DataImpact");
    for (value, impact) in impacts.values.iter_mut().zip(DataImpact::ALL) {
        value.exclusive = impact.is_exclusive();
    }
    impacts
}

fn report_states() -> Enumeration {
    Enumeration {
        name: "vigie.intake.v1.ReportState",
        values: vec![
            value("REPORT_STATE", 1, "submitted", ["Soumis", "Submitted"]),
            value("REPORT_STATE", 2, "withdrawn", ["Retiré", "Withdrawn"]),
        ],
    }
}

fn link_decisions() -> Enumeration {
    let decision = |number, word, labels| value("LINK_DECISION", number, word, labels);
    Enumeration {
        name: "vigie.intake.v1.LinkDecision",
        values: vec![
            decision(1, "confirmed", ["Lien confirmé", "Link confirmed"]),
            decision(2, "rejected", ["Lien rejeté", "Link rejected"]),
            decision(3, "attached", ["Signalement rattaché", "Report attached"]),
        ],
    }
}

fn value(prefix: &str, number: i32, word: &str, labels: [&'static str; 2]) -> Value {
    Value {
        name: format!("{prefix}_{}", word.to_uppercase()),
        number,
        word: word.to_owned(),
        labels,
        origins: Vec::new(),
        exclusive: false,
    }
}

fn unnumbered(code: &'static str, label: &'static str) -> Value {
    Value {
        name: code.to_owned(),
        number: 0,
        word: code.to_owned(),
        labels: [label, label],
        origins: Vec::new(),
        exclusive: false,
    }
}

/// What the names of the values of an enumeration begin with: "ORIGIN_TYPE_" of
/// "vigie.types.v1.OriginType".
fn prefix(name: &str) -> String {
    let name = name.rsplit('.').next().unwrap_or_default();
    let mut prefix = String::new();
    for (index, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            prefix.push('_');
        }
        prefix.push(letter.to_ascii_uppercase());
    }
    prefix.push('_');
    prefix
}
