//! `FileSink`: heads in a file, each after the others.

use super::{AnchorSink, IsWanted, Prove, SinkError};
use crate::kept::{KeptHeads, read_bytes};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, OpenMode};
use strandline_proof::{NoteSignature, SignedCheckpoint, TreeHead};

/// A file of heads: each is appended, and synced. Nothing in it is ever changed. Its owner's alone.
#[derive(Debug)]
pub struct FileSink {
    fs: Arc<dyn Fs>,
    path: PathBuf,
}

impl FileSink {
    /// The file with this path, which is made with the first head.
    pub fn new(fs: Arc<dyn Fs>, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { fs, path }
    }

    /// The bytes that are there, and the heads in them; `None` if there is no file.
    fn read(&self) -> Result<Option<(u64, KeptHeads)>, SinkError> {
        let bytes = match read_bytes(&*self.fs, &self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        let kept = KeptHeads::parse(&bytes);
        if kept.heads.is_empty() && !kept.unreadable.is_empty() {
            let message = "what is there is no file of heads, and is left as it is: move it away, or name another file";
            return Err(SinkError::Foreign(message.to_owned()));
        }
        Ok(Some((bytes.len() as u64, kept)))
    }
}

impl AnchorSink for FileSink {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn newest(&mut self, origin: &str) -> Result<Option<TreeHead>, SinkError> {
        Ok(self.read()?.and_then(|(_, kept)| kept.newest(origin)))
    }

    fn kept(&mut self, _: IsWanted<'_>) -> Result<Option<KeptHeads>, SinkError> {
        Ok(Some(
            self.read()?
                .map_or_else(KeptHeads::default, |(_, kept)| kept),
        ))
    }

    fn keep(
        &mut self,
        head: &SignedCheckpoint,
        _: Prove<'_>,
    ) -> Result<Vec<NoteSignature>, SinkError> {
        let (end, file, before) = match self.read()? {
            None => (0, self.fs.open(&self.path, OpenMode::Create)?, ""),
            Some((end, kept)) => {
                let file = self.fs.open(&self.path, OpenMode::Append { end })?;
                // What a crash has left of one is made none, also where it looked like one.
                (end, file, if kept.is_torn { " (torn)\n\n" } else { "" })
            }
        };
        file.write_all_at(format!("{before}{head}\n").as_bytes(), end)?;
        file.sync()?;
        if end == 0 {
            let parent = self
                .path
                .parent()
                .filter(|path| !path.as_os_str().is_empty());
            self.fs.sync_dir(parent.unwrap_or(Path::new(".")))?;
        }
        Ok(Vec::new())
    }
}
