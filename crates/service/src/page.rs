//! One page of a list.

use platform::{PageToken, Result};
use serde::{Serialize, de::DeserializeOwned};

/// How many items a page holds when the request does not say.
const DEFAULT_SIZE: u16 = 20;
/// How many items a page holds at the most.
const MAX_SIZE: u16 = 200;

/// A page as it was asked for: after a position, in the list that a filter makes.
#[derive(Clone, Debug)]
pub struct Page<P> {
    /// Where the page before ended.
    pub after: Option<P>,
    size: u16,
    filter: Vec<u8>,
}

impl<P: Serialize + DeserializeOwned> Page<P> {
    /// Reads the paging fields of a request. `filter` tells this list from every other:
    /// a token of another list is refused with `INVALID_PAGE_TOKEN`.
    pub fn read(page_size: u32, page_token: &str, filter: impl Into<Vec<u8>>) -> Result<Self> {
        let filter = filter.into();
        let size = match u16::try_from(page_size) {
            Ok(0) => DEFAULT_SIZE,
            Ok(size) => size.min(MAX_SIZE),
            Err(_) => MAX_SIZE,
        };
        Ok(Self {
            after: PageToken::decode(page_token, &filter)?,
            size,
            filter,
        })
    }

    /// How many rows to read: one more than shown tells whether a page follows.
    pub fn limit(&self) -> i64 {
        i64::from(self.size) + 1
    }

    /// Cuts the rows to the page; gives back the token of the next one, empty on the
    /// last.
    pub fn cut<T>(&self, rows: &mut Vec<T>, position: impl FnOnce(&T) -> P) -> String {
        self.cut_to(usize::MAX, rows, position)
    }

    /// Cuts the rows to the page, or to fewer where more would be too large.
    pub fn cut_to<T>(
        &self,
        most: usize,
        rows: &mut Vec<T>,
        position: impl FnOnce(&T) -> P,
    ) -> String {
        let size = usize::from(self.size).min(most);
        if rows.len() <= size {
            return String::new();
        }
        rows.truncate(size);
        let last = rows.last().map(position);
        last.map(|last| PageToken::encode(&last, &self.filter))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(size: u32, token: &str) -> Page<u64> {
        Page::read(size, token, "filter").unwrap()
    }

    #[test]
    fn pages_follow_each_other_without_a_gap_and_the_last_has_no_token() {
        let all: Vec<u64> = (0..45).collect();
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = page(20, &token);
            let from = page
                .after
                .map_or(0, |last| usize::try_from(last).unwrap() + 1);
            let limit = usize::try_from(page.limit()).unwrap();
            let mut rows: Vec<u64> = all[from..].iter().copied().take(limit).collect();
            token = page.cut(&mut rows, |row| *row);
            seen.extend(rows);
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_size_is_taken_within_its_bounds() {
        assert_eq!(page(0, "").limit(), 21);
        assert_eq!(page(7, "").limit(), 8);
        assert_eq!(page(100_000, "").limit(), 201);
    }
}
