//! Reads the lines of a file of structures.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
};

use csv::{ByteRecord, Position, ReaderBuilder};
use platform::{Error, Result};

use super::{BATCH, Spooled};
use crate::{
    convert::{Columns, delimiter},
    domain::{Imported, Rejection, Structure},
};

/// The longest header that is looked at for its delimiter.
const MAX_HEADER_BYTES: u64 = 64 * 1024;

const TWICE: Rejection = Rejection {
    column: "finess_et",
    reason: "DUPLICATE_IN_FILE",
    description: "ce numéro FINESS figure déjà plus haut dans le fichier",
};

/// Reads a file and hands on its structures in batches until `hand_on` says
/// that nobody takes them.
pub(super) fn read(
    mut spooled: Spooled,
    mut hand_on: impl FnMut(Vec<Structure>) -> bool,
) -> Result<Imported> {
    let mut imported = Imported::nothing(spooled.encoding);
    let delimiter = {
        let mut header = Vec::new();
        BufReader::new((&spooled.file).take(MAX_HEADER_BYTES))
            .read_until(b'\n', &mut header)
            .and_then(|_| spooled.file.rewind())
            .map_err(Error::internal)?;
        delimiter(&header)
    };
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(BufReader::new(&spooled.file));
    let header = reader.byte_headers().map_err(Error::internal)?;
    let columns = Columns::of(header, spooled.encoding)?;

    let mut seen = HashSet::new();
    let mut batch = Vec::with_capacity(BATCH);
    let mut record = ByteRecord::new();
    loop {
        let before = reader.position().clone();
        if !reader
            .read_byte_record(&mut record)
            .map_err(Error::internal)?
        {
            break;
        }
        imported.lines += 1;
        let rejection = match columns.structure(&record) {
            Ok(structure) if seen.insert(structure.finess) => {
                batch.push(structure);
                None
            }
            Ok(_) => Some(TWICE),
            Err(rejection) => Some(rejection),
        };
        if let Some(rejection) = rejection {
            let start = start_of_line(&spooled.file, before).map_err(Error::internal)?;
            imported.reject(start.line(), rejection);
            if rejection == TWICE {
                continue;
            }
            // A bad record of several lines may be a quote that is not closed:
            // only its first line is lost.
            let next = next_line(&spooled.file, &start).map_err(Error::internal)?;
            reader.seek(next).map_err(Error::internal)?;
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

/// Where the line begins that is read from `position` on: empty lines are
/// passed over, as is what is left of the end of the line before.
fn start_of_line(mut file: &File, mut position: Position) -> io::Result<Position> {
    file.seek(SeekFrom::Start(position.byte()))?;
    for byte in BufReader::new(file).bytes() {
        let lines = match byte? {
            b'\n' => 1,
            b'\r' => 0,
            _ => break,
        };
        let (byte, line) = (position.byte() + 1, position.line() + lines);
        position.set_byte(byte).set_line(line);
    }
    Ok(position)
}

/// Where the line after this one begins.
fn next_line(mut file: &File, line: &Position) -> io::Result<Position> {
    file.seek(SeekFrom::Start(line.byte()))?;
    let mut bytes = 0;
    let mut reader = BufReader::new(file).bytes();
    let mut upcoming = reader.next().transpose()?;
    while let Some(byte) = upcoming {
        bytes += 1;
        upcoming = reader.next().transpose()?;
        // A carriage return may end a line alone.
        if byte == b'\n' || (byte == b'\r' && upcoming != Some(b'\n')) {
            break;
        }
    }
    let mut next = line.clone();
    next.set_byte(line.byte() + bytes).set_line(line.line() + 1);
    Ok(next)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::domain::Encoding;

    fn imported(text: &str) -> (usize, Vec<(u64, &'static str)>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        let mut structures = 0;
        let spooled = Spooled {
            file,
            encoding: Encoding::Utf8,
        };
        let imported = read(spooled, |batch| {
            structures += batch.len();
            true
        });
        let rejected = imported.unwrap().rejected_lines;
        (
            structures,
            rejected
                .iter()
                .map(|line| (line.line, line.rejection.reason))
                .collect(),
        )
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let text = "finess_et,name\n\n010000024,A\n\n\nbad,B\n010000032,\"C\nD\"\nworse,E";
        let expected = (2, vec![(6, "BAD_FORMAT"), (9, "BAD_FORMAT")]);
        assert_eq!(imported(text), expected);
        assert_eq!(imported(&text.replace('\n', "\r\n")), expected);
    }

    #[test]
    fn a_quote_that_is_not_closed_loses_its_own_line_alone() {
        let text = "finess_et,name\n010000024,\"A\n010000032,B\n010000065,C\n";
        assert_eq!(imported(text), (2, vec![(2, "BAD_FORMAT")]));
        let text = "finess_et,name\n\"010000024,A\n010000032,B\n\"010000065,C\n010000081,D\n";
        assert_eq!(
            imported(text),
            (2, vec![(2, "BAD_FORMAT"), (4, "BAD_FORMAT")])
        );
    }

    #[test]
    fn a_sound_record_that_came_before_is_one_rejection_however_many_lines_it_has() {
        let text = "finess_et,name\n010000024,A\n010000024,\"B\nC\"\n010000032,D\n";
        assert_eq!(imported(text), (2, vec![(3, "DUPLICATE_IN_FILE")]));
    }

    #[test]
    fn a_bad_line_loses_no_other_where_carriage_returns_end_lines() {
        let (structures, rejected) = imported("finess_et,name\rbad,A\r010000024,B\r010000032,C\r");
        assert_eq!((structures, rejected.len()), (2, 1));
    }

    #[test]
    fn a_file_of_many_bad_lines_is_read_to_its_end() {
        let text = format!("finess_et,name\n{}010000024,A\n", "x,\"y\n".repeat(2_000));
        let (structures, rejected) = imported(&text);
        assert_eq!((structures, rejected.len()), (1, 1_000));
    }
}
