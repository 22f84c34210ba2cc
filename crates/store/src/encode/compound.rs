//! `Compound` and `Map`: what of [`Checked`](super::checked::Checked) holds others.

use super::checked::{Place, Within};
use super::keys::Keys;
use super::refusal::{Reason, Step};
use super::state::State;
use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

/// What holds others: an array, a struct, a variant.
pub(super) struct Compound<'s, C> {
    inner: C,
    state: &'s State,
    levels: usize,
    items: usize,
}

impl<'s, C> Compound<'s, C> {
    #[inline]
    pub(super) const fn new(inner: C, state: &'s State, levels: usize) -> Self {
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
    pub(super) fn new(entries: Compound<'s, C>) -> Self {
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
