//! `DirectorySink`: heads in a directory, a file each.

use super::{AnchorSink, IsWanted, Prove, SinkError, same_head};
use crate::kept::{KeptHeads, read_bytes};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use strandline::fs::{Fs, OpenMode};
use strandline_proof::{NoteSignature, SignedCheckpoint, TreeHead};

/// A directory of heads, each a file that is called as its number of events: for where files can be made and not be
/// changed, as on a share or a bucket that is mounted.
#[derive(Debug)]
pub struct DirectorySink {
    fs: Arc<dyn Fs>,
    path: PathBuf,
}

impl DirectorySink {
    /// The directory with this path, which is made with the first head.
    pub fn new(fs: Arc<dyn Fs>, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { fs, path }
    }
}

impl AnchorSink for DirectorySink {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn newest(&mut self, origin: &str) -> Result<Option<TreeHead>, SinkError> {
        Ok(self.kept(&|_| false)?.and_then(|kept| kept.newest(origin)))
    }

    fn kept(&mut self, _: IsWanted<'_>) -> Result<Option<KeptHeads>, SinkError> {
        match self.fs.list_names(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(KeptHeads::default())),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(Some(KeptHeads::read(&*self.fs, &self.path)?)),
        }
    }

    fn keep(
        &mut self,
        head: &SignedCheckpoint,
        _: Prove<'_>,
    ) -> Result<Vec<NoteSignature>, SinkError> {
        self.fs.create_dir_all(&self.path)?;
        let size = head.unverified().head().size;
        let path = self.path.join(format!("{size:020}.checkpoint"));
        let text = head.to_string();
        // Under a name that is no head's, so that one is whole once it has its name.
        let temporary = self
            .path
            .join(format!("{size:020}-{}.partial", std::process::id()));
        let _ = self.fs.remove_file(&temporary);
        let file = self.fs.open(&temporary, OpenMode::Create)?;
        file.write_all_at(text.as_bytes(), 0)?;
        file.sync()?;
        match self.fs.rename_new(&temporary, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let _ = self.fs.remove_file(&temporary);
                let there = KeptHeads::parse(&read_bytes(&*self.fs, &path)?);
                same_head(&path.display(), &there, head.unverified())?;
            }
            renamed => renamed?,
        }
        self.fs.sync_dir(&self.path)?;
        Ok(Vec::new())
    }
}
