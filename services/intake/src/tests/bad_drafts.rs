//! Malformed drafts: each is refused with its field and reason, and leaves
//! nothing behind.

use prost_types::Timestamp;
use proto::{
    intake::v1::{Contact, DeclarantCapacity, ReportDraft, SubmitReportRequest},
    types::v1::{DataImpact, Impacts, Origin, OriginType, ReportKind, StructureIdentifier},
};
use tonic::Code;

use crate::tests::{
    drafts::{described, finess, incident, martin, rpps, seconds_ago, siret},
    env::{TestEnv, nothing_is_stored, violations},
};

type Bend = fn(&mut ReportDraft);

/// What is done to a right draft, the field at fault and the reason.
#[rustfmt::skip]
const DRAFTS: &[(Bend, &str, &str)] = &[
    (|d| d.kind = 0, "draft.kind", "REQUIRED"),
    (|d| d.kind = 99, "draft.kind", "UNKNOWN_VALUE"),
    (|d| d.kind = -1, "draft.kind", "UNKNOWN_VALUE"),
    (|d| d.structure = None, "draft.structure", "REQUIRED"),
    (|d| d.structure = Some(StructureIdentifier::default()), "draft.structure", "REQUIRED"),
    (|d| d.structure = finess(""), "draft.structure.finess", "REQUIRED"),
    (|d| d.structure = finess("01000002"), "draft.structure.finess", "BAD_FORMAT"),
    (|d| d.structure = finess("0100000245"), "draft.structure.finess", "BAD_FORMAT"),
    (|d| d.structure = finess("01O000024"), "draft.structure.finess", "BAD_FORMAT"),
    (|d| d.structure = finess(" 10000024"), "draft.structure.finess", "LOST_LEADING_ZERO"),
    (|d| d.structure = finess("1,0000E+07"), "draft.structure.finess", "SPREADSHEET_NOTATION"),
    (|d| d.structure = finess("\u{a0}\u{200b}"), "draft.structure.finess", "REQUIRED"),
    (|d| d.structure = finess("2C0000014"), "draft.structure.finess", "BAD_FORMAT"),
    (|d| d.structure = finess("080000111"), "draft.structure.finess", "BAD_KEY"),
    (|d| d.structure = finess("010000025"), "draft.structure.finess", "BAD_KEY"),
    (|d| d.structure = finess("2B0000014"), "draft.structure.finess", "BAD_KEY"),
    (|d| d.structure = finess("é1000002"), "draft.structure.finess", "BAD_FORMAT"),
    (|d| d.structure = siret(""), "draft.structure.siret", "REQUIRED"),
    (|d| d.structure = siret("2601000450001"), "draft.structure.siret", "BAD_FORMAT"),
    (|d| d.structure = siret("2601000450001X"), "draft.structure.siret", "BAD_FORMAT"),
    (|d| d.structure = siret("2,60100E+13"), "draft.structure.siret", "SPREADSHEET_NOTATION"),
    (|d| d.structure = siret("552013500038"), "draft.structure.siret", "LOST_LEADING_ZERO"),
    (|d| d.structure = siret("26010004500012"), "draft.department", "REQUIRED"),
    (|d| d.structure = rpps("10101201234"), "draft.department", "REQUIRED"),
    (|d| d.department = "99".into(), "draft.department", "BAD_FORMAT"),
    (|d| d.regions = vec!["84".into()], "draft.regions", "CONFLICT"),
    (|d| d.regions = vec!["99".into()], "draft.regions[0]", "UNKNOWN_VALUE"),
    (|d| d.regions = vec![String::new()], "draft.regions[0]", "UNKNOWN_VALUE"),
    (|d| d.regions = vec!["84".into(), "84".into()], "draft.regions[1]", "DUPLICATE"),
    (|d| d.regions = vec!["84".into(); 19], "draft.regions", "TOO_MANY"),
    (|d| d.department = "1".into(), "draft.department", "LOST_LEADING_ZERO"),
    (|d| d.structure = rpps(""), "draft.structure.rpps", "REQUIRED"),
    (|d| d.structure = rpps("1010120123"), "draft.structure.rpps", "BAD_FORMAT"),
    (|d| d.structure = rpps("1010120123A"), "draft.structure.rpps", "BAD_FORMAT"),
    (|d| d.structure = described("", "75"), "draft.structure.described.name", "REQUIRED"),
    (|d| d.structure = described("\u{200b}\u{202e}", "75"), "draft.structure.described.name", "REQUIRED"),
    (|d| d.structure = described("Cabinet du Lac\u{202e}", "75"), "draft.structure.described.name", "BAD_CHARACTER"),
    (|d| d.structure = described("Cabinet\n\nURGENT : ouvrez https://…", "75"), "draft.structure.described.name", "BAD_CHARACTER"),
    (|d| d.structure = described("Cabinet\rSIG-2026-0000000", "75"), "draft.structure.described.name", "BAD_CHARACTER"),
    (|d| d.structure = described("Cabinet\u{2028}du Lac", "75"), "draft.structure.described.name", "BAD_CHARACTER"),
    (|d| d.structure = described("…", "75"), "draft.structure.described.name", "BAD_FORMAT"),
    (|d| d.structure = described(&"x".repeat(201), "75"), "draft.structure.described.name", "TOO_LONG"),
    (|d| d.structure = described("Cabinet", ""), "draft.structure.described.department", "REQUIRED"),
    (|d| d.structure = described("Cabinet", "20"), "draft.structure.described.department", "BAD_FORMAT"),
    (|d| d.structure = described("Cabinet", "96"), "draft.structure.described.department", "BAD_FORMAT"),
    (|d| d.structure = described("Cabinet", "9A"), "draft.structure.described.department", "BAD_FORMAT"),
    (|d| d.structure_kind = 11, "draft.structure_kind", "UNKNOWN_VALUE"),
    (|d| d.operator_status = 3, "draft.operator_status", "UNKNOWN_VALUE"),
    (|d| d.declarant = None, "draft.declarant", "REQUIRED"),
    (|d| d.declarant = Some(Contact::default()), "draft.declarant.family_name", "REQUIRED"),
    (|d| contact(d).email.clear(), "draft.declarant.email", "REQUIRED"),
    (|d| contact(d).family_name.clear(), "draft.declarant.family_name", "REQUIRED"),
    (|d| contact(d).family_name = " \n ".into(), "draft.declarant.family_name", "REQUIRED"),
    (|d| contact(d).family_name = "x".repeat(101), "draft.declarant.family_name", "TOO_LONG"),
    (|d| contact(d).family_name = "a\0b".into(), "draft.declarant.family_name", "BAD_CHARACTER"),
    (|d| contact(d).family_name = "\u{301}\u{2060}".into(), "draft.declarant.family_name", "REQUIRED"),
    (|d| contact(d).given_name = "Anne\tMarie".into(), "draft.declarant.given_name", "BAD_CHARACTER"),
    (|d| contact(d).position = "RSSI\u{2066}".into(), "draft.declarant.position", "BAD_CHARACTER"),
    (|d| contact(d).email = "\u{200b}".into(), "draft.declarant.email", "REQUIRED"),
    (|d| contact(d).given_name = "x".repeat(101), "draft.declarant.given_name", "TOO_LONG"),
    (|d| contact(d).position = "x".repeat(201), "draft.declarant.position", "TOO_LONG"),
    (|d| contact(d).email = "martin".into(), "draft.declarant.email", "BAD_FORMAT"),
    (|d| contact(d).email = "a@b".into(), "draft.declarant.email", "BAD_FORMAT"),
    (|d| contact(d).email = "a b@c.fr".into(), "draft.declarant.email", "BAD_FORMAT"),
    (|d| contact(d).email = "a@b.fr\r\nBcc: x@y.fr".into(), "draft.declarant.email", "BAD_FORMAT"),
    (|d| contact(d).email = format!("{}@b.fr", "a".repeat(250)), "draft.declarant.email", "BAD_FORMAT"),
    (|d| contact(d).phone = "12".into(), "draft.declarant.phone", "BAD_FORMAT"),
    (|d| contact(d).phone = "01 02 03 04 05 06 07 08".into(), "draft.declarant.phone", "BAD_FORMAT"),
    (|d| contact(d).phone = "01234567890".into(), "draft.declarant.phone", "BAD_FORMAT"),
    (|d| contact(d).phone = "612345678".into(), "draft.declarant.phone", "LOST_LEADING_ZERO"),
    (|d| contact(d).phone = "6,12346E+08".into(), "draft.declarant.phone", "SPREADSHEET_NOTATION"),
    (|d| contact(d).phone = "appelez-moi".into(), "draft.declarant.phone", "BAD_FORMAT"),
    (|d| d.alternate_contact = Some(Contact::default()), "draft.alternate_contact.email", "REQUIRED"),
    (|d| { d.alternate_contact = Some(Contact { email: "x".into(), ..martin() }); }, "draft.alternate_contact.email", "BAD_FORMAT"),
    (|d| d.capacity = 0, "draft.capacity", "REQUIRED"),
    (|d| d.capacity = 7, "draft.capacity", "UNKNOWN_VALUE"),
    (|d| d.capacity = DeclarantCapacity::Agency.into(), "draft.capacity", "CONFLICT"),
    (|d| d.capacity = DeclarantCapacity::Importer.into(), "draft.capacity", "CONFLICT"),
    (|d| d.found_at = None, "draft.found_at", "REQUIRED"),
    (|d| d.found_at = Some(seconds_ago(-600)), "draft.found_at", "IN_FUTURE"),
    (|d| d.found_at = Some(moment(946_684_799, 0)), "draft.found_at", "OUT_OF_RANGE"),
    (|d| d.found_at = Some(moment(i64::MAX, 0)), "draft.found_at", "BAD_FORMAT"),
    (|d| d.found_at = Some(moment(1_700_000_000, -1)), "draft.found_at", "BAD_FORMAT"),
    (|d| d.found_at = Some(moment(1_700_000_000, 1_000_000_000)), "draft.found_at", "BAD_FORMAT"),
    (|d| d.started_at = Some(seconds_ago(60)), "draft.started_at", "CONFLICT"),
    (|d| d.started_at = Some(moment(0, 0)), "draft.started_at", "OUT_OF_RANGE"),
    (|d| d.started_at = Some(moment(i64::MIN, 0)), "draft.started_at", "BAD_FORMAT"),
    (|d| d.description.clear(), "draft.description", "REQUIRED"),
    (|d| d.description = "\t \n".into(), "draft.description", "REQUIRED"),
    (|d| d.description = "\u{200b}".into(), "draft.description", "REQUIRED"),
    (|d| d.description = "\u{2060}\u{202e}\u{301}".into(), "draft.description", "REQUIRED"),
    (|d| d.description = "é".repeat(10_001), "draft.description", "TOO_LONG"),
    (|d| d.description = "a\u{1b}[31m".into(), "draft.description", "BAD_CHARACTER"),
    (|d| d.perimeter = "x".repeat(4_001), "draft.perimeter", "TOO_LONG"),
    (|d| d.systems = "x".repeat(4_001), "draft.systems", "TOO_LONG"),
    (|d| d.care_status = "x".repeat(4_001), "draft.care_status", "TOO_LONG"),
    (|d| d.measures_taken = "x".repeat(4_001), "draft.measures_taken", "TOO_LONG"),
    (|d| d.vendor = "x".repeat(201), "draft.vendor", "TOO_LONG"),
    (|d| d.vendor = "Éditeur\nSARL".into(), "draft.vendor", "BAD_CHARACTER"),
    (|d| d.product = "x\u{7}".into(), "draft.product", "BAD_CHARACTER"),
    (|d| { d.description = "\u{1f9ef}".repeat(10_000); d.systems = "\u{1f9ef}".repeat(4_000); d.perimeter = "\u{1f9ef}".repeat(4_000); }, "draft", "TOO_LONG"),
    (|d| d.kind = ReportKind::VendorBadPractice.into(), "draft.vendor", "REQUIRED"),
    (|d| { d.kind = ReportKind::ProductVulnerability.into(); d.vendor = "Éditeur".into(); }, "draft.product", "REQUIRED"),
    (|d| d.origin = 4, "draft.origin", "UNKNOWN_VALUE"),
    (|d| d.origin_types = vec![OriginType::Ransomware.into()], "draft.origin", "REQUIRED"),
    (|d| origin(d, &[0]), "draft.origin_types[0]", "UNKNOWN_VALUE"),
    (|d| origin(d, &[2, 15]), "draft.origin_types[1]", "UNKNOWN_VALUE"),
    (|d| origin(d, &[2, 2]), "draft.origin_types[1]", "DUPLICATE"),
    (|d| origin(d, &[2, 20]), "draft.origin_types[1]", "CONFLICT"),
    (|d| origin(d, &[1, 2, 3, 4, 5, 6, 7, 8, 9]), "draft.origin_types", "TOO_MANY"),
    (|d| impacts(d).data = vec![9], "draft.impacts.data[0]", "UNKNOWN_VALUE"),
    (|d| impacts(d).data = vec![2, 2], "draft.impacts.data[1]", "DUPLICATE"),
    (|d| impacts(d).data = vec![DataImpact::None.into(), 2], "draft.impacts.data", "CONFLICT"),
    (|d| impacts(d).data = vec![2, DataImpact::Unknown.into()], "draft.impacts.data", "CONFLICT"),
    (|d| impacts(d).data_natures = vec![5], "draft.impacts.data_natures[0]", "UNKNOWN_VALUE"),
    (|d| impacts(d).care = 5, "draft.impacts.care", "UNKNOWN_VALUE"),
    (|d| impacts(d).patient_endangerment = 9, "draft.impacts.patient_endangerment", "UNKNOWN_VALUE"),
    (|d| impacts(d).reach = 6, "draft.impacts.reach", "UNKNOWN_VALUE"),
    (|d| d.tlp = 6, "draft.tlp", "UNKNOWN_VALUE"),
];

