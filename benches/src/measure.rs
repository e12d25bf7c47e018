//! What is measured, one concern a file.

pub(crate) mod ageing;
pub(crate) mod cases;
pub(crate) mod flow;
pub(crate) mod idle;
pub(crate) mod overload;
pub(crate) mod pages;
pub(crate) mod profile;
mod rate;
pub(crate) mod replicas;
pub(crate) mod whole_path;
