//! Opaque tokens that continue a list where a page ended.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, Result};

/// The maker and reader of page tokens, which hold a position bound to a filter.
#[derive(Debug, Serialize, Deserialize)]
pub struct PageToken<T> {
    #[serde(rename = "f")]
    filter: String,
    #[serde(rename = "p")]
    position: T,
}

impl<T: Serialize + DeserializeOwned> PageToken<T> {
    /// A token that continues after `position` in the list made by `filter`.
    ///
    /// The filter is any bytes that tell one list from another, such as the
    /// encoded request without its paging fields.
    pub fn encode(position: &T, filter: &[u8]) -> String {
        let token = PageToken {
            filter: fingerprint(filter),
            position,
        };
        let text = serde_json::to_vec(&token).expect("a page position has a JSON form");
        URL_SAFE_NO_PAD.encode(text)
    }

    /// The position of a token; `None` when the list starts.
    pub fn decode(token: &str, filter: &[u8]) -> Result<Option<T>> {
        if token.is_empty() {
            return Ok(None);
        }
        let refused = || {
            Error::invalid(
                "page_token",
                "INVALID_PAGE_TOKEN",
                "ce jeton n'appartient pas à cette liste",
            )
        };
        let text = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
        let token: Self = serde_json::from_slice(&text).map_err(|_| refused())?;
        if token.filter == fingerprint(filter) {
            Ok(Some(token.position))
        } else {
            Err(refused())
        }
    }
}

fn fingerprint(filter: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, filter);
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..9])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_gives_back_its_position(id: u64, name: String, filter: Vec<u8>) {
            let token = PageToken::encode(&(id, name.clone()), &filter);
            prop_assert_eq!(PageToken::decode(&token, &filter).unwrap(), Some((id, name)));
        }

        #[test]
        fn any_text_is_read_or_refused_without_panic(text: String) {
            let position: Result<Option<u64>> = PageToken::decode(&text, b"filter");
            prop_assert!(position.is_err() || position.unwrap().is_none());
        }
    }

    #[test]
    fn a_token_of_another_list_is_refused() {
        let token = PageToken::encode(&7_u64, b"region=76");
        assert!(PageToken::<u64>::decode(&token, b"region=93").is_err());
    }

    #[test]
    fn no_token_starts_the_list() {
        assert_eq!(PageToken::<u64>::decode("", b"").unwrap(), None);
    }
}
