//! Keeps a file that arrives in pieces until the whole is there.
//!
//! How a file was written is known only at its end, so it rests in a temporary
//! file without a name, which is gone however the process ends.

use std::{fs::File, io::Seek as _};

use platform::{Error, Result};
use proto::intake::v1::ImportStructuresRequest;
use tokio::io::AsyncWriteExt as _;

use super::{Encoding, encoding::LineEncodings, layout::FileLayout};

/// A file that arrives in pieces.
#[derive(Debug)]
pub(crate) struct Upload {
    file: tokio::fs::File,
    lines: LineEncodings,
    /// How the columns are named, once the first piece came.
    layout: Option<FileLayout>,
    bytes: u64,
    most: u64,
}

/// A file that arrived.
#[derive(Debug)]
pub(crate) struct Uploaded {
    /// Its bytes, from the beginning.
    pub(super) file: File,
    /// How it was written.
    pub(super) encoding: Encoding,
    /// How its columns are named.
    pub(super) layout: FileLayout,
}

/// The largest piece, as the contract says.
const MAX_PIECE_BYTES: usize = 1024 * 1024;

impl Upload {
    /// An empty file that takes at most so many bytes.
    pub(crate) fn new(most: u64) -> Result<Self> {
        let file = tempfile::tempfile().map_err(Error::internal)?;
        Ok(Self {
            file: file.into(),
            lines: LineEncodings::default(),
            layout: None,
            bytes: 0,
            most,
        })
    }

    /// Adds the next piece.
    pub(crate) async fn push(&mut self, message: &ImportStructuresRequest) -> Result<()> {
        if self.layout.is_none() {
            self.layout = Some(FileLayout::of(message)?);
        }
        let piece = &message.chunk;
        if piece.len() > MAX_PIECE_BYTES {
            return Err(Error::invalid("chunk", "TOO_LONG", "au plus 1 Mio"));
        }
        self.bytes += piece.len() as u64;
        if self.bytes > self.most {
            return Err(Error::out_of_range(
                "FILE_TOO_LARGE",
                "ce fichier est trop grand",
            ));
        }
        self.lines.push(piece);
        self.file.write_all(piece).await.map_err(Error::internal)
    }

    /// The whole.
    pub(crate) async fn finish(mut self) -> Result<Uploaded> {
        self.file.flush().await.map_err(Error::internal)?;
        let mut file = self.file.into_std().await;
        file.rewind().map_err(Error::internal)?;
        Ok(Uploaded {
            file,
            encoding: self.lines.encoding(),
            layout: self.layout.unwrap_or_default(),
        })
    }
}
