//! Which fields the form of a kind of report has.

use vocabulary::{
    DataImpact, DataNature, EmailAddress, Finess, Reference, Region, ReportKind, Rpps,
    SeverityReason, Siret,
};

use super::{Condition, Field, Group, Input, Section, Test};
use crate::reports::{
    CLOCK_DRIFT, Description, EARLIEST, Label, LongText, MAX_ORIGIN_TYPES, PersonName,
    needs_product, needs_vendor,
};

const IDENTITY: &str =
    "Arrêté du 30 octobre 2017, art. 1 (identification de la structure et du déclarant)";
const DESCRIPTION: &str = "Arrêté du 30 octobre 2017, art. 1 (description de l'incident)";
const IMPACT: &str = "Arrêté du 30 octobre 2017, art. 1 (impact de l'incident)";
const CAUSES: &str = "Arrêté du 30 octobre 2017, art. 1 (causes, si elles sont identifiées)";
const OBJECT: &str = "Art. L.1111-8-2 et D.1111-16-2 CSP";
const CAPACITY: &str = "Art. D.1111-16-3 CSP (directeur ou personne déléguée)";
const SUPPORT: &str = "Art. D.1111-16-3 CSP (accompagnement de la structure)";
const OPERATOR: &str =
    "Art. D.1111-16-3 CSP ; loi 2018-133, art. 7 ; code de la défense, art. L.1332-6-2";
const PERSONAL_DATA: &str = "RGPD, art. 33";
const CROSS_BORDER: &str = "Directive (UE) 2022/2555, art. 23(4)(a)";
/// The suite asks for it, and no text of law.
const NONE: &str = "";

/// The indent of the law that asks what something touches.
fn basis(reason: SeverityReason) -> &'static str {
    reason.legal_basis().unwrap_or(NONE)
}

/// The parts of the form of a kind of report, in their order.
pub(super) fn form(kind: ReportKind) -> Vec<Section> {
    vec![
        section(
            "object",
            vec![word("kind", "vigie.types.v1.ReportKind", OBJECT).required()],
        ),
        structure(),
        declarant(),
        Section {
            optional: true,
            ..contact("alternate_contact", NONE)
        },
        incident(kind),
        origin(),
        impacts(),
        actions(),
    ]
}

/// How the structure is named, and where it lies.
fn structure() -> Section {
    let described = "structure.described.name";
    let number = |path, length| field(path, Input::Identifier { length }, IDENTITY);
    // Where its number or its name does not tell it and nothing else does.
    let unplaced = |named: Vec<&'static str>| {
        vec![
            given(named),
            none_of("national", &["true"]),
            Condition {
                paths: vec!["regions"],
                test: Test::Absent,
            },
            none_of("capacity", &["DECLARANT_CAPACITY_AGENCY"]),
        ]
    };
    let numbers = vec!["structure.siret", "structure.rpps"];
    let max_count = Region::ALL.len();
    let mut section = section(
        "structure",
        vec![
            number("structure.finess", Finess::LENGTH),
            number("structure.siret", Siret::LENGTH),
            number("structure.rpps", Rpps::LENGTH),
            field(described, line_of_label(), IDENTITY),
            field(
                "structure.described.department",
                Input::Department,
                IDENTITY,
            )
            .shown_if(given(vec![described]))
            .required_if(unplaced(vec![described])),
            field("department", Input::Department, IDENTITY)
                .shown_if(given(numbers.clone()))
                .required_if(unplaced(numbers)),
            word("structure_kind", "vigie.types.v1.StructureKind", IDENTITY),
            word("operator_status", "vigie.types.v1.OperatorStatus", OPERATOR),
            field("national", Input::Boolean, NONE),
            field("regions", Input::Regions { max_count }, IDENTITY).shown_if(one_of(
                "capacity",
                &["DECLARANT_CAPACITY_AGENCY", "DECLARANT_CAPACITY_IMPORTER"],
            )),
        ],
    );
    let ways = ["finess", "siret", "rpps", "described.name"];
    section.groups.push(Group {
        paths: ways.map(|way| format!("structure.{way}")).into(),
        exclusive: true,
        violation_path: "structure".to_owned(),
    });
    section
}

/// Who declares, and by what right.
fn declarant() -> Section {
    let mut section = contact("declarant", IDENTITY);
    let capacity = word("capacity", "vigie.intake.v1.DeclarantCapacity", CAPACITY);
    section.fields.push(capacity.required());
    section
}

/// How to reach a person.
fn contact(path: &'static str, basis: &'static str) -> Section {
    let of = |name: &str, input| Field {
        path: format!("{path}.{name}"),
        ..field("", input, basis)
    };
    let name = || Input::Line {
        min: PersonName::MIN_LENGTH,
        max: PersonName::MAX_LENGTH,
    };
    let max = EmailAddress::MAX_LENGTH;
    let mut section = section(
        path,
        vec![
            of("family_name", name()).required(),
            of("given_name", name()),
            of("position", line_of_label()),
            of("email", Input::Email { max }),
            of("phone", Input::Phone),
        ],
    );
    section.groups.push(Group {
        paths: ["email", "phone"].map(|way| format!("{path}.{way}")).into(),
        exclusive: false,
        violation_path: format!("{path}.email"),
    });
    section
}

