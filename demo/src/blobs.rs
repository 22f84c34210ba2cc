//! `Blobs`: line counts of blobs, through one long-lived `git cat-file`.

use crate::git::Repository;
use anyhow::{Context, bail};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

pub(crate) struct Blobs {
    child: Child,
    requests: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
}

impl Blobs {
    pub(crate) fn start(repository: &Repository) -> anyhow::Result<Self> {
        let mut child = repository
            .git(&["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start git cat-file")?;
        let requests = child.stdin.take().context("git cat-file has no input")?;
        let answers = child.stdout.take().context("git cat-file has no output")?;
        Ok(Self {
            child,
            requests: Some(BufWriter::new(requests)),
            answers: BufReader::with_capacity(1 << 16, answers),
        })
    }

    /// How many lines a blob has.
    pub(crate) fn lines(&mut self, hash: &str) -> anyhow::Result<u64> {
        let requests = self.requests.as_mut().context("git cat-file has ended")?;
        writeln!(requests, "{hash}")?;
        requests.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let mut words = answer.split_whitespace().skip(1);
        let (Some("blob"), Some(bytes)) = (words.next(), words.next()) else {
            bail!("git has no blob {hash}: {}", answer.trim());
        };
        let bytes: u64 = bytes.parse()?;
        let mut counter = LineCounter::default();
        let mut left = bytes;
        let mut piece = vec![0; 1 << 16];
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            let piece = piece.get_mut(..wanted).unwrap_or_default();
            self.answers.read_exact(piece)?;
            counter.add(piece);
            left -= piece.len() as u64;
        }
        self.answers.read_exact(&mut [0])?;
        Ok(counter.lines())
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        // The end of its input ends the process.
        self.requests = None;
        let _ = self.child.wait();
    }
}

/// Counts lines as git does: a last line counts even without a line break.
#[derive(Default)]
pub(crate) struct LineCounter {
    breaks: u64,
    last: Option<u8>,
}

impl LineCounter {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.breaks += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.last = bytes.last().copied().or(self.last);
    }

    pub(crate) fn lines(&self) -> u64 {
        match self.last {
            None | Some(b'\n') => self.breaks,
            Some(_) => self.breaks + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LineCounter;

    #[test]
    fn a_last_line_counts_without_its_break() {
        for (text, lines) in [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)] {
            let mut counter = LineCounter::default();
            text.as_bytes()
                .chunks(2)
                .for_each(|piece| counter.add(piece));
            assert_eq!(counter.lines(), lines, "{text:?}");
        }
    }
}
