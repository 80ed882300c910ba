//! The names of figures, taken from how [`Figures`] is written as JSON: a figure
//! added there can be asked for here.

use std::sync::OnceLock;

use panto_protocol::draw::DrawCommand;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::figures::Figures;

/// Kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Number,
    Bool,
    Text,
}

/// A figure of a row: the JSON's name, and that of a part if the figure has some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) member: Option<String>,
    pub(super) kind: Type,
}

/// Why a path names no figure: the first part of it that is wrong, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoFigure {
    pub(super) part: usize,
    pub(super) message: String,
}

/// How a row is called, a name beside those of the JSON.
pub(super) const WAY: &str = "way";

/// Why a row is partial: in expressions, whether it is.
pub(super) const ERROR: &str = "error";

/// Counts by kind of command, whose parts are not fixed.
const KINDS: &str = "payload_bytes_by_kind";

/// Whether `name` is a figure's, parts apart.
pub(super) fn is_figure(name: &str) -> bool {
    name == WAY || template().contains_key(name)
}

/// Whether `name` is a part of some figure.
pub(super) fn is_part(name: &str) -> bool {
    let objects = template().values().filter_map(Value::as_object);
    DrawCommand::KINDS.contains(&name) || objects.into_iter().any(|parts| parts.contains_key(name))
}

/// The figure of a path such as `input_to_pixel_ms.p95`.
pub(super) fn figure(path: &[String]) -> Result<Figure, NoFigure> {
    let (name, members) = path.split_first().map_or(("", path), |(name, rest)| (name.as_str(), rest));
    let value = match name {
        WAY => &Value::String(String::new()),
        ERROR => &Value::Bool(false),
        _ => template().get(name).ok_or_else(|| unknown(0, "figure", name, known_figures()))?,
    };
    let zero = Value::Number(0.into());
    let (member, value) = match (value, members) {
        (Value::Array(_), _) => {
            let message = format!("`{name}` is a list, which cannot be compared");
            return Err(NoFigure { part: 0, message });
        }
        (Value::Object(_), []) => {
            let message = format!("`{name}` has parts; say which: {}", parts(name).join(", "));
            return Err(NoFigure { part: 0, message });
        }
        (Value::Object(object), [member, rest @ ..]) => {
            let value = if name == KINDS && DrawCommand::KINDS.contains(&member.as_str()) {
                &zero
            } else {
                let value = object.get(member).filter(|value| !value.is_array());
                value.ok_or_else(|| unknown(1, &format!("part of `{name}`"), member, parts(name)))?
            };
            if !rest.is_empty() {
                return Err(no_parts(2, member));
            }
            (Some(member.clone()), value)
        }
        (_, [_, ..]) => return Err(no_parts(1, name)),
        (value, []) => (None, value),
    };
    let kind = match value {
        Value::String(_) => Type::Text,
        Value::Bool(_) => Type::Bool,
        _ => Type::Number,
    };
    Ok(Figure { name: name.to_owned(), member, kind })
}

fn unknown(part: usize, what: &str, name: &str, known: Vec<String>) -> NoFigure {
    NoFigure { part, message: format!("there is no {what} called `{name}`; there is {}", known.join(", ")) }
}

fn no_parts(part: usize, name: &str) -> NoFigure {
    NoFigure { part, message: format!("`{name}` has no parts; leave the rest out") }
}

fn known_figures() -> Vec<String> {
    let comparable = template().iter().filter(|(_, value)| !value.is_array());
    comparable.map(|(name, _)| name.clone()).chain([WAY.to_owned()]).collect()
}

fn parts(name: &str) -> Vec<String> {
    if name == KINDS {
        return DrawCommand::KINDS.iter().map(|&kind| kind.to_owned()).collect();
    }
    let object = template().get(name).and_then(Value::as_object);
    let comparable = object.into_iter().flatten().filter(|(_, value)| !value.is_array());
    comparable.map(|(name, _)| name.clone()).collect()
}

/// A row with every figure present, as JSON: what there is, and of which type.
fn template() -> &'static Map<String, Value> {
    static TEMPLATE: OnceLock<Map<String, Value>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let figures = Figures::deserialize(Everything).ok();
        match figures.and_then(|figures| serde_json::to_value(figures).ok()) {
            Some(Value::Object(object)) => object,
            // A type that `Everything` cannot make is a bug that the tests below would find.
            _ => Map::new(),
        }
    })
}

/// A deserializer that has a value for everything it is asked for: it makes a row in
/// which no `Option` is `None`, which is the only way to see what is inside of them.
#[derive(Clone, Copy)]
struct Everything;

type Error = serde::de::value::Error;

impl<'de> Deserializer<'de> for Everything {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u8(0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(false)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str("")
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str("")
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<u8>()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Fields(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        MapAccessDeserializer::new(Fields(fields)).deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct enum identifier ignored_any
    }
}

/// A value for each of these fields.
struct Fields(&'static [&'static str]);

impl<'de> MapAccess<'de> for Fields {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(None) };
        self.0 = rest;
        let name: StrDeserializer<'_, Error> = (*first).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Everything)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(text: &str, kind: Type) {
        assert_eq!(figure(&path(text)).map(|figure| figure.kind), Ok(kind), "{text}");
    }

    #[test]
    fn every_field_of_a_row_is_known() {
        let Ok(Value::Object(empty)) = serde_json::to_value(Figures::default()) else { unreachable!() };
        let known: Vec<_> = template().keys().collect();
        assert_eq!(known, empty.keys().collect::<Vec<_>>());
        assert_eq!(template().values().filter(|value| value.is_null()).count(), 0);
    }

    #[test]
    fn figures_have_their_types() {
        for name in ["bytes_down", "packets_up", "depth", "duration_s", "first_picture_ms"] {
            check(name, Type::Number);
        }
        for name in ["input_to_pixel_ms.p95", "freshness_ms.mean", "latency_stages_ms.queue"] {
            check(name, Type::Number);
        }
        check("payload_bytes_by_kind.Fill", Type::Number);
        for name in ["exact", "lossless", "copy_rect", "exact_only", "error"] {
            check(name, Type::Bool);
        }
        for name in ["workload", "link", "system", "mode", "wire", "way", "time", "digest"] {
            check(name, Type::Text);
        }
    }

    #[test]
    fn what_is_no_figure() {
        let check = |text: &str, part: usize, expected: &str| {
            let error = figure(&path(text)).unwrap_err();
            assert_eq!(error.part, part, "{text}");
            assert!(error.message.starts_with(expected), "{}", error.message);
        };
        check("bites_down", 0, "there is no figure called `bites_down`; there is ");
        check("input_to_pixel_ms", 0, "`input_to_pixel_ms` has parts; say which: ");
        check("input_to_pixel_ms.p99", 1, "there is no part of `input_to_pixel_ms` called `p99`; there is ");
        check("input_to_pixel_ms.samples", 1, "there is no part of `input_to_pixel_ms` called `samples`");
        check("payload_bytes_by_kind.Foo", 1, "there is no part of `payload_bytes_by_kind` called `Foo`");
        check("bytes_down.max", 1, "`bytes_down` has no parts");
        check("input_to_pixel_ms.p95.max", 2, "`p95` has no parts");
        check("bytes_over_time", 0, "`bytes_over_time` is a list");
    }
}
