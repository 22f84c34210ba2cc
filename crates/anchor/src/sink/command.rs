//! `CommandSink`: heads given to a program.

use super::{AnchorSink, Prove, SinkError};
use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use strandline_proof::{NoteSignature, SignedCheckpoint, TreeHead};

/// A program that is given each head on its standard input, and has kept it once it ends with 0: to mail it, print it,
/// put it into another system. It is not asked what it has.
#[derive(Debug)]
pub struct CommandSink {
    program: String,
    arguments: Vec<String>,
}

impl CommandSink {
    /// A program and its arguments, which no shell looks at.
    pub fn new(
        program: impl Into<String>,
        arguments: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
        }
    }
}

impl AnchorSink for CommandSink {
    fn name(&self) -> String {
        format!("the command {}", self.program)
    }

    fn newest(&mut self, _: &str) -> Result<Option<TreeHead>, SinkError> {
        Ok(None)
    }

    fn keep(
        &mut self,
        head: &SignedCheckpoint,
        _: Prove<'_>,
    ) -> Result<Vec<NoteSignature>, SinkError> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        let written = input.map(|mut input| input.write_all(head.to_string().as_bytes()));
        // It ends in any case, and is not left as a zombie.
        let status = child.wait()?;
        if !status.success() {
            return Err(SinkError::Refused(status.to_string()));
        }
        match written {
            // One that has not read it and ends well has no use for it.
            Some(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(Vec::new()),
        }
    }
}
