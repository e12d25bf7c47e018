//! Compiles the contracts without `protoc`, so that a newcomer needs none.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script where it works by the environment"
)]

use std::{env, fs, path::PathBuf};

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());

    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(false);
    compiler.open_files(&files)?;
    // Encoded by the compiler itself: our method options survive.
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        out.join("descriptors.bin"),
        compiler.encode_file_descriptor_set(),
    )?;

    let mut config = prost_build_config();
    config.enable_type_names();
    tonic_prost_build::configure()
        .compile_well_known_types(false)
        .compile_fds_with_config(compiler.file_descriptor_set(), config)
        .context("generating the gRPC stubs")
}

fn prost_build_config() -> tonic_prost_build::Config {
    let mut config = tonic_prost_build::Config::new();
    config.bytes(["."]);
    config
}

fn collect(folder: &std::path::Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