/// What happened, or was found.
fn incident(kind: ReportKind) -> Section {
    let moment = |path, ahead, not_after| {
        let input = Input::Moment {
            earliest: EARLIEST,
            ahead,
            not_after,
        };
        field(path, input, DESCRIPTION)
    };
    let description = Input::Text {
        min: Description::MIN_LENGTH,
        max: Description::MAX_LENGTH,
    };
    let if_needed = |field: Field, is_needed| if is_needed { field.required() } else { field };
    let reference = Input::Identifier {
        length: Reference::LENGTH,
    };
    section(
        "incident",
        vec![
            moment("found_at", CLOCK_DRIFT, "").required(),
            moment("started_at", CLOCK_DRIFT, "found_at"),
            field("description", description, DESCRIPTION).required(),
            long_text("perimeter", DESCRIPTION),
            long_text("systems", DESCRIPTION),
            long_text("care_status", DESCRIPTION),
            if_needed(field("vendor", line_of_label(), CAUSES), needs_vendor(kind)),
            if_needed(
                field("product", line_of_label(), CAUSES),
                needs_product(kind),
            ),
            field("cause_reference", reference, CAUSES),
        ],
    )
}

/// Where it comes from.
fn origin() -> Section {
    let types = Input::Words {
        name: "vigie.types.v1.OriginType",
        max_count: MAX_ORIGIN_TYPES,
    };
    section(
        "origin",
        vec![
            word("origin", "vigie.types.v1.Origin", CAUSES),
            field("origin_types", types, CAUSES).shown_if(given(vec!["origin"])),
        ],
    )
}

/// What it does to data, to people, to care and to others.
fn impacts() -> Section {
    let combined = DataImpact::ALL.iter().filter(|it| !it.is_exclusive());
    let data = Input::Words {
        name: "vigie.types.v1.DataImpact",
        max_count: combined.count(),
    };
    let natures = Input::Words {
        name: "vigie.types.v1.DataNature",
        max_count: DataNature::ALL.len(),
    };
    let touched = one_of(
        "impacts.data",
        &[
            "DATA_IMPACT_UNAVAILABILITY",
            "DATA_IMPACT_INTEGRITY",
            "DATA_IMPACT_DISCLOSURE",
        ],
    );
    let disturbed = one_of(
        "impacts.care",
        &["CARE_IMPACT_DEGRADED_MODE", "CARE_IMPACT_INTERRUPTION"],
    );
    section(
        "impacts",
        vec![
            field("impacts.data", data, basis(SeverityReason::HealthData)),
            field(
                "impacts.data_natures",
                natures,
                basis(SeverityReason::HealthData),
            )
            .shown_if(touched),
            field("impacts.persons_affected", Input::Count, IMPACT),
            word(
                "impacts.care",
                "vigie.types.v1.CareImpact",
                basis(SeverityReason::NormalOperation),
            ),
            field("impacts.care_duration_hours", Input::Count, IMPACT).shown_if(disturbed),
            word(
                "impacts.patient_endangerment",
                "vigie.types.v1.PatientEndangerment",
                basis(SeverityReason::SafetyOfCare),
            ),
            word(
                "impacts.reach",
                "vigie.types.v1.Reach",
                basis(SeverityReason::OrganisationOfCare),
            ),
            field(
                "impacts.may_affect_others",
                Input::Boolean,
                basis(SeverityReason::OtherStructures),
            ),
            field("cross_border", Input::Boolean, CROSS_BORDER),
        ],
    )
}

/// What was done, what is asked for, and who may be told.
fn actions() -> Section {
    section(
        "actions",
        vec![
            long_text("measures_taken", NONE),
            field("complaint_filed", Input::Boolean, NONE),
            field("cnil_notified", Input::Boolean, PERSONAL_DATA),
            field("assistance_requested", Input::Boolean, SUPPORT),
            word("tlp", "vigie.types.v1.Tlp", NONE),
        ],
    )
}

fn section(name: &'static str, fields: Vec<Field>) -> Section {
    Section {
        name,
        optional: false,
        fields,
        groups: Vec::new(),
    }
}

fn field(path: &str, input: Input, legal_basis: &'static str) -> Field {
    Field {
        path: path.to_owned(),
        input,
        required: false,
        required_if: Vec::new(),
        shown_if: Vec::new(),
        legal_basis,
    }
}

fn word(path: &str, name: &'static str, legal_basis: &'static str) -> Field {
    field(path, Input::Word(name), legal_basis)
}

fn long_text(path: &str, legal_basis: &'static str) -> Field {
    let input = Input::Text {
        min: LongText::MIN_LENGTH,
        max: LongText::MAX_LENGTH,
    };
    field(path, input, legal_basis)
}

fn line_of_label() -> Input {
    Input::Line {
        min: Label::MIN_LENGTH,
        max: Label::MAX_LENGTH,
    }
}

fn given(paths: Vec<&'static str>) -> Condition {
    Condition {
        paths,
        test: Test::Given,
    }
}

fn one_of(path: &'static str, values: &[&'static str]) -> Condition {
    Condition {
        paths: vec![path],
        test: Test::OneOf(values.to_vec()),
    }
}

fn none_of(path: &'static str, values: &[&'static str]) -> Condition {
    Condition {
        paths: vec![path],
        test: Test::NoneOf(values.to_vec()),
    }
}
