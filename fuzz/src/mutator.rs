//! Changes of inputs that keep their structure.
//!
//! Most changes that libFuzzer makes by itself break the lengths around the bytes that they change, or the syntax: such an input
//! gets no further than the outermost decoder.

use std::ops::Range;

use libfuzzer_sys::fuzzer_mutate;
use prost::encoding::{WireType, decode_key, decode_varint, encode_varint};
use rmpv::Value;

/// By how many bytes libFuzzer may make a part of an input longer.
const GROWTH: usize = 64;

/// Tokens of JSON that are put in the place of others.
const JSON: [&str; 16] = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "18446744073709551616",
    "1.5e3",
    r#""""#,
    r#""x""#,
    r#""\u00e9\n""#,
    "[]",
    "{}",
    "[",
    "{",
    ",",
    ":",
];

/// What may stand between tokens of JSON.
const WHITESPACE: [&str; 4] = [" ", "\n", "\t", "\r"];

/// Changes one input.
pub struct Mutator(fastrand::Rng);

impl Mutator {
    /// Changes the first `size` bytes of `data`, and returns the new size, as `fuzz_mutator!` wants it. The first `head` bytes are
    /// the target's own; `change` gets the rest.
    pub fn mutate(
        data: &mut [u8],
        size: usize,
        max_size: usize,
        seed: u32,
        head: usize,
        change: fn(&mut Self, &[u8]) -> Vec<u8>,
    ) -> usize {
        let mut mutator = Self(fastrand::Rng::with_seed(seed.into()));
        if size > head && mutator.0.u8(..8) > 0 {
            let changed = change(&mut mutator, &data[head..size]);
            let changed_size = head + changed.len();
            if changed_size <= max_size {
                data[head..changed_size].copy_from_slice(&changed);
                return changed_size;
            }
        }
        fuzzer_mutate(data, size, max_size)
    }

    /// A message of protocol buffers with one field changed, at any depth.
    pub fn protobuf(&mut self, message: &[u8]) -> Vec<u8> {
        let Some(mut fields) = Field::all(message).filter(|fields| !fields.is_empty()) else {
            return self.bytes(message);
        };
        let chosen = self.0.usize(..fields.len());
        match self.0.u8(..16) {
            0 => return self.bytes(message),
            1 => drop(fields.remove(chosen)),
            2 => fields.push(fields[chosen].clone()),
            _ if fields[chosen].is_delimited => {
                fields[chosen].value = self.value(&fields[chosen].value)
            }
            _ => fields[chosen].value = self.bytes(&fields[chosen].value),
        }
        fields.iter().flat_map(Field::encoded).collect()
    }

    /// JSON with one token changed.
    pub fn json(&mut self, text: &[u8]) -> Vec<u8> {
        let mut tokens: Vec<Vec<u8>> = tokens(text)
            .into_iter()
            .map(|token| text[token].to_vec())
            .collect();
        if tokens.is_empty() {
            return self.bytes(text);
        }
        let chosen = self.0.usize(..tokens.len());
        match self.0.u8(..8) {
            0 => drop(tokens.remove(chosen)),
            1 => tokens.insert(chosen, tokens[self.0.usize(..tokens.len())].clone()),
            2 => tokens[chosen] = tokens[self.0.usize(..tokens.len())].clone(),
            3 => tokens[chosen] = JSON[self.0.usize(..JSON.len())].into(),
            4 => tokens.insert(chosen, JSON[self.0.usize(..JSON.len())].into()),
            5 => tokens.insert(chosen, WHITESPACE[self.0.usize(..WHITESPACE.len())].into()),
            _ => tokens[chosen] = self.token(&tokens[chosen]),
        }
        tokens.concat()
    }

    /// A token of JSON, which may be a string that holds JSON.
    fn token(&mut self, token: &[u8]) -> Vec<u8> {
        match serde_json::from_slice::<String>(token) {
            Ok(text) if text.starts_with(['{', '[']) => {
                let changed = self.json(text.as_bytes());
                serde_json::to_vec(&String::from_utf8_lossy(&changed)).unwrap()
            }
            _ => self.bytes(token),
        }
    }

    /// Bytes that may be a message, msgpack, JSON or text.
    pub fn value(&mut self, value: &[u8]) -> Vec<u8> {
        match value {
            [b'{' | b'[', ..] => self.json(value),
            _ => match whole_msgpack(value) {
                // Every byte below 128 is an integer: it is more likely text of one character.
                Some(mut value) if !value.is_number() && self.0.u8(..8) > 0 => {
                    self.msgpack(&mut value);
                    let mut encoded = Vec::new();
                    rmpv::encode::write_value(&mut encoded, &value).unwrap();
                    encoded
                }
                _ => self.protobuf(value),
            },
        }
    }

