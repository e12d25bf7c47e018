//! Between the wire and the domain; knows no SQL.

pub(crate) mod contacts;
pub(crate) mod cursor;
pub(crate) mod delivery;
pub(crate) mod feed;
pub(crate) mod incoming;
