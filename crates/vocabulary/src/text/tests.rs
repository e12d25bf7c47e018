use proptest::prelude::*;
use rstest::rstest;

use super::*;

type Short = Text<2, 5>;
type Name = Line<1, 20>;

#[test]
fn bounds_count_characters_and_not_bytes() {
    let reason = |text: &str| Short::try_from(text).unwrap_err().reason;
    assert_eq!(Short::try_from("  éèàçù ").unwrap().as_str(), "éèàçù");
    assert_eq!(reason("é"), "TOO_SHORT");
    assert_eq!(reason("éèàçùê"), "TOO_LONG");
    assert_eq!(reason("a\u{0}b"), "BAD_CHARACTER");
    assert_eq!(reason(""), "REQUIRED");
    assert!(Text::<0, 5>::try_from("").is_ok());
}

#[test]
fn decomposed_accents_are_composed_before_they_are_counted() {
    let decomposed = "e\u{301}e\u{300}a\u{300}c\u{327}u\u{300}";
    assert_eq!(Short::try_from(decomposed).unwrap().as_str(), "éèàçù");
    assert_eq!(
        Name::try_from("Ho\u{302}pital").unwrap(),
        Name::try_from("Hôpital").unwrap()
    );
    // What is left out may stand between a letter and its accent.
    assert_eq!(Name::try_from("e\u{34f}\u{301}").unwrap().as_str(), "é");
}

#[rstest]
fn what_cannot_be_seen_is_empty(
    #[values(
        "",
        " \t\r\n",
        "\u{200b}",
        "\u{2060}\u{feff}",
        "\u{ad}",
        "\u{200e}\u{200f}\u{61c}",
        "\u{202e}",
        "\u{2066}\u{2069}",
        "\u{301}\u{302}",
        "\u{a0}\u{202f}\u{3000}",
        "\u{2800}",
        "\u{3164}\u{ffa0}",
        "\u{200d}\u{fe0f}",
        "\u{e0041}",
        "\u{180e}",
        "\0\u{7}"
    )]
    text: &str,
) {
    assert!(is_empty_text(text));
    assert_eq!(Name::try_from(text).unwrap_err().reason, "REQUIRED");
    assert_eq!(Short::try_from(text).unwrap_err().reason, "REQUIRED");
    assert_eq!(Text::<0, 5>::try_from(text).unwrap().as_str(), "");
}

#[rstest]
fn a_line_holds_nothing_that_changes_what_stands_around_it(
    #[values(
        "\n", "\r", "\t", "\0", "\u{1b}", "\u{7f}", "\u{85}", "\u{9b}", "\u{b}", "\u{c}",
        "\u{2028}", "\u{2029}", "\u{202a}", "\u{202b}", "\u{202c}", "\u{202d}", "\u{202e}",
        "\u{2066}", "\u{2067}", "\u{2068}", "\u{2069}", "\u{200e}", "\u{200f}", "\u{61c}"
    )]
    bad: &str,
) {
    let refused = Name::try_from(format!("Cabinet{bad}du Lac")).unwrap_err();
    assert_eq!(refused.reason, "BAD_CHARACTER");
}

#[test]
fn a_line_has_plain_spaces_and_no_filler() {
    let name = Name::try_from("\u{feff}Cabinet\u{a0}du\u{202f}L\u{200b}ac\n").unwrap();
    assert_eq!(name.as_str(), "Cabinet du Lac");
    let emoji = Name::try_from("👩\u{200d}⚕\u{fe0f}").unwrap();
    assert_eq!(emoji.as_str(), "👩\u{200d}⚕\u{fe0f}");
}

#[test]
fn a_text_has_line_feeds_alone() {
    let text = Text::<1, 40>::try_from("a\r\nb\rc\u{b}d\u{2028}e\u{85}f\tg\n").unwrap();
    assert_eq!(text.as_str(), "a\nb\nc\nd\ne\nf g");
}

#[test]
fn a_text_keeps_the_name_of_a_file_that_reads_backwards() {
    let text = Text::<1, 40>::try_from("facture\u{202e}fdp.exe").unwrap();
    assert_eq!(text.as_str(), "facture\u{202e}fdp.exe");
}

#[test]
fn what_an_earlier_release_stored_is_read_and_mended() {
    let read = |text| Name::from_db(text).into_string();
    assert_eq!(read("CH \"BUGEY\"\nSUD"), "CH \"BUGEY\" SUD");
    assert_eq!(read("Cabinet\u{202e}du Lac"), "Cabinet\u{fffd}du Lac");
    assert_eq!(read("\u{200b}"), "\u{fffd}");
    assert_eq!(read(&"é".repeat(30)), "é".repeat(20));
    let stored: Short = serde_json::from_str("\"a\\u0000b\"").unwrap();
    assert_eq!(stored.as_str(), "a\u{fffd}b");
}

#[test]
fn a_debug_print_does_not_show_what_was_written() {
    assert!(!format!("{:?}", Short::try_from("abc").unwrap()).contains("abc"));
    assert!(!format!("{:?}", Name::try_from("abc").unwrap()).contains("abc"));
}

proptest! {
    #[test]
    fn what_is_accepted_is_accepted_again_unchanged(text in any::<String>()) {
        if let Ok(once) = Text::<0, 40>::try_from(text.as_str()) {
            prop_assert_eq!(Text::try_from(once.as_str()).unwrap(), once);
        }
        if let Ok(once) = Line::<0, 40>::try_from(text) {
            prop_assert_eq!(Line::try_from(once.as_str()).unwrap(), once);
        }
    }

    #[test]
    fn what_is_read_from_a_store_keeps_the_rules(text in any::<String>()) {
        let line = Line::<1, 20>::from_db(&text);
        prop_assert!((1..=20).contains(&line.as_str().chars().count()));
        prop_assert!(!line.as_str().chars().any(breaks_a_line));
        prop_assert!(!Text::<1, 20>::from_db(&text).as_str().chars().any(breaks_a_text));
    }

    #[test]
    fn invisible_fillers_change_nothing(
        name in "[A-Za-zéèôç' -]{0,18}[a-z]",
        filler in "[\u{200b}\u{2060}\u{feff}\u{ad}]{0,3}",
        place in any::<prop::sample::Index>(),
    ) {
        let plain = Line::<1, 20>::try_from(name.as_str()).unwrap();
        let mut sprinkled: Vec<char> = name.chars().collect();
        let place = place.index(sprinkled.len());
        sprinkled.splice(place..place, filler.chars());
        let sprinkled: String = sprinkled.into_iter().collect();
        prop_assert_eq!(Line::<1, 20>::try_from(sprinkled).unwrap(), plain);
    }
}
