//! `Checked`: a serializer around another that refuses what would not come back. It holds [`Compound`] and
//! [`Map`], what of it holds others, as each is made of the other.

use super::keys::Keys;
use super::place::Place;
use super::refusal::{Reason, Step};
use super::state::State;
use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use std::fmt::Display;

/// A serializer that hands everything on to another, but for what it refuses.
pub(super) struct Checked<'s, S> {
    inner: S,
    state: &'s State,
    place: Place,
}

/// A value that is written through [`Checked`].
struct Within<'s, T: ?Sized> {
    value: &'s T,
    state: &'s State,
    place: Place,
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
                self.place.word(self.state, value);
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
        self.place.word(self.state, value);
        self.state.wide(value.cast_unsigned());
        self.inner.serialize_i128(value)
    }

    fn serialize_u128(self, value: u128) -> Result<S::Ok, S::Error> {
        self.place.word(self.state, value);
        self.state.wide(value);
        self.inner.serialize_u128(value)
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.state.finite(f64::from(value))?;
        self.place.word(self.state, value);
        self.inner.serialize_f32(value)
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.state.finite(value)?;
        self.place.word(self.state, value);
        self.inner.serialize_f64(value)
    }

    fn serialize_char(self, value: char) -> Result<S::Ok, S::Error> {
        self.place
            .text(self.state, value.encode_utf8(&mut [0; 4]).as_bytes());
        self.inner.serialize_char(value)
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<S::Ok, S::Error> {
        self.place.text(self.state, value.as_bytes());
        self.inner.serialize_str(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<S::Ok, S::Error> {
        self.place.text(self.state, value);
        self.inner.serialize_bytes(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.place.null(self.state)?;
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
        self.place.null(self.state)?;
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        // MessagePack has an empty array for it.
        if self.state.format.is_json {
            self.place.null(self.state)?;
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
        self.place.text(self.state, variant.as_bytes());
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

/// What holds others: an array, a struct, a variant.
pub(super) struct Compound<'s, C> {
    inner: C,
    state: &'s State,
    levels: usize,
    items: usize,
}

impl<'s, C> Compound<'s, C> {
    #[inline]
    const fn new(inner: C, state: &'s State, levels: usize) -> Self {
        Self {
            inner,
            state,
            levels,
            items: 0,
        }
    }
}

/// Hands the items of an array on.
macro_rules! items {
    ($($trait:ident::$function:ident,)*) => {
        $(
            impl<C: $trait> $trait for Compound<'_, C> {
                type Ok = C::Ok;
                type Error = C::Error;

                #[inline]
                fn $function<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                    let state = self.state;
                    let value = Within { value, state, place: Place::Plain };
                    let written = self.inner.$function(&value);
                    let item = self.items;
                    self.items += 1;
                    state.at(written, || Step::Item(item))
                }

                #[inline]
                fn end(self) -> Result<C::Ok, C::Error> {
                    self.state.leave(self.levels);
                    self.inner.end()
                }
            }
        )*
    };
}

items! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

/// Hands the fields of a struct on.
macro_rules! fields {
    ($($trait:ident,)*) => {
        $(
            impl<C: $trait> $trait for Compound<'_, C> {
                type Ok = C::Ok;
                type Error = C::Error;

                #[inline]
                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    name: &'static str,
                    value: &T,
                ) -> Result<(), C::Error> {
                    let state = self.state;
                    let value = Within { value, state, place: Place::Plain };
                    let written = self.inner.serialize_field(name, &value);
                    state.at(written, || Step::Field(name))
                }

                fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                    self.inner.skip_field(name)
                }

                #[inline]
                fn end(self) -> Result<C::Ok, C::Error> {
                    self.state.leave(self.levels);
                    self.inner.end()
                }
            }
        )*
    };
}

fields! {
    SerializeStruct,
    SerializeStructVariant,
}

/// A map, whose keys are looked at.
pub(super) struct Map<'s, C> {
    entries: Compound<'s, C>,
    keys: Keys,
}

impl<'s, C> Map<'s, C> {
    #[inline]
    fn new(entries: Compound<'s, C>) -> Self {
        Self {
            entries,
            keys: Keys::default(),
        }
    }

    /// Takes note of the key that was written last, if it was a text or the like.
    #[inline]
    fn keep_key(&mut self) {
        if let Some(key) = self.entries.state.key.take() {
            self.keys.add(key);
        }
    }
}

impl<C: SerializeMap> SerializeMap for Map<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        let state = self.entries.state;
        let key = Within {
            value: key,
            state,
            place: Place::Key,
        };
        let written = self.entries.inner.serialize_key(&key);
        self.keep_key();
        state.at(written, || Step::Value)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let state = self.entries.state;
        let value = Within {
            value,
            state,
            place: Place::Plain,
        };
        let written = self.entries.inner.serialize_value(&value);
        state.at(written, || Step::Value)
    }

    #[inline]
    fn serialize_entry<K, V>(&mut self, key: &K, value: &V) -> Result<(), C::Error>
    where
        K: Serialize + ?Sized,
        V: Serialize + ?Sized,
    {
        let state = self.entries.state;
        let within = Within {
            value: key,
            state,
            place: Place::Key,
        };
        // One after the other, since the value may hold a map whose keys take the place of this one.
        let written = self.entries.inner.serialize_key(&within);
        self.keep_key();
        let written = written.and_then(|()| {
            self.entries.inner.serialize_value(&Within {
                value,
                state,
                place: Place::Plain,
            })
        });
        state.at(written, || {
            serde_json::to_string(key).map_or(Step::Value, Step::Key)
        })
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        let state = self.entries.state;
        state.leave(self.entries.levels);
        if self.keys.has_equal() {
            state.doubt(Reason::EqualKeys, |doubts| doubts.equal_keys += 1)?;
        }
        self.entries.inner.end()
    }
}
