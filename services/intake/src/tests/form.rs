//! What the form says is what is accepted, and nothing else.

mod values;

use platform::now;
use prost_reflect::Value;
use proto::{
    intake::v1::{
        self as pb, FormCondition, FormConditionKind, FormField, FormSection, GetFormRequest,
        GetVocabularyRequest, ReportDraft, form_service_client::FormServiceClient,
        intake_service_client::IntakeServiceClient,
    },
    types::v1::ReportKind,
};
use service::wire::timestamp;
use testkit::TokenSpec;
use tonic::Code;

use self::values::{Bent, beyond, moment, value, within};
use crate::tests::env::{TestEnv, User};

const KINDS: [ReportKind; 5] = [
    ReportKind::Incident,
    ReportKind::ProductVulnerability,
    ReportKind::VendorBadPractice,
    ReportKind::NearMiss,
    ReportKind::Threat,
];

fn asking(kind: i32, locale: &str) -> GetFormRequest {
    GetFormRequest {
        kind,
        locale: locale.to_owned(),
    }
}

/// A form, a draft that it calls sound, and who checks it: an importer, who may say all.
struct Trial<'a> {
    form: pb::Form,
    importer: &'a User,
}

impl Trial<'_> {
    fn fields(&self) -> impl Iterator<Item = (&FormSection, &FormField)> {
        let sections = self.form.sections.iter();
        sections.flat_map(|section| section.fields.iter().map(move |field| (section, field)))
    }

    fn field(&self, path: &str) -> &FormField {
        let (_, field) = self.fields().find(|(_, field)| field.path == path).unwrap();
        field
    }

    fn example(&self, path: &str) -> Value {
        let field = self.field(path);
        value(field, &field.example)
    }

    /// What the form requires, by its examples: of a group the first.
    fn least(&self) -> Bent {
        let mut draft = Bent::of(&ReportDraft::default());
        for section in self.form.sections.iter().filter(|it| !it.optional) {
            draft = self.least_of(draft, section);
        }
        draft.set("kind", Value::EnumNumber(self.form.kind))
    }

    fn least_of(&self, mut draft: Bent, section: &FormSection) -> Bent {
        for field in section.fields.iter().filter(|field| field.required) {
            draft = draft.set(&field.path, self.example(&field.path));
        }
        for group in &section.groups {
            draft = draft.set(&group.paths[0], self.example(&group.paths[0]));
        }
        draft
    }

    /// Whether a condition holds of a draft.
    fn holds(&self, draft: &Bent, condition: &FormCondition) -> bool {
        let names = |path: &String| match draft.get(path) {
            Some(Value::Bool(said)) => said.to_string(),
            Some(Value::EnumNumber(number)) => {
                let mut choices = self.field(path).choices.iter();
                let found = choices.find(|it| it.number == number);
                found.map(|it| it.name.clone()).unwrap_or_default()
            }
            _ => String::new(),
        };
        let mut paths = condition.paths.iter();
        match condition.kind() {
            FormConditionKind::Given => paths.any(|path| draft.get(path).is_some()),
            FormConditionKind::Absent => paths.any(|path| draft.get(path).is_none()),
            FormConditionKind::OneOf => paths.any(|it| condition.values.contains(&names(it))),
            FormConditionKind::NoneOf => paths.any(|it| !condition.values.contains(&names(it))),
            FormConditionKind::Unspecified => false,
        }
    }

    /// A draft with what else it requires, but for one field.
    fn completed(&self, mut draft: Bent, but: &str) -> Bent {
        for (_, field) in self.fields().filter(|(_, field)| field.path != but) {
            let is_required = !field.required_if.is_empty()
                && field.required_if.iter().all(|it| self.holds(&draft, it));
            if is_required && draft.get(&field.path).is_none() {
                draft = draft.set(&field.path, self.example(&field.path));
            }
        }
        draft
    }

    /// The least draft in which a field is of use.
    fn around(&self, section: &FormSection, field: &FormField) -> Bent {
        let mut draft = self.least();
        if section.optional {
            draft = self.least_of(draft, section);
        }
        for condition in &field.shown_if {
            let path = &condition.paths[0];
            draft = match condition.values.first() {
                Some(name) => draft.set(path, value(self.field(path), name)),
                None => draft.set(path, self.example(path)),
            };
        }
        if field.path == "kind" {
            // Another kind asks for more, which its own form says.
            for path in ["vendor", "product"] {
                draft = draft.set(path, self.example(path));
            }
        }
        draft
    }

    async fn accepts(&self, draft: Bent, story: &str) {
        let checked = self.importer.check(draft.draft()).await.unwrap();
        assert!(checked.violations.is_empty(), "{story}: {checked:?}");
    }

    /// Refuses it because of this field, or a value of its list, and of no other.
    async fn refuses(&self, draft: Bent, path: &str, story: &str) {
        let checked = self.importer.check(draft.draft()).await.unwrap();
        let path = format!("draft.{path}");
        let is_of = |field: &str| {
            let rest = field.strip_prefix(&path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        let violations = checked.violations;
        assert!(
            !violations.is_empty() && violations.iter().all(|it| is_of(&it.field)),
            "{story}: {violations:?}"
        );
    }

    /// Compares what the form says of a field with what is accepted.
    async fn compare(&self, section: &FormSection, field: &FormField) {
        let path = field.path.as_str();
        let story = |what: &str| format!("{path} of {:?}, {what}", self.form.kind());
        let around = self.around(section, field);
        let set = |value: Value| self.completed(around.clone().set(path, value), path);
        let example = set(self.example(path));
        self.accepts(example, &story("its example")).await;
        for (value, what) in within(field) {
            self.accepts(set(value), &story(what)).await;
        }
        for (value, what) in beyond(field) {
            self.refuses(set(value), path, &story(what)).await;
        }
        if !field.not_after.is_empty() {
            let same = set(self.example(&field.not_after));
            self.accepts(same, &story("at the same moment")).await;
            let later = moment(timestamp(now() - time::Duration::MINUTE));
            self.refuses(set(later), path, &story("later")).await;
        }
        let mut groups = section.groups.iter();
        if groups.any(|group| group.paths.contains(&field.path)) {
            return;
        }
        let absent = self.completed(around.clone().clear(path), path);
        if field.required || !field.required_if.is_empty() {
            self.refuses(absent.clone(), path, &story("absent")).await;
        } else {
            self.accepts(absent.clone(), &story("absent")).await;
        }
        // One condition that does not hold is enough to do without it.
        for condition in &field.required_if {
            let on = condition.paths[0].as_str();
            let freed = match (condition.kind(), condition.values.first()) {
                (FormConditionKind::NoneOf, Some(name)) => value(self.field(on), name),
                (FormConditionKind::Absent, _) => self.example(on),
                _ => continue,
            };
            let freed = absent.clone().set(on, freed);
            self.accepts(freed, &story(&format!("absent by {on}")))
                .await;
        }
    }

    /// Compares what the form says of fields together with what is accepted.
    async fn compare_groups(&self, section: &FormSection) {
        let mut draft = self.least();
        if section.optional {
            draft = self.least_of(draft, section);
        }
        for group in &section.groups {
            let paths = group.paths.iter();
            let none = paths.fold(draft.clone(), |draft, path| draft.clear(path));
            let story = format!("none of {:?}", group.paths);
            self.refuses(none.clone(), &group.violation_path, &story)
                .await;
            for path in &group.paths {
                let alone = none.clone().set(path, self.example(path));
                self.accepts(self.completed(alone, ""), path).await;
            }
        }
    }
}

#[tokio::test]
async fn what_the_form_says_is_accepted_and_what_lies_beyond_it_is_not() {
    let env = TestEnv::with_directory().await;
    let importer = env.importer();
    let mut forms = FormServiceClient::new(env.service.anonymous());
    for kind in KINDS {
        let form = forms.get_form(asking(kind.into(), "fr")).await.unwrap();
        let form = form.into_inner().form.unwrap();
        assert_eq!(form.kind(), kind);
        let trial = Trial {
            form,
            importer: &importer,
        };
        trial.accepts(trial.least(), "what is required").await;
        for (section, field) in trial.fields() {
            trial.compare(section, field).await;
        }
        for section in &trial.form.sections {
            trial.compare_groups(section).await;
        }
    }
}

#[tokio::test]
async fn a_draft_of_all_examples_is_accepted() {
    let env = TestEnv::with_directory().await;
    let importer = env.importer();
    let mut forms = FormServiceClient::new(env.service.anonymous());
    for kind in KINDS {
        let form = forms.get_form(asking(kind.into(), "en")).await.unwrap();
        let trial = Trial {
            form: form.into_inner().form.unwrap(),
            importer: &importer,
        };
        let mut draft = trial.least();
        for (_, field) in trial.fields() {
            let is_shown = field.shown_if.iter().all(|it| trial.holds(&draft, it));
            if is_shown && !field.path.starts_with("structure.") && field.path != "kind" {
                draft = draft.set(&field.path, trial.example(&field.path));
            }
        }
        assert!(draft.get("origin_types").is_some());
        trial.accepts(draft, "all examples").await;
    }
}

#[tokio::test]
async fn everybody_reads_the_form_and_the_words_and_nothing_else() {
    let env = TestEnv::start().await;
    let before = env.count("select count(*) from audit_entry").await;
    let mut anyone = FormServiceClient::new(env.service.anonymous());
    let form = anyone.get_form(asking(0, "en")).await.unwrap();
    let form = form.into_inner().form.unwrap();
    assert_eq!(
        (form.kind(), form.locale.as_str()),
        (ReportKind::Incident, "en")
    );
    let alice = TokenSpec::of("alice").role("declarant");
    let mut alice = FormServiceClient::new(env.service.as_user(&alice));
    let own = alice.get_form(asking(0, "en")).await.unwrap();
    assert_eq!(own.into_inner().form, Some(form));

    let words = GetVocabularyRequest {
        locale: "fr-FR".to_owned(),
    };
    let words = anyone.get_vocabulary(words).await.unwrap().into_inner();
    assert_eq!(words.locale, "fr");
    let mut kinds = words.enumerations.iter();
    let kinds = kinds.find(|it| it.name == "vigie.types.v1.ReportKind");
    let mut values = kinds.unwrap().values.iter();
    assert!(values.any(|it| it.label == "Menace"));
    // Both tell everybody the same: nobody's reading is kept.
    assert_eq!(env.count("select count(*) from audit_entry").await, before);

    let unknown = anyone.get_form(asking(99, "")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::InvalidArgument);
    let mut reports = IntakeServiceClient::new(env.service.anonymous());
    let closed = reports.check_report(pb::CheckReportRequest::default());
    assert_eq!(closed.await.unwrap_err().code(), Code::Unauthenticated);
}
