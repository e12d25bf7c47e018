//! Pages of the documentation, walked as they stand: their commands are run, and what the pages
//! show of the answers is compared with what is answered.
//!
//! References, identifiers and moments differ from run to run. A reference or an identifier of
//! a page stands for the one that was shown in its place, and is the same one wherever it comes
//! again; a moment stands for any. `UPDATE_PAGES=1 cargo test -p cli --test command` writes anew
//! what is shown after the commands that show something.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use testkit::{eventually, eventually_some, some_within};
use uuid::Uuid;

use crate::env::{Outcome, TestEnv};

/// The locale of those who work with the suite.
pub(crate) const FRENCH: &str = "fr_FR.UTF-8";
/// How long an answer may take to be the one of the page.
const PATIENCE: Duration = Duration::from_secs(40);
/// The same where what is shown then is written down.
const SETTLED: Duration = Duration::from_secs(20);
/// After how many seconds the next person is called, where somebody is to be; long enough that
/// who is called answers before yet another one is, on a slow machine too.
pub(crate) const NEXT_CALL: &str = "15";
/// Where nobody else is called.
pub(crate) const NO_FURTHER_CALL: &str = "86400";
/// Verbs that change nothing, so that they may be tried until others have heard of what was done.
const READS: [&str; 12] = [
    " list",
    " show ",
    " get ",
    " stats ",
    " history ",
    " decisions ",
    " revisions ",
    " attached ",
    " check ",
    " form",
    " catalogue",
    " watch ",
];
/// References that pages show.
const REFERENCES: [&str; 4] = [
    "SIG-2026-7K3M9Q4",
    "SIG-2026-2B8N4T1",
    "SIG-2026-5D0R8W6",
    "SIG-2026-9F4H1X3",
];

/// A command of a page, and the lines that it shows.
struct Step {
    command: String,
    shown: Range<usize>,
    /// The moment of the story, where the page sets its clock.
    clock: Option<Timestamp>,
}

/// What references and identifiers of a page stand for.
#[derive(Clone, Default)]
struct Bindings(BTreeMap<String, String>);

/// A page that was walked.
pub(crate) struct Walked {
    pub(crate) env: TestEnv,
    bound: Bindings,
}

impl Walked {
    /// What a reference or an identifier of the page stood for.
    pub(crate) fn real(&self, name: &str) -> &str {
        &self.bound.0[name]
    }
}

/// Walks a page in a suite of its own, which knows the structures of the examples.
pub(crate) async fn walk(page: &str, locale: &str, call: &str) -> Walked {
    let delay = ("QUALIFICATION_ESCALATION_DELAY_SECONDS", call);
    let env = TestEnv::start_with(&[delay]).await;
    env.load_structures().await;
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(page);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let steps = steps(&lines);
    assert!(!steps.is_empty(), "{page} has no command");
    let mut bound = Bindings::default();
    let mut written = Vec::new();
    let mut ahead = SignedDuration::ZERO;
    for step in steps {
        let here = format!("{page}:{}", step.shown.start);
        if let Some(clock) = step.clock {
            let now = Timestamp::now();
            let minute = now.as_second().rem_euclid(60);
            ahead = clock.duration_since(now) + SignedDuration::from_secs(minute);
        }
        let expected = &lines[step.shown.clone()];
        let line = env.with_token(&bound.real(&step.command)).await;
        let done = env.settled(&line, locale, expected, &bound).await;
        // A check says by its exit code that something is to be mended.
        let is_check = done.code() == 3 && line.contains(" report check ");
        let is_done = done.code() == 0 || is_check || is_refusal(expected);
        assert!(is_done, "{here}: {line}: {}", done.stderr());
        if expected.is_empty() {
            continue;
        }
        let answer = done.stdout() + &done.stderr();
        let shown: Vec<&str> = answer.trim_end().lines().collect();
        if option_env!("UPDATE_PAGES").is_some() {
            let told = shown.iter().map(|line| bound.told(&shifted(line, ahead)));
            written.push((step.shown.clone(), told.collect::<Vec<_>>()));
            continue;
        }
        let agreed = bound.agree(expected, &shown);
        let expected = expected.join("\n");
        bound = agreed.unwrap_or_else(|| {
            panic!("{here}: {line}\nthe page shows\n{expected}\nthe answer is\n{answer}")
        });
    }
    if !written.is_empty() {
        for (shown, told) in written.into_iter().rev() {
            lines.splice(shown, told);
        }
        fs::write(&path, lines.join("\n") + "\n").unwrap();
    }
    Walked { env, bound }
}

