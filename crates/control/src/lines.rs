//! `Lines`: lines of bytes that come in pieces, of a bounded length. Reads nothing itself.

use strandline::{Error, ErrorKind};

/// What has come and is no whole line yet.
#[derive(Debug)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    /// How many of them have no end of a line among them.
    searched: usize,
    bytes_max: usize,
}

impl Lines {
    /// Lines of at most so many bytes, their ends not counted.
    pub(crate) const fn new(bytes_max: usize) -> Self {
        Self {
            bytes: Vec::new(),
            searched: 0,
            bytes_max,
        }
    }

    /// Takes what came.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line, without its end.
    ///
    /// # Errors
    ///
    /// `TooLarge` once it is longer than a line may be, whether it has ended or not.
    pub(crate) fn next_line(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let new = self.bytes.get(self.searched..).unwrap_or_default();
        let end = new.iter().position(|byte| *byte == b'\n');
        let end = end.map(|at| self.searched + at);
        if end.unwrap_or(self.bytes.len()) > self.bytes_max {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("a line has more than {} bytes", self.bytes_max),
            ));
        }
        let Some(end) = end else {
            self.searched = self.bytes.len();
            return Ok(None);
        };
        let rest = self.bytes.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.bytes, rest);
        line.pop();
        self.searched = 0;
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_from_pieces() {
        let mut lines = Lines::new(4);
        for piece in ["a", "b\nc", "\n\nabcd", "\n"] {
            lines.add(piece.as_bytes());
        }
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            all.push(String::from_utf8(line).unwrap());
        }
        assert_eq!(all, ["ab", "c", "", "abcd"]);
    }

    #[test]
    fn a_line_without_an_end_is_refused_as_soon_as_it_is_too_long() {
        let mut lines = Lines::new(4);
        lines.add(b"abcd");
        assert_eq!(lines.next_line().unwrap(), None);
        lines.add(b"e");
        assert_eq!(lines.next_line().unwrap_err().kind(), ErrorKind::TooLarge);
        let mut lines = Lines::new(4);
        lines.add(b"abcde\n");
        assert_eq!(lines.next_line().unwrap_err().kind(), ErrorKind::TooLarge);
    }
}
