//! `Checked`: a serializer around another that refuses what would not come back.

use super::Doubts;
use super::compound::{Compound, Map};
use super::keys::Keys;
use super::refusal::{Reason, Step};
use super::state::State;
use serde::Serialize;
use serde::ser::Serializer;
use std::fmt::Display;

/// Where a value stands, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Plain,
    /// In a `Some`, with nothing between that is written.
    Some,
    Key,
}

/// A serializer that hands everything on to another, but for what it refuses.
pub(super) struct Checked<'s, S> {
    inner: S,
    state: &'s State,
    place: Place,
}

/// A value that is written through [`Checked`].
pub(super) struct Within<'s, T: ?Sized> {
    pub(super) value: &'s T,
    pub(super) state: &'s State,
    pub(super) place: Place,
}

impl<T: Serialize + ?Sized> Serialize for Within<'_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Checked {
            inner: serializer,
            state: self.state,
            place: self.place,
        })
    }
}

impl<'s, S: Serializer> Checked<'s, S> {
    pub(super) fn new(inner: S, state: &'s State) -> Self {
        Self {
            inner,
            state,
            place: Place::Plain,
        }
    }

    #[inline]
    fn null(&self) -> Result<(), S::Error> {
        if self.place != Place::Some {
            return Ok(());
        }
        let count = |doubts: &mut Doubts| doubts.some_null += 1;
        self.state.doubt(Reason::SomeNull, count)
    }

    #[inline]
    fn text(&self, text: &str) {
        if self.place == Place::Key {
            self.state.key.set(Some(Keys::hash(text.as_bytes())));
        }
    }

    /// A number or truth value, which is a text where it is a key of JSON.
    #[inline]
    fn word(&self, word: impl Display) {
        if self.place == Place::Key {
            self.key_word(&word.to_string());
        }
    }

    #[cold]
    fn key_word(&self, word: &str) {
        self.text(word);
        if self.state.format.is_json {
            self.state.note(|doubts| doubts.number_keys += 1);
        }
    }

    #[inline]
    fn finite(&self, number: f64) -> Result<(), S::Error> {
        if number.is_finite() || !self.state.format.is_json {
            return Ok(());
        }
        let what = match number {
            f64::INFINITY => "infinity",
            f64::NEG_INFINITY => "minus infinity",
            _ => "not a number (NaN)",
        };
        Err(self.state.refuse(Reason::NotFinite(what)))
    }

    /// A number of 128 bits, however small: the type alone decides whether it is read.
    fn wide(&self, bits: u128) {
        self.state.note(|doubts| {
            doubts.wide = doubts.wide.wrapping_add(bits);
            doubts.wide_count += 1;
        });
    }

    #[inline]
    fn compound<C>(
        self,
        levels: usize,
        open: impl FnOnce(S) -> Result<C, S::Error>,
    ) -> Result<Compound<'s, C>, S::Error> {
        self.state.enter(levels)?;
        Ok(Compound::new(open(self.inner)?, self.state, levels))
    }
}

/// Hands numbers and the like on.
macro_rules! words {
    ($($function:ident: $type:ty,)*) => {
        $(
            #[inline]
            fn $function(self, value: $type) -> Result<S::Ok, S::Error> {
                self.word(value);
                self.inner.$function(value)
            }
        )*
    };
}

impl<'s, S: Serializer> Serializer for Checked<'s, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Compound<'s, S::SerializeSeq>;
    type SerializeTuple = Compound<'s, S::SerializeTuple>;
    type SerializeTupleStruct = Compound<'s, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Compound<'s, S::SerializeTupleVariant>;
    type SerializeMap = Map<'s, S::SerializeMap>;
    type SerializeStruct = Compound<'s, S::SerializeStruct>;
    type SerializeStructVariant = Compound<'s, S::SerializeStructVariant>;

    words! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
    }

    fn serialize_i128(self, value: i128) -> Result<S::Ok, S::Error> {
        self.word(value);
        self.wide(value.cast_unsigned());
        self.inner.serialize_i128(value)
    }

    fn serialize_u128(self, value: u128) -> Result<S::Ok, S::Error> {
        self.word(value);
        self.wide(value);
        self.inner.serialize_u128(value)
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.finite(f64::from(value))?;
        self.word(value);
        self.inner.serialize_f32(value)
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.finite(value)?;
        self.word(value);
        self.inner.serialize_f64(value)
    }

    fn serialize_char(self, value: char) -> Result<S::Ok, S::Error> {
        self.text(value.encode_utf8(&mut [0; 4]));
        self.inner.serialize_char(value)
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<S::Ok, S::Error> {
        self.text(value);
        self.inner.serialize_str(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<S::Ok, S::Error> {
        if self.place == Place::Key {
            self.state.key.set(Some(Keys::hash(value)));
        }
        self.inner.serialize_bytes(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.null()?;
        self.inner.serialize_none()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let place = match self.place {
            Place::Key => Place::Key,
            _ => Place::Some,
        };
        self.inner.serialize_some(&Within {
            value,
            state: self.state,
            place,
        })
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.null()?;
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        // MessagePack has an empty array for it.
        if self.state.format.is_json {
            self.null()?;
        }
        self.inner.serialize_unit_struct(name)
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.text(variant);
        self.inner.serialize_unit_variant(name, index, variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let Self {
            inner,
            state,
            place,
        } = self;
        let value = Within {
            value,
            state,
            place,
        };
        inner.serialize_newtype_struct(name, &value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let state = self.state;
        state.enter(1)?;
        let value = Within {
            value,
            state,
            place: Place::Plain,
        };
        let written = self
            .inner
            .serialize_newtype_variant(name, index, variant, &value);
        state.leave(1);
        state.at(written, || Step::Field(variant))
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.compound(1, |inner| inner.serialize_seq(len))
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.compound(1, |inner| inner.serialize_tuple(len))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.compound(1, |inner| inner.serialize_tuple_struct(name, len))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.compound(2, |inner| {
            inner.serialize_tuple_variant(name, index, variant, len)
        })
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let entries = self.compound(1, |inner| inner.serialize_map(len))?;
        Ok(Map::new(entries))
    }

    #[inline]
    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.compound(1, |inner| inner.serialize_struct(name, len))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.compound(2, |inner| {
            inner.serialize_struct_variant(name, index, variant, len)
        })
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        if self.place == Place::Key {
            return self.serialize_str(&value.to_string());
        }
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}