/// Whether the page shows that a command is refused.
fn is_refusal(shown: &[String]) -> bool {
    shown.iter().any(|line| line.starts_with("vigie: "))
}

/// The commands of a page, with the lines after each of them up to the next one.
fn steps(lines: &[String]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut clock = None;
    let mut is_code = false;
    let mut number = 0;
    while number < lines.len() {
        let line = lines[number].trim_start();
        number += 1;
        if let Some(set) = line.strip_prefix("<!-- clock: ") {
            clock = Some(set.trim_end_matches(" -->").parse().unwrap());
        } else if line.starts_with("```") {
            is_code = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| is_code) {
            let mut command = command.to_owned();
            while let Some(begun) = command.strip_suffix('\\') {
                command = begun.trim_end().to_owned() + " " + lines[number].trim_start();
                number += 1;
            }
            steps.push(Step {
                command,
                shown: number..number,
                clock: clock.take(),
            });
        } else if let Some(step) = steps.last_mut().filter(|_| is_code) {
            step.shown.end = number;
        }
    }
    steps
}

impl Bindings {
    /// A command of the page, with what its names stand for.
    fn real(&self, command: &str) -> String {
        let bound = self.0.iter();
        bound.fold(command.to_owned(), |command, (page, real)| {
            command.replace(page, real)
        })
    }

    /// What the names stand for when the page shows this answer; none when it does not.
    fn agree<P: AsRef<str>>(&self, page: &[P], answer: &[&str]) -> Option<Self> {
        let mut bound = self.clone();
        if page.len() != answer.len() {
            return None;
        }
        for (page, answer) in page.iter().zip(answer) {
            let (page, answer) = (Masked::of(page.as_ref()), Masked::of(answer));
            if page.text != answer.text {
                return None;
            }
            for (page, real) in page.names.into_iter().zip(answer.names) {
                let taken = bound.0.iter().find(|(_, bound)| **bound == real);
                if taken.is_some_and(|(name, _)| *name != page) {
                    return None;
                }
                let known = bound.0.entry(page).or_insert_with(|| real.clone());
                if *known != real {
                    return None;
                }
            }
        }
        Some(bound)
    }

    /// A line of an answer in the names of the page, which is given new ones where it has none.
    fn told(&mut self, line: &str) -> String {
        let mut told = line.to_owned();
        for real in Masked::of(line).names {
            let known = self.0.iter().find(|(_, bound)| **bound == real);
            let name = known.map(|(name, _)| name.clone());
            let name = name.unwrap_or_else(|| self.unused(&real));
            told = told.replace(&real, &name);
            self.0.insert(name, real);
        }
        told
    }

    fn unused(&self, real: &str) -> String {
        let names: Vec<String> = if real.starts_with("SIG-") {
            REFERENCES.map(str::to_owned).to_vec()
        } else {
            let numbers = 1..=1_000;
            let name = |number: u32| format!("0192f3a0-0000-7000-8000-{number:012}");
            numbers.map(name).collect()
        };
        let unused = names.into_iter().find(|name| !self.0.contains_key(name));
        unused.expect("a page shows few of them")
    }
}

/// A line without what differs from run to run.
struct Masked {
    text: String,
    /// Its references and identifiers.
    names: Vec<String>,
}

impl Masked {
    fn of(line: &str) -> Self {
        let mut names = Vec::new();
        let words = line.split_whitespace().map(|word| {
            let pieces =
                word.split_inclusive(|it: char| !(it.is_alphanumeric() || "+:-".contains(it)));
            let pieces = pieces.map(|piece| {
                let name = piece.trim_end_matches(|it: char| !it.is_alphanumeric());
                let mask = mask(name);
                if matches!(mask, "<reference>" | "<identifier>") {
                    names.push(name.to_owned());
                }
                format!("{mask}{}", &piece[name.len()..])
            });
            pieces.collect::<String>()
        });
        let text = words.collect::<Vec<_>>().join(" ");
        Self { text, names }
    }
}

/// What stands for a word: itself, or its kind where it differs from run to run.
fn mask(word: &str) -> &str {
    let shape: String = word
        .chars()
        .map(|it| if it.is_ascii_digit() { '0' } else { it })
        .collect();
    match shape.as_str() {
        "0000-00" | "0000-00-00" | "00:00+00" | "00:00Z" => "<moment>",
        _ if word.len() == 16 && word.starts_with("SIG-") => "<reference>",
        _ if word.len() == 36 && Uuid::try_parse(word).is_ok() => "<identifier>",
        _ => word,
    }
}

