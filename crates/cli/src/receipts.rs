//! Receipts in a file: one, several after each other, or in arrays, however they are laid out.
//!
//! Holds them against no store. Knows `files` and `outcome`.

use crate::files::Input;
use crate::outcome::WrongUsage;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::Read;
use std::path::Path;
use strandline::Receipt;

/// Most bytes of a file of receipts.
const BYTES_MAX: u64 = 256 << 20;

/// The receipts in a file.
pub(crate) fn read(path: &Path) -> Result<Vec<Receipt>, WrongUsage> {
    let name = match path.as_os_str() == "-" {
        true => "standard input".into(),
        false => path.to_string_lossy(),
    };
    let wrong = |reason: String| WrongUsage(format!("{name}: {reason}"));
    let bytes = Input::open(path)?
        .read_all(BYTES_MAX)
        .map_err(|error| wrong(format!("the receipts cannot be read: {error}")))?;
    let receipts = parse(bytes.as_slice()).map_err(wrong)?;
    if receipts.is_empty() {
        return Err(wrong("there is no receipt in it".to_owned()));
    }
    Ok(receipts)
}

/// Takes a reader, which is read once from end to end. Of a slice, `serde_json` counts all lines again wherever
/// it is asked whether anything follows, so a million receipts took an hour.
fn parse(json: impl Read) -> Result<Vec<Receipt>, String> {
    let mut receipts = Vec::new();
    let mut values = serde_json::Deserializer::from_reader(json);
    loop {
        if values.end().is_ok() {
            return Ok(receipts);
        }
        // The message has the line and the column.
        Receipts(&mut receipts).deserialize(&mut values).map_err(|error| {
            let number = receipts.len() + 1;
            format!(
                "receipt {number} is none: {error}; a receipt is the JSON of what an append returned"
            )
        })?;
    }
}

/// Adds a receipt, or those of an array, to others.
struct Receipts<'a>(&'a mut Vec<Receipt>);

impl<'de> DeserializeSeed<'de> for Receipts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Receipts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a receipt or an array of receipts")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<(), A::Error> {
        let receipt = Receipt::deserialize(MapAccessDeserializer::new(fields))?;
        self.0.push(receipt);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Receipts(self.0))?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const ONE: &str = concat!(
        r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","sequence":1,"clock":0,"#,
        r#""hlc":{"wall_ms":1,"counter":0},"durable":true,"repeated":false,"#,
        r#""hash":"0000000000000000000000000000000000000000000000000000000000000000"}"#
    );

    /// All lines before a receipt were counted again at each, so a million of them took an hour.
    #[test]
    fn each_byte_is_read_once() {
        struct Counted<'a>(&'a [u8], &'a mut usize);

        impl Read for Counted<'_> {
            fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
                let read = self.0.read(out)?;
                *self.1 += read;
                Ok(read)
            }
        }

        let text = format!("{ONE}\n").repeat(500);
        let mut read = 0;
        let receipts = parse(Counted(text.as_bytes(), &mut read)).unwrap();
        assert_eq!((receipts.len(), read), (500, text.len()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let text = format!("{ONE}\n[{ONE},\n{{}}]");
        let error = parse(text.as_bytes()).unwrap_err();
        assert!(error.starts_with("receipt 3 is none"), "{error}");
        assert!(error.contains("at line 3 column "), "{error}");
    }
}
