//! Compiles the contracts without `protoc`, so that a newcomer needs none.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script where it works by the environment"
)]

use std::{env, fs, path::PathBuf};

use anyhow::Context as _;
use protox::prost_reflect::{DescriptorPool, ExtensionDescriptor, Kind, MessageDescriptor};

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

    fs::write(
        out.join("payloads.rs"),
        payloads(&compiler.descriptor_pool())?,
    )?;

    let mut config = prost_build_config();
    config.enable_type_names();
    tonic_prost_build::configure()
        .compile_well_known_types(false)
        .compile_fds_with_config(compiler.file_descriptor_set(), config)
        .context("generating the gRPC stubs")
}

/// Writes `impl Payload` for every message that is the payload of an event, and the list
/// of their types and consumers.
fn payloads(pool: &DescriptorPool) -> anyhow::Result<String> {
    let option = |name: &str| {
        let option = pool.get_extension_by_name(name);
        option.with_context(|| format!("no file of the contract defines the option {name}"))
    };
    let event_type = option("vigie.events.v1.event_type")?;
    let consumers = option("vigie.events.v1.consumers")?;

    let mut payloads = Vec::new();
    for message in pool.all_messages() {
        let options = message.options();
        if options.has_extension(&event_type) {
            let event_type = options.get_extension(&event_type);
            let event_type = event_type.as_str().context("event_type is a text")?;
            let event_type = event_type.to_owned();
            payloads.push((event_type, consumers_of(&message, &consumers)?, message));
        }
    }
    let traits = payloads.iter().map(|(event_type, consumers, message)| {
        format!(
            "impl Payload for crate::events::v1::{name} {{
                 const TYPE: &'static str = {event_type:?};
                 const CONSUMERS: &'static [&'static str] = &{consumers:?};
             }}\n",
            name = message.name(),
        )
    });
    let list = payloads
        .iter()
        .map(|(event_type, consumers, _)| format!("({event_type:?}, &{consumers:?}),\n"));
    Ok(format!(
        "{traits}const CONSUMERS: &[(&str, &[&str])] = &[\n{list}];\n",
        traits = traits.collect::<String>(),
        list = list.collect::<String>(),
    ))
}

/// The services that a message names, as their certificates do: in lower case.
fn consumers_of(
    message: &MessageDescriptor,
    consumers: &ExtensionDescriptor,
) -> anyhow::Result<Vec<String>> {
    let Kind::Enum(services) = consumers.kind() else {
        anyhow::bail!("consumers is an enumeration");
    };
    let options = message.options();
    let value = options.get_extension(consumers);
    let numbers = value.as_list().context("consumers is repeated")?;
    let names = numbers.iter().map(|service| {
        let number = service.as_enum_number();
        let service = number.and_then(|number| services.get_value(number));
        let name = service.as_ref().map_or("", |service| service.name());
        let name = name
            .strip_prefix("SERVICE_")
            .context("an unknown service")?;
        Ok(name.to_lowercase())
    });
    names.collect()
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
