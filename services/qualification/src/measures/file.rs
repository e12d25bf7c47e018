//! The file of the catalogue, read at the start and again when it changes.

use std::{fs, path::Path};

use platform::{Files, StartError, Watched};

use super::Catalogue;

/// The name of the variable, for errors.
const VARIABLE: &str = "QUALIFICATION_MEASURE_CATALOGUE_FILE";

/// The catalogue of a file that editors keep; the one that the suite brings when there is
/// none.
pub(crate) fn open(path: Option<&Path>, files: &Files) -> Result<Watched<Catalogue>, StartError> {
    let file = path.map(Path::to_owned);
    files.watch([(VARIABLE, path)], move || {
        let read = match &file {
            Some(file) => read(file),
            None => Catalogue::shipped(),
        };
        read.map_err(|why| StartError::unusable(VARIABLE, why))
    })
}

fn read(path: &Path) -> Result<Catalogue, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    Catalogue::parse(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edition(version: &str) -> String {
        format!(
            "version = \"{version}\"\n[[measure]]\ncode = \"one\"\nkind = \"emergency\"\n\
             fr = {{ title = \"Titre\", text = \"Texte\" }}\n\
             en = {{ title = \"Title\", text = \"Text\" }}\n"
        )
    }

    #[tokio::test]
    async fn a_changed_catalogue_is_read_again_and_a_broken_one_leaves_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("measures.toml");
        let files = Files::default();
        fs::write(&path, edition("first")).unwrap();
        let catalogue = open(Some(&path), &files).unwrap();
        let version = || catalogue.current().version().to_owned();
        assert_eq!(version(), "first");
        fs::write(&path, edition("second")).unwrap();
        files.poll().await;
        assert_eq!(version(), "second");
        fs::write(&path, "version = ").unwrap();
        files.poll().await;
        assert_eq!(version(), "second");
    }

    #[test]
    fn a_broken_catalogue_stops_the_start_and_without_a_file_the_shipped_one_serves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("measures.toml");
        fs::write(&path, "version = \"1\"").unwrap();
        let refused = open(Some(&path), &Files::default())
            .unwrap_err()
            .to_string();
        assert!(refused.contains(VARIABLE), "{refused}");
        assert!(refused.contains("holds no measure"), "{refused}");
        let shipped = open(None, &Files::default()).unwrap().current();
        assert_eq!(*shipped, Catalogue::shipped().unwrap());
    }
}