#[tokio::test]
async fn every_malformed_draft_is_refused_with_its_field_and_leaves_nothing() {
    let env = TestEnv::start().await;
    let declarant = env.declarant("alice");
    assert!(DRAFTS.len() >= 60);
    for (number, (bend, field, reason)) in DRAFTS.iter().enumerate() {
        let mut draft = incident();
        bend(&mut draft);
        let expected = (String::from(*field), String::from(*reason));

        let status = declarant.submit(draft.clone()).await.unwrap_err();
        assert_eq!(
            status.code(),
            Code::InvalidArgument,
            "draft {number}: {status:?}"
        );
        let told = violations(&status);
        assert!(
            told.contains(&expected),
            "draft {number}: {told:?}, not {expected:?}"
        );

        let checked = declarant.check(draft).await.unwrap();
        let told = checked.violations.into_iter().map(|v| (v.field, v.reason));
        assert!(
            told.into_iter().any(|told| told == expected),
            "checked draft {number}"
        );
        assert!(checked.consequences.is_none());
    }
    nothing_is_stored(&env).await;
}

#[tokio::test]
async fn one_answer_names_every_violation() {
    let env = TestEnv::start().await;
    let draft = ReportDraft {
        declarant: Some(Contact::default()),
        ..ReportDraft::default()
    };
    let request = SubmitReportRequest {
        draft: Some(draft),
        ..SubmitReportRequest::default()
    };
    let status = env.declarant("alice").send(request).await.unwrap_err();
    let fields: Vec<String> = violations(&status)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(
        fields,
        [
            "draft.capacity",
            "draft.declarant.email",
            "draft.declarant.family_name",
            "draft.description",
            "draft.found_at",
            "draft.kind",
            "draft.structure",
            "request_id",
        ],
    );
}

fn contact(draft: &mut ReportDraft) -> &mut Contact {
    draft.declarant.get_or_insert_default()
}

fn impacts(draft: &mut ReportDraft) -> &mut Impacts {
    draft.impacts.get_or_insert_default()
}

fn origin(draft: &mut ReportDraft, types: &[i32]) {
    draft.origin = Origin::Malicious.into();
    draft.origin_types = types.to_vec();
}

fn moment(seconds: i64, nanos: i32) -> Timestamp {
    Timestamp { seconds, nanos }
}
