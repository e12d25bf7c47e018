//! The catalogue of measures: what is advised for which origin and which structure, in
//! plain words that editors keep.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashSet},
    str::FromStr,
};

use serde::Deserialize;
use vocabulary::{Line, MeasureKind, OriginType, ParseError, StructureKind};

use super::{Body, Title};

/// The edition that the suite brings.
const SHIPPED: &str = include_str!("catalogue.toml");

/// An edition of the catalogue (catalogue de mesures).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Catalogue {
    /// The edition.
    version: String,
    /// The entries, in the order of the file.
    entries: Vec<Entry>,
}

/// A measure that may be proposed on any case that it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The same in every edition and language.
    pub(super) code: String,
    /// What it is for.
    pub(super) kind: MeasureKind,
    /// The types of origin that it is for; empty: any.
    pub(super) origin_types: BTreeSet<OriginType>,
    /// The kinds of structures that it is for; empty: any.
    pub(super) structure_kinds: BTreeSet<StructureKind>,
    french: Wording,
    english: Wording,
}

/// What an entry says in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wording {
    /// What it is, in one line.
    pub(super) title: Title,
    /// What to do, in what order, what not to do.
    pub(super) text: Body,
}

/// What the catalogue is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The types of the origin; empty: whatever they are.
    pub(super) origin_types: BTreeSet<OriginType>,
    /// The kind of the structure; `None`: whatever it is.
    pub(super) structure_kind: Option<StructureKind>,
    /// Only these kinds of measures; empty: all.
    pub(super) kinds: BTreeSet<MeasureKind>,
}

/// The languages of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// For every tag that is not English.
    French,
    /// For "en" and whatever begins with "en-".
    English,
}

impl Language {
    /// The language for a tag (RFC 5646); locales of programs have "_" for "-".
    pub(super) fn of_tag(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("en") {
            Self::English
        } else {
            Self::French
        }
    }
}

impl Catalogue {
    /// The edition that the suite brings.
    pub(super) fn shipped() -> Result<Self, String> {
        Self::parse(SHIPPED)
    }

    /// Reads an edition; the error says in one line what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: FileCatalogue = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| 1 + before.matches('\n').count());
            let why = error.message().replace('\n', " ");
            format!("is no catalogue of measures (line {line}): {why}")
        })?;
        let version = Line::<1, 40>::try_from(file.version);
        let version = version.map_err(|error| format!("version: {error}"))?;
        let mut entries = Vec::with_capacity(file.measure.len());
        let mut codes = HashSet::new();
        for (index, measure) in file.measure.into_iter().enumerate() {
            let place = format!("measure {} ({:?})", index + 1, measure.code);
            let entry = measure.read().map_err(|why| format!("{place}: {why}"))?;
            if !codes.insert(entry.code.clone()) {
                return Err(format!("{place}: another measure has this code"));
            }
            entries.push(entry);
        }
        if entries.is_empty() {
            return Err("holds no measure".to_owned());
        }
        Ok(Self {
            version: version.as_str().to_owned(),
            entries,
        })
    }

    /// The edition.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The entry of a code.
    pub(super) fn entry(&self, code: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.code == code)
    }

    /// The entries that fit, best first: by how many of the types of origin they name,
    /// then those for this kind of structure, then by urgency.
    pub(super) fn fitting(&self, wanted: &Wanted) -> Vec<&Entry> {
        let mut fitting: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| entry.fits(wanted))
            .collect();
        // Stable: what ranks alike keeps the order of the editors.
        fitting.sort_by_key(|entry| {
            let named = entry.origin_types.intersection(&wanted.origin_types);
            let kind = wanted.structure_kind;
            let own = kind.is_some_and(|kind| entry.structure_kinds.contains(&kind));
            (Reverse(named.count()), Reverse(own), entry.kind)
        });
        fitting
    }
}

impl Entry {
    /// What it says in a language.
    pub(super) fn wording(&self, language: Language) -> &Wording {
        match language {
            Language::French => &self.french,
            Language::English => &self.english,
        }
    }

