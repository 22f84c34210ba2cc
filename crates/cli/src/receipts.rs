//! Receipts in a file: one, several after each other, or in arrays, however they are laid out.

use crate::failure::WrongUsage;
use crate::files::Input;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
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
    let receipts = parse(&bytes).map_err(wrong)?;
    if receipts.is_empty() {
        return Err(wrong("there is no receipt in it".to_owned()));
    }
    Ok(receipts)
}

fn parse(json: &[u8]) -> Result<Vec<Receipt>, String> {
    let mut receipts = Vec::new();
    let mut values = serde_json::Deserializer::from_slice(json);
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
