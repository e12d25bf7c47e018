//! Who must be told of what, and how: pure rules, without clock or storage.

pub(crate) mod address_book;
pub(crate) mod audience;
pub(crate) mod cause;
pub(crate) mod cursor;
pub(crate) mod delivery;
pub(crate) mod headline;
pub(crate) mod known;
pub(crate) mod letter;
pub(crate) mod mail;
pub(crate) mod matrix;
pub(crate) mod phrases;
pub(crate) mod retry;
pub(crate) mod rule;
pub(crate) mod situation;
