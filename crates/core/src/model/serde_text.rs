//! Serde for value types that people write as texts: those in formats that people read, and their bits in
//! the others.

/// `Serialize` and `Deserialize` of a type by its `Display` and `FromStr`, and by `$to` and `$from` a `$bits`.
macro_rules! text_or_bits {
    ($type:ty, $bits:ty, $to:expr, $from:expr) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serde::Serialize::serialize(&$to(self), serializer)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    <$bits as serde::Deserialize>::deserialize(deserializer).map($from)
                }
            }
        }
    };
}

pub(super) use text_or_bits;
