//! Either a text or a table, where a short form and a long one say the same.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        IntoDeserializer as _, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

/// Read without losing what is wrong with the one that it is. A list is a text's, where that takes lists.
#[derive(Clone, Debug)]
pub(crate) enum TextOrTable<T, U> {
    Text(T),
    Table(U),
}

impl<'de, T: Deserialize<'de>, U: Deserialize<'de>> Deserialize<'de> for TextOrTable<T, U> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T, U>(PhantomData<(T, U)>);

        impl<'de, T: Deserialize<'de>, U: Deserialize<'de>> Visitor<'de> for Either<T, U> {
            type Value = TextOrTable<T, U>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a table")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(text.into_deserializer()).map(TextOrTable::Text)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                T::deserialize(SeqAccessDeserializer::new(list)).map(TextOrTable::Text)
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
                U::deserialize(MapAccessDeserializer::new(table)).map(TextOrTable::Table)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}
