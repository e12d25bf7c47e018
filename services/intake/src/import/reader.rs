//! Reads the lines of a file of structures.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufReader, Read, SeekFrom},
    os::unix::fs::FileExt as _,
};

use csv::{ByteRecord, Position, Reader, ReaderBuilder};
use platform::{Error, Result};

use super::{
    Column, Imported, ReadStructure, Rejection,
    encoding::Opening,
    layout::is_extraction,
    line::{LineParser, is_empty_record},
    load::BATCH,
    upload::Uploaded,
};

/// The longest first line that is looked at.
const MAX_FIRST_LINE_BYTES: u64 = 64 * 1024;

/// Reads a file and hands on its structures in batches until `hand_on` says
/// that nobody takes them.
pub(super) fn read(
    uploaded: &Uploaded,
    mut hand_on: impl FnMut(Vec<ReadStructure>) -> bool,
) -> Result<Imported> {
    let mut imported = Imported::nothing(uploaded.encoding);
    let (mut reader, parser) = begin(uploaded)?;
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
        if parser.passes_over(&record) {
            continue;
        }
        imported.lines += 1;
        let start = || start_of_line(&uploaded.file, before.clone()).map_err(Error::internal);
        match parser.structure(&record) {
            Ok(read) if seen.insert(read.structure.finess) => {
                if !read.unread.is_empty() {
                    let line = start()?.line();
                    let unread = read.unread.iter().cloned();
                    unread.for_each(|cell| imported.warn(line, cell));
                }
                batch.push(read);
            }
            Ok(_) => imported.reject(start()?.line(), twice()),
            Err(rejection) => {
                let start = start()?;
                imported.reject(start.line(), rejection);
                // A record of several lines may be a quote that is not closed: only its
                // first line is lost.
                let next = next_line(&uploaded.file, &start).map_err(Error::internal)?;
                reader.seek(next).map_err(Error::internal)?;
            }
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

/// Finds the columns; the reader stands before the first line that may be a structure.
fn begin(uploaded: &Uploaded) -> Result<(Reader<BufReader<&File>>, LineParser)> {
    let mut start = Vec::new();
    bytes_from(&uploaded.file, 0)
        .take(MAX_FIRST_LINE_BYTES)
        .read_to_end(&mut start)
        .map_err(Error::internal)?;
    let opening = Opening::of(&start)?;
    let reader = |quoting| {
        ReaderBuilder::new()
            .delimiter(opening.delimiter)
            .quoting(quoting)
            .has_headers(false)
            .flexible(true)
            .from_reader(BufReader::new(&uploaded.file))
    };
    let mut lines = reader(true);
    let mut header_at = Position::new();
    header_at
        .set_byte(opening.header_at)
        .set_line(opening.header_line);
    lines.seek(header_at.clone()).map_err(Error::internal)?;
    let (mut first, mut first_at) = (ByteRecord::new(), header_at);
    while lines
        .read_byte_record(&mut first)
        .map_err(Error::internal)?
        && is_empty_record(&first, uploaded.encoding)
    {
        first_at = lines.position().clone();
    }
    let layout = &uploaded.layout;
    let places = if is_extraction(&first) {
        // Its quotes are part of the names.
        lines = reader(false);
        // A plain seek does not move the file when the new reader is already there.
        lines
            .seek_raw(SeekFrom::Start(first_at.byte()), first_at)
            .map_err(Error::internal)?;
        layout.extraction_places()?
    } else {
        layout.places(&first, uploaded.encoding)?
    };
    Ok((lines, LineParser::new(uploaded.encoding, places)))
}

fn twice() -> Rejection {
    Rejection {
        column: Some(Column::FinessEt),
        reason: "DUPLICATE_IN_FILE",
        description: "ce numéro FINESS figure déjà plus haut dans le fichier".into(),
    }
}

/// Where the line begins that is read from `position` on: empty lines are
/// passed over, as is what is left of the end of the line before.
fn start_of_line(file: &File, mut position: Position) -> io::Result<Position> {
    for byte in bytes_from(file, position.byte()).bytes() {
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
fn next_line(file: &File, line: &Position) -> io::Result<Position> {
    let mut bytes = 0;
    let mut reader = bytes_from(file, line.byte()).bytes();
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

/// The bytes of a file from one on; whoever else reads it goes on where it was.
fn bytes_from(file: &File, at: u64) -> BufReader<ReadAt<'_>> {
    BufReader::new(ReadAt { file, at })
}

struct ReadAt<'f> {
    file: &'f File,
    at: u64,
}

impl Read for ReadAt<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use vocabulary::Finess;

    use super::*;
    use crate::import::{Encoding, layout::FileLayout};

    fn imported(text: &str) -> (usize, Vec<(u64, &'static str)>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        let mut structures = 0;
        let uploaded = Uploaded {
            file,
            encoding: Encoding::Utf8,
            layout: FileLayout::default(),
        };
        let imported = read(&uploaded, |batch| {
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
        let text = "finess_et,name,x\n\n010000024,A,\n\n\nbad,B,\n010000032,C,\"D\n\"\nworse,F,";
        let expected = (2, vec![(6, "BAD_FORMAT"), (9, "BAD_FORMAT")]);
        assert_eq!(imported(text), expected);
        assert_eq!(imported(&text.replace('\n', "\r\n")), expected);
    }

    #[test]
    fn a_quote_that_is_not_closed_loses_its_own_line_alone() {
        let text = "finess_et,name\n010000024,\"A\n010000032,B\n010000065,C\n";
        assert_eq!(imported(text), (2, vec![(2, "BAD_CHARACTER")]));
        let text = "finess_et,name\n\"010000024,A\n010000032,B\n\"010000065,C\n010000081,D\n";
        assert_eq!(
            imported(text),
            (2, vec![(2, "BAD_CHARACTER"), (4, "BAD_FORMAT")])
        );
    }

    #[test]
    fn a_quote_in_a_column_that_is_not_read_hides_no_line() {
        let text = "finess_et,name,x\n010000024,A,\"B\n010000032,C,D\n010000065,E,\"F\n";
        assert_eq!(imported(text), (2, vec![(2, "BAD_CHARACTER")]));
        let text = "finess_et,name,x\n010000024,A,\"\n010000032,C,\"\n010000065,E,\n";
        assert_eq!(
            imported(text),
            (1, vec![(2, "BAD_CHARACTER"), (3, "BAD_CHARACTER")])
        );
    }

    #[test]
    fn a_sound_record_that_came_before_is_one_rejection_however_many_lines_it_has() {
        let text = "finess_et,name,x\n010000024,A,\n010000024,B,\"C\n\"\n010000032,E,\n";
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

    #[test]
    fn a_structure_that_comes_twice_loses_no_other_of_a_large_file() {
        let finess = |number: u32| {
            let keys = (0..10).map(|key| format!("7500{number:04}{key}"));
            keys.into_iter().find(|text| text.parse::<Finess>().is_ok())
        };
        let lines = (0..3_000_u32).map(|number| {
            let first = if number % 100 == 99 {
                number - 1
            } else {
                number
            };
            format!("{},SITE {number}\n", finess(first).unwrap())
        });
        let text = format!("finess_et,name\n{}", lines.collect::<String>());
        let (structures, rejected) = imported(&text);
        assert_eq!((structures, rejected.len()), (2_970, 30));
        assert_eq!(rejected[1], (201, "DUPLICATE_IN_FILE"));
    }

    #[test]
    fn a_line_that_names_the_delimiter_and_lines_of_empty_cells_are_passed_over() {
        let text = "sep=;\n;\nfiness_et;name\n;\n010000024;A, B\n ; \nbad;C\n";
        assert_eq!(imported(text), (1, vec![(7, "BAD_FORMAT")]));
    }
}
