//! Builds the crate anew when a query or a migration in a file of its own changes, which the
//! compiler does not always see by itself, and embeds the templates.

use std::{collections::BTreeMap, env, error::Error, fs, path::Path};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to a build script so"
)]
fn main() -> Result<(), Box<dyn Error>> {
    for folder in ["migrations", "src", "templates"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    // By the name of each template, as in `fr/receipt.txt`, where it is.
    let mut templates = BTreeMap::new();
    for language in fs::read_dir("templates")? {
        for file in fs::read_dir(language?.path())? {
            let path = file?.path();
            let name = path.strip_prefix("templates")?.display().to_string();
            templates.insert(name, path.canonicalize()?.display().to_string());
        }
    }
    let files = templates.iter();
    let files = files.map(|(name, path)| format!("({name:?}, include_str!({path:?}))"));
    let embedded = files.collect::<Vec<_>>().join(",");
    let out = env::var("OUT_DIR")?;
    fs::write(
        Path::new(&out).join("templates.rs"),
        format!("&[{embedded}]"),
    )?;
    Ok(())
}
