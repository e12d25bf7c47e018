//! Reads the lines of a file of structures.

use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader, Read as _, Seek as _},
};

use csv::{ByteRecord, ReaderBuilder};
use platform::{Error, Result};

use super::{BATCH, Spooled};
use crate::{
    convert::{Columns, delimiter},
    domain::{Imported, Rejection, Structure},
};

/// No line of a directory is longer; a longer one has a quote that is not closed.
const MAX_LINE_BYTES: usize = 64 * 1024;

const TWICE: Rejection = Rejection {
    column: "finess_et",
    reason: "DUPLICATE_IN_FILE",
    description: "ce numéro FINESS figure déjà plus haut dans le fichier",
};
const UNREADABLE: Rejection = Rejection {
    column: "",
    reason: "TOO_LONG",
    description: "cette ligne est trop longue : un guillemet n'est peut-être pas fermé",
};

/// Reads a file and hands on its structures in batches until `hand_on` says
/// that nobody takes them.
pub(super) fn read(
    mut spooled: Spooled,
    mut hand_on: impl FnMut(Vec<Structure>) -> bool,
) -> Result<Imported> {
    let mut imported = Imported::nothing(spooled.encoding);
    let mut header = Vec::new();
    BufReader::new((&spooled.file).take(MAX_LINE_BYTES as u64))
        .read_until(b'\n', &mut header)
        .map_err(Error::internal)?;
    spooled.file.rewind().map_err(Error::internal)?;

    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(&header))
        .flexible(true)
        .has_headers(true)
        .from_reader(BufReader::new(&spooled.file));
    let columns = Columns::of(
        reader.byte_headers().map_err(Error::internal)?,
        spooled.encoding,
    )?;

    let mut seen = HashSet::new();
    let mut batch = Vec::with_capacity(BATCH);
    let mut record = ByteRecord::new();
    while reader
        .read_byte_record(&mut record)
        .map_err(Error::internal)?
    {
        imported.lines += 1;
        let line = record.position().map_or(0, csv::Position::line);
        if record.as_slice().len() > MAX_LINE_BYTES {
            imported.reject(line, UNREADABLE);
            continue;
        }
        match columns.structure(&record) {
            Err(rejection) => imported.reject(line, rejection),
            Ok(structure) if !seen.insert(structure.finess) => imported.reject(line, TWICE),
            Ok(structure) => batch.push(structure),
        }
        if batch.len() == BATCH
            && !hand_on(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))
        {
            return Ok(imported);
        }
    }
    if !batch.is_empty() {
        hand_on(batch);
    }
    Ok(imported)
}