    /// Changes one value in this one, or this one.
    fn msgpack(&mut self, value: &mut Value) {
        if self.0.u8(..8) == 0 {
            return *value = self.msgpack_value();
        }
        match value {
            Value::Map(entries) if !entries.is_empty() => {
                let chosen = self.0.usize(..entries.len());
                match self.0.u8(..8) {
                    0 => drop(entries.remove(chosen)),
                    1 => entries.push(entries[chosen].clone()),
                    2 => self.msgpack(&mut entries[chosen].0),
                    3 => entries[chosen].1 = entries[self.0.usize(..entries.len())].1.clone(),
                    _ => self.msgpack(&mut entries[chosen].1),
                }
            }
            Value::Array(values) if !values.is_empty() => {
                let chosen = self.0.usize(..values.len());
                match self.0.u8(..8) {
                    0 => drop(values.remove(chosen)),
                    1 => values.push(values[chosen].clone()),
                    _ => self.msgpack(&mut values[chosen]),
                }
            }
            Value::String(text) => {
                let changed = self.bytes(text.as_bytes());
                *value = String::from_utf8(changed)
                    .map_or_else(|error| Value::Binary(error.into_bytes()), Value::from);
            }
            Value::Binary(bytes) => *bytes = self.bytes(bytes),
            _ => *value = self.msgpack_value(),
        }
    }

    fn msgpack_value(&mut self) -> Value {
        match self.0.u8(..12) {
            0 => Value::Nil,
            1 => Value::from(self.0.bool()),
            2 => Value::from(self.0.i8(..)),
            3 => Value::from(self.0.u64(..)),
            4 => Value::from(1.5e300),
            5 => Value::from(""),
            6 => Value::from("1.5"),
            7 => Value::Binary(b"x".to_vec()),
            8 => Value::Array(Vec::new()),
            9 => Value::Map(Vec::new()),
            // The two encodings that Terraform has for a value that is not known.
            10 => Value::Ext(0, vec![0]),
            _ => Value::Ext(12, vec![0x81, 1, 0xc2]),
        }
    }

    /// What libFuzzer makes of these bytes.
    fn bytes(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        let largest = bytes.len() + GROWTH;
        changed.resize(largest, 0);
        let size = fuzzer_mutate(&mut changed, bytes.len(), largest);
        changed.truncate(size);
        changed
    }
}

/// A field of a message, of any number.
#[derive(Clone)]
struct Field {
    key: Vec<u8>,
    value: Vec<u8>,
    /// Whether the value follows its length.
    is_delimited: bool,
}

impl Field {
    /// Those of a message; `None` if it is none.
    fn all(message: &[u8]) -> Option<Vec<Self>> {
        let mut rest = message;
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let field = rest;
            let (_, wire_type) = decode_key(&mut rest).ok()?;
            let key = &field[..field.len() - rest.len()];
            let mut after = rest;
            let size = match wire_type {
                WireType::Varint => decode_varint(&mut after)
                    .map(|_| rest.len() - after.len())
                    .ok()?,
                WireType::SixtyFourBit => 8,
                WireType::ThirtyTwoBit => 4,
                WireType::LengthDelimited => {
                    let size = decode_varint(&mut rest).ok()?;
                    usize::try_from(size).ok()?
                }
                WireType::StartGroup | WireType::EndGroup => return None,
            };
            let (value, after) = rest.split_at_checked(size)?;
            rest = after;
            fields.push(Self {
                key: key.to_vec(),
                value: value.to_vec(),
                is_delimited: wire_type == WireType::LengthDelimited,
            });
        }
        Some(fields)
    }

    fn encoded(&self) -> Vec<u8> {
        let mut encoded = self.key.clone();
        if self.is_delimited {
            encode_varint(self.value.len() as u64, &mut encoded);
        }
        encoded.extend(&self.value);
        encoded
    }
}

/// The value that these bytes are, if no byte is left.
fn whole_msgpack(mut bytes: &[u8]) -> Option<Value> {
    let value = rmpv::decode::read_value_with_max_depth(&mut bytes, 32).ok()?;
    bytes.is_empty().then_some(value)
}

/// Where the tokens of JSON are: strings, words and numbers, and every other byte by itself.
fn tokens(text: &[u8]) -> Vec<Range<usize>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let rest = &text[start..];
        let size = match rest[0] {
            b'"' => string(rest),
            byte if is_word(byte) => rest.iter().take_while(|byte| is_word(**byte)).count(),
            _ => 1,
        };
        tokens.push(start..start + size);
        start += size;
    }
    tokens
}

/// How long the string is that these bytes begin with, its quotes included.
fn string(text: &[u8]) -> usize {
    let mut is_escaped = true;
    let end = text.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 1)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_')
}
