//! Decisions on links, over every kind of report.
