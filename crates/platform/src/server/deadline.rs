//! The deadline of a call, from `grpc-timeout` and the configuration.

use std::time::Duration;

use http::HeaderMap;

use crate::{Deadline, ServerConfig, auth::Shape};

/// The longest deadline of a client stream that names one: a large directory over a slow
/// line takes long.
const UPLOAD: Duration = Duration::from_hours(1);

/// Returns the deadline of a call.
///
/// A server stream has none unless its client names one: it ends with the token.
pub(super) fn of_call(
    config: &ServerConfig,
    shape: Shape,
    headers: &HeaderMap,
) -> Option<Deadline> {
    let asked = headers
        .get("grpc-timeout")
        .and_then(|value| value.to_str().ok())
        .and_then(parse_timeout);
    let max = Duration::from_millis(config.max_deadline_ms);
    let time = match (shape, asked) {
        (Shape::Unary, None) => Duration::from_millis(config.default_deadline_ms),
        (Shape::ClientStream, None) => max,
        (Shape::Unary, Some(asked)) => asked.min(max),
        (Shape::ClientStream, Some(asked)) => asked.min(UPLOAD),
        (Shape::ServerStream, asked) => asked?,
    };
    Some(Deadline::after(time))
}

/// Reads `grpc-timeout`: at most eight digits and a unit, as "gRPC over HTTP2" has it.
fn parse_timeout(text: &str) -> Option<Duration> {
    let unit = text.chars().last().filter(char::is_ascii)?;
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(count * 3_600)),
        'M' => Some(Duration::from_secs(count * 60)),
        'S' => Some(Duration::from_secs(count)),
        'm' => Some(Duration::from_millis(count)),
        'u' => Some(Duration::from_micros(count)),
        'n' => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn remaining(shape: Shape, timeout: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        if let Some(timeout) = timeout {
            headers.insert("grpc-timeout", timeout.parse().unwrap());
        }
        of_call(&ServerConfig::loopback(), shape, &headers).map(Deadline::remaining)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_gets_its_deadline_up_to_the_longest() {
        let seconds = |count| Some(Duration::from_secs(count));
        assert_eq!(remaining(Shape::Unary, None), seconds(10));
        assert_eq!(remaining(Shape::Unary, Some("2S")), seconds(2));
        assert_eq!(remaining(Shape::Unary, Some("5H")), seconds(60));
        assert_eq!(remaining(Shape::Unary, Some("nonsense")), seconds(10));
        assert_eq!(remaining(Shape::ClientStream, None), seconds(60));
        assert_eq!(remaining(Shape::ClientStream, Some("5M")), seconds(300));
        assert_eq!(remaining(Shape::ClientStream, Some("5H")), seconds(3_600));
        assert_eq!(remaining(Shape::ServerStream, None), None);
        assert_eq!(
            remaining(Shape::ServerStream, Some("5H")),
            seconds(5 * 3_600)
        );
    }

    proptest! {
        #[test]
        fn every_timeout_of_the_protocol_is_read(count in 0_u32..100_000_000) {
            let text = format!("{count}m");
            prop_assert_eq!(
                parse_timeout(&text),
                Some(Duration::from_millis(u64::from(count)))
            );
        }

        #[test]
        fn any_text_is_read_or_refused_without_panic(text: String) {
            if let Some(time) = parse_timeout(&text) {
                prop_assert!(time <= Duration::from_hours(99_999_999));
            }
        }
    }
}
