//! Messages of the contract as protobuf JSON, for programs and for files.

use std::sync::LazyLock;

use anyhow::Context as _;
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::ser::Formatter;

pub(crate) static CONTRACTS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET)
        .expect("the contracts compiled into the command are valid")
});

/// Writes a message as indented protobuf JSON, with the names of the contract.
pub fn to_json<M: Message + Name>(message: &M) -> anyhow::Result<String> {
    let mut text = Vec::new();
    write(message, &mut serde_json::Serializer::pretty(&mut text))?;
    Ok(String::from_utf8(text)?)
}

/// The same on one line.
pub(crate) fn to_json_line<M: Message + Name>(message: &M) -> anyhow::Result<String> {
    let mut text = Vec::new();
    write(message, &mut serde_json::Serializer::new(&mut text))?;
    Ok(String::from_utf8(text)?)
}

fn write<M: Message + Name, F: Formatter>(
    message: &M,
    serializer: &mut serde_json::Serializer<&mut Vec<u8>, F>,
) -> anyhow::Result<()> {
    let descriptor = CONTRACTS
        .get_message_by_name(&M::full_name())
        .context("the message is not of the contract")?;
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())?;
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false);
    dynamic.serialize_with_options(serializer, &options)?;
    Ok(())
}

/// Reads a message from protobuf JSON; unknown fields are an error.
pub fn from_json<M: Message + Name + Default>(text: &str) -> anyhow::Result<M> {
    let descriptor = CONTRACTS
        .get_message_by_name(&M::full_name())
        .context("the message is not of the contract")?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let dynamic = DynamicMessage::deserialize(descriptor, &mut reader)?;
    reader.end()?;
    Ok(M::decode(dynamic.encode_to_vec().as_slice())?)
}

#[cfg(test)]
mod tests {
    use proto::intake::v1::SubmitReportRequest;

    use super::{from_json, to_json};

    #[test]
    fn a_message_survives_its_json_form() {
        let text = r#"{"request_id": "x", "draft": {"kind": "REPORT_KIND_INCIDENT", "description": "é",
            "structure": {"finess": "010000024"}, "found_at": "2026-11-02T08:00:00Z"}}"#;
        let message: SubmitReportRequest = from_json(text).unwrap();
        assert_eq!(
            from_json::<SubmitReportRequest>(&to_json(&message).unwrap()).unwrap(),
            message
        );
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        assert!(from_json::<SubmitReportRequest>(r#"{"draught": {}}"#).is_err());
    }
}