/// A line whose moments are those of the story.
fn shifted(line: &str, ahead: SignedDuration) -> String {
    const SHOWN: usize = "2026-11-02 08:00+01".len();
    let paris = TimeZone::get("Europe/Paris").unwrap();
    let mut told = String::new();
    let mut rest = line;
    while !rest.is_empty() {
        let moment = rest.get(..SHOWN).filter(|text| text.starts_with("20"));
        let moment = moment.and_then(|text| text.parse::<Timestamp>().ok());
        if let Some(moment) = moment.and_then(|moment| moment.checked_add(ahead).ok()) {
            let moment = moment.to_zoned(paris.clone());
            told += &moment.strftime("%Y-%m-%d %H:%M%:::z").to_string();
            rest = &rest[SHOWN..];
        } else {
            let next = rest.chars().next().map_or(0, char::len_utf8);
            told += &rest[..next];
            rest = &rest[next..];
        }
    }
    told
}

impl TestEnv {
    /// Runs a command until others have heard of what was done before: a change until it is
    /// taken, a question until it has the answer of the page.
    async fn settled(
        &self,
        line: &str,
        locale: &str,
        page: &[String],
        bound: &Bindings,
    ) -> Outcome {
        let reads = READS.iter().any(|verb| format!("{line} ").contains(verb));
        let patience = match option_env!("UPDATE_PAGES") {
            Some(_) => SETTLED,
            None => PATIENCE,
        };
        let mut last = None;
        some_within(patience, async || {
            let done = self.shell_in(locale, line).await;
            let answer = done.stdout() + &done.stderr();
            let shown: Vec<&str> = answer.trim_end().lines().collect();
            let differs = !page.is_empty() && bound.agree(page, &shown).is_none();
            let is_early = match done.code() {
                0 => reads && differs,
                4 | 6 => !is_refusal(page) || differs,
                _ => false,
            };
            last = Some(done);
            (!is_early).then_some(())
        })
        .await;
        last.expect("it was run once at least")
    }

    /// A command with the token of the last call of somebody on duty, where it asks for one.
    async fn with_token(&self, line: &str) -> String {
        if !line.contains("<token>") {
            return line.to_owned();
        }
        let token = eventually_some(async || {
            let mails = self.suite.mail.mails();
            let mut texts = mails.iter().rev().map(testkit::Mail::text);
            texts.find_map(|text| {
                let told = text.split("escalation acknowledge ").nth(1)?;
                told.split_whitespace().next().map(str::to_owned)
            })
        })
        .await;
        line.replace("<token>", &token)
    }

    /// Loads the structures of the examples, as `make run` does.
    async fn load_structures(&self) {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/structures.csv");
        let import = [
            "--as",
            "importer",
            "structure",
            "import",
            file.to_str().unwrap(),
        ];
        eventually(async || self.run(&import).await.code() == 0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::{Bindings, mask, shifted};

    #[test]
    fn a_page_shows_an_answer_whose_names_and_moments_alone_differ() {
        let page = ["SIG-2026-7K3M9Q4  2026-11-03 03:00+01  chiffré (SIG-2026-7K3M9Q4)"];
        let agree = |answer: &str| Bindings::default().agree(&page, &[answer]).is_some();
        assert!(agree(
            "SIG-2026-0000001  2026-12-01 14:12+01  chiffré (SIG-2026-0000001)"
        ));
        for other in [
            "SIG-2026-0000001  2026-12-01 14:12+01  chiffré (SIG-2026-0000002)",
            "SIG-2026-0000001  2026-12-01 14:12+01  retiré (SIG-2026-0000001)",
            "SIG-2026-0000001  chiffré (SIG-2026-0000001)",
            "",
        ] {
            assert!(!agree(other), "{other}");
        }
        let twins = ["SIG-2026-7K3M9Q4 SIG-2026-2B8N4T1"];
        let one = "SIG-2026-0000001 SIG-2026-0000001";
        assert!(Bindings::default().agree(&twins, &[one]).is_none());
    }

    #[test]
    fn what_stays_the_same_is_not_masked() {
        for word in [
            "2026",
            "12:30",
            "SIG-2026",
            "340782085",
            "L.1111-8-2",
            "E-CARE",
        ] {
            assert_eq!(mask(word), word);
        }
        assert_eq!(mask("0192f3a0-0000-7000-8000-000000000001"), "<identifier>");
    }

    #[test]
    fn moments_move_with_the_clock_of_the_story() {
        let hour = jiff::SignedDuration::from_hours(1);
        let line = "• 2026-11-02 23:30+01 déclaré";
        assert_eq!(shifted(line, hour), "• 2026-11-03 00:30+01 déclaré");
    }
}
