//! Lists that come in pages.

/// Asks for pages until there are as many entries as wanted, or no more; gives back one answer
/// with all of them.
macro_rules! pages {
    ($service:ident.$method:ident($request:expr) -> $answer:ty, $entries:ident, $limit:expr) => {{
        let ask = || $request;
        let mut listed = <$answer>::default();
        while listed.$entries.len() < $limit {
            let left = u32::try_from($limit - listed.$entries.len()).unwrap_or(u32::MAX);
            let mut request = ask();
            request.page_size = left.min(200);
            request.page_token = listed.next_page_token;
            let page = $service.$method(request).await?.into_inner();
            listed.$entries.extend(page.$entries);
            listed.next_page_token = page.next_page_token;
            if listed.next_page_token.is_empty() {
                break;
            }
        }
        listed
    }};
}
