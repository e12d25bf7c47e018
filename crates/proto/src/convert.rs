//! Conversions between the shared words and their wire form.