    fn fits(&self, wanted: &Wanted) -> bool {
        let kind = wanted.structure_kind;
        (wanted.kinds.is_empty() || wanted.kinds.contains(&self.kind))
            && (wanted.origin_types.is_empty()
                || self.origin_types.is_empty()
                || !self.origin_types.is_disjoint(&wanted.origin_types))
            && (self.structure_kinds.is_empty()
                || kind.is_none_or(|kind| self.structure_kinds.contains(&kind)))
    }
}

/// An edition as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCatalogue {
    version: String,
    #[serde(default)]
    measure: Vec<FileMeasure>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileMeasure {
    code: String,
    kind: String,
    #[serde(default)]
    origin_types: Vec<String>,
    #[serde(default)]
    structure_kinds: Vec<String>,
    fr: FileWording,
    en: FileWording,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileWording {
    title: String,
    text: String,
}

impl FileMeasure {
    fn read(self) -> Result<Entry, String> {
        let slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(1..=60).contains(&self.code.len()) || !self.code.chars().all(slug) {
            return Err("a code is 1 to 60 of a-z, 0-9 and -".to_owned());
        }
        Ok(Entry {
            code: self.code,
            kind: word(&self.kind)?,
            origin_types: words(&self.origin_types)?,
            structure_kinds: words(&self.structure_kinds)?,
            french: self.fr.read().map_err(|why| format!("fr: {why}"))?,
            english: self.en.read().map_err(|why| format!("en: {why}"))?,
        })
    }
}

impl FileWording {
    fn read(self) -> Result<Wording, String> {
        let title = Title::try_from(self.title).map_err(|why| format!("title: {why}"))?;
        let text = Body::try_from(self.text).map_err(|why| format!("text: {why}"))?;
        Ok(Wording { title, text })
    }
}

fn word<W: FromStr<Err = ParseError>>(slug: &str) -> Result<W, String> {
    slug.parse().map_err(|why| format!("{slug:?}: {why}"))
}

fn words<W: FromStr<Err = ParseError> + Ord>(slugs: &[String]) -> Result<BTreeSet<W>, String> {
    slugs.iter().map(|slug| word(slug)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(code: &str, kind: &str, origins: &str, structures: &str) -> String {
        format!(
            "[[measure]]\ncode = \"{code}\"\nkind = \"{kind}\"\norigin_types = [{origins}]\n\
             structure_kinds = [{structures}]\n\
             fr = {{ title = \"Titre\", text = \"Texte\" }}\n\
             en = {{ title = \"Title\", text = \"Text\" }}\n"
        )
    }

    fn edition(entries: &[String]) -> String {
        format!("version = \"1\"\n{}", entries.concat())
    }

    /// The types of origin of which something is known.
    fn known_origins() -> impl Iterator<Item = OriginType> {
        let unknown = |it: &OriginType| {
            let others = [
                OriginType::OtherMalicious,
                OriginType::OtherNonMalicious,
                OriginType::Unknown,
            ];
            others.contains(it)
        };
        OriginType::ALL
            .iter()
            .copied()
            .filter(move |it| !unknown(it))
    }

    #[test]
    fn the_shipped_edition_names_a_measure_of_each_kind_for_every_type_of_origin() {
        let catalogue = Catalogue::shipped().unwrap();
        assert!(catalogue.entries.len() >= 24);
        for origin in known_origins() {
            for &kind in MeasureKind::ALL {
                let named = catalogue.entries.iter().any(|entry| {
                    entry.kind == kind
                        && entry.origin_types.contains(&origin)
                        && entry.structure_kinds.is_empty()
                });
                assert!(named, "no {kind} for {origin}");
            }
        }
    }

    #[test]
    fn the_shipped_edition_advises_something_at_once_for_whatever_nobody_foresaw() {
        let catalogue = Catalogue::shipped().unwrap();
        for kind in [MeasureKind::Emergency, MeasureKind::Improvement] {
            let wanted = Wanted {
                origin_types: [OriginType::Unknown].into(),
                structure_kind: Some(StructureKind::Other),
                kinds: [kind].into(),
            };
            assert!(!catalogue.fitting(&wanted).is_empty(), "{kind}");
        }
    }

    #[test]
    fn the_shipped_edition_says_the_same_in_both_languages_and_in_few_words() {
        for entry in Catalogue::shipped().unwrap().entries {
            let [french, english] = [&entry.french, &entry.english];
            assert_ne!(french.title, english.title, "{}", entry.code);
            let points = |wording: &Wording| wording.text.as_str().lines().count();
            assert_eq!(points(french), points(english), "{}", entry.code);
            for wording in [french, english] {
                assert!(
                    wording.title.as_str().chars().count() <= 90,
                    "{}",
                    entry.code
                );
                let length = wording.text.as_str().chars().count();
                assert!((150..=1_500).contains(&length), "{}: {length}", entry.code);
            }
        }
    }

    #[test]
    fn what_names_the_origin_comes_before_what_fits_all_and_the_urgent_before_the_rest() {
        let catalogue = Catalogue::parse(&edition(&[
            entry("general", "emergency", "", ""),
            entry("later", "improvement", "\"ransomware\"", ""),
            entry("at-once", "emergency", "\"ransomware\"", ""),
            entry("both", "remediation", "\"ransomware\", \"malware\"", ""),
            entry("home", "improvement", "", "\"nursing_home\""),
            entry("bug", "emergency", "\"software_bug\"", ""),
        ]))
        .unwrap();
        let codes = |wanted: &Wanted| {
            let fitting = catalogue.fitting(wanted);
            fitting.iter().map(|it| it.code.clone()).collect::<Vec<_>>()
        };
        let mut wanted = Wanted {
            origin_types: [OriginType::Ransomware, OriginType::Malware].into(),
            structure_kind: Some(StructureKind::NursingHome),
            ..Wanted::default()
        };
        assert_eq!(
            codes(&wanted),
            ["both", "at-once", "later", "home", "general"]
        );
        wanted.kinds = [MeasureKind::Emergency].into();
        assert_eq!(codes(&wanted), ["at-once", "general"]);
        wanted = Wanted {
            structure_kind: Some(StructureKind::Pharmacy),
            ..Wanted::default()
        };
        assert_eq!(
            codes(&wanted),
            ["general", "at-once", "bug", "both", "later"]
        );
        assert_eq!(codes(&Wanted::default()).len(), 6);
    }

    #[test]
    fn what_is_wrong_with_an_edition_is_said_in_one_line_that_tells_where() {
        let good = entry("one", "emergency", "", "");
        let wrong = |from: &str, to: &str| edition(&[good.replace(from, to)]);
        let cases = [
            ("version = ".to_owned(), "line 1"),
            ("version = \"1\"".to_owned(), "holds no measure"),
            (good.clone(), "version"),
            (
                edition(&[good.clone(), good.clone()]),
                "measure 2 (\"one\")",
            ),
            (wrong("code", "kode"), "kode"),
            (wrong("\"one\"", "\"One\""), "a-z"),
            (wrong("emergency", "urgent"), "\"urgent\""),
            (wrong("types = []", "types = [\"luck\"]"), "\"luck\""),
            (wrong("text = \"Texte\"", "text = \" \""), "fr: text"),
            (wrong("Title", "Two\\nlines"), "en: title"),
        ];
        for (text, said) in cases {
            let why = Catalogue::parse(&text).unwrap_err();
            assert!(why.contains(said) && !why.contains('\n'), "{said}: {why}");
        }
        assert!(Catalogue::parse(&edition(&[good])).is_ok());
    }

    #[test]
    fn a_language_is_told_by_its_tag() {
        for tag in ["en", "EN-gb", "en_US.UTF-8"] {
            assert_eq!(Language::of_tag(tag), Language::English, "{tag}");
        }
        for tag in ["", "fr", "fr-FR", "de", "enm"] {
            assert_eq!(Language::of_tag(tag), Language::French, "{tag}");
        }
    }
}
