//! Who must be told of what, and how: pure rules, without clock or storage.

pub(crate) mod address_book;
pub(crate) mod audience;
pub(crate) mod cursor;
pub(crate) mod delivery;
pub(crate) mod digest;
pub(crate) mod mail_draft;
pub(crate) mod projection;
pub(crate) mod rule;
pub(crate) mod rules;
pub(crate) mod summary;
pub(crate) mod trigger;
