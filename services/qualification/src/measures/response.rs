//! Measures as a caller may see them.

use platform::SealingKey;
use proto::qualification::v1 as pb;
use service::{Sealed, View, wire::timestamp};
use vocabulary::Word as _;

use super::{
    Measure, MeasureState, Part,
    catalogue::{Entry, Language},
};

/// How a measure is shown to one caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    /// How much the caller sees.
    pub(super) view: View,
    /// The key of the report, under which the texts are sealed; absent once erased.
    pub(super) key: Option<&'a Sealed>,
    /// Opens that key.
    pub(super) master_key: &'a SealingKey,
}

impl Shown<'_> {
    /// Shows a measure with what it says.
    pub(super) fn measure(&self, measure: &Measure) -> pb::Measure {
        let sealed = &measure.sealed;
        let mut erased = false;
        let mut open = |part, text: Option<&Vec<u8>>| {
            let Some(text) = text else {
                return String::new();
            };
            let opened = self.open(measure, part, text);
            erased |= opened.is_none();
            opened.unwrap_or_default()
        };
        pb::Measure {
            request: open(Part::Request, sealed.request.as_ref()),
            title: open(Part::Title, sealed.title.as_ref()),
            text: open(Part::Text, sealed.text.as_ref()),
            reason: open(Part::Reason, sealed.reason.as_ref()),
            erased,
            ..self.without_texts(measure)
        }
    }

    /// Shows a measure without what it says, which is not kept for retries: texts rest
    /// in one place only.
    pub(super) fn without_texts(&self, measure: &Measure) -> pb::Measure {
        let copied = measure.copied.as_ref();
        let steps = measure.steps.iter().map(|step| pb::MeasureStep {
            state: state(step.state).into(),
            at: Some(timestamp(step.at)),
            role: step.role.number(),
            author: Some(step.subject.clone())
                .filter(|_| self.view.people)
                .unwrap_or_default(),
        });
        pb::Measure {
            measure_id: measure.id.to_string(),
            case_id: measure.case_id.to_string(),
            number: measure.number,
            kind: proto::number(measure.kind),
            state: measure.state().map(state).unwrap_or_default().into(),
            catalogue_code: copied.map(|it| it.code.clone()).unwrap_or_default(),
            catalogue_version: copied.map(|it| it.version.clone()).unwrap_or_default(),
            steps: steps.collect(),
            etag: etag(measure),
            ..pb::Measure::default()
        }
    }

    /// Shows an answer that was kept for retries with what the measure said then: texts
    /// are written once, with the step that brings them.
    pub(super) fn kept(&self, answer: pb::Measure, measure: &Measure) -> pb::Measure {
        let now = self.measure(measure);
        let had = |text: String, states: &[pb::MeasureState]| {
            let mut steps = answer.steps.iter();
            Some(text)
                .filter(|_| steps.any(|step| states.contains(&step.state())))
                .unwrap_or_default()
        };
        let proposed = [pb::MeasureState::Proposed];
        let ended = [pb::MeasureState::Declined, pb::MeasureState::Withdrawn];
        pb::Measure {
            request: now.request,
            title: had(now.title, &proposed),
            text: had(now.text, &proposed),
            reason: had(now.reason, &ended),
            erased: now.erased,
            ..answer
        }
    }

    fn open(&self, measure: &Measure, part: Part, text: &[u8]) -> Option<String> {
        let sealed = Sealed {
            sealed: text.to_vec(),
            data_key: self.key?.data_key.clone(),
        };
        let opened = sealed.open(self.master_key, &part.purpose(measure.id));
        if opened.is_err() {
            tracing::error!(
                measure.id = %measure.id,
                "a measure does not open: is the master key the one of this installation?",
            );
        }
        String::from_utf8(opened.ok()?).ok()
    }
}

/// Shows an entry of the catalogue.
pub(super) fn entry(entry: &Entry, language: Language) -> pb::CatalogueEntry {
    let wording = entry.wording(language);
    pb::CatalogueEntry {
        code: entry.code.clone(),
        kind: entry.kind.number(),
        origin_types: proto::numbers(&entry.origin_types),
        structure_kinds: proto::numbers(&entry.structure_kinds),
        title: wording.title.as_str().to_owned(),
        text: wording.text.as_str().to_owned(),
    }
}

/// Changes with every step. Names its moment too: after a restore another step takes the
/// place of a lost one, and must not pass for it.
pub(super) fn etag(measure: &Measure) -> String {
    let at = measure
        .steps
        .last()
        .map_or(0, |step| step.at.unix_timestamp_nanos() / 1_000);
    format!("{}-{at}", measure.steps.len())
}

fn state(state: MeasureState) -> pb::MeasureState {
    match state {
        MeasureState::AskedFor => pb::MeasureState::AskedFor,
        MeasureState::Proposed => pb::MeasureState::Proposed,
        MeasureState::Accepted => pb::MeasureState::Accepted,
        MeasureState::Declined => pb::MeasureState::Declined,
        MeasureState::Done => pb::MeasureState::Done,
        MeasureState::Withdrawn => pb::MeasureState::Withdrawn,
        MeasureState::Later(_) => pb::MeasureState::Unspecified,
    }
}
