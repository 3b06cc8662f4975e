use std::fmt;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

/// A number that a user has written. Terraform's numbers may have a fraction and any size, so one that an argument cannot
/// take must be decoded before it can be rejected at the argument.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub enum Number {
    /// A whole number of 64 bits.
    Whole(i64),
    /// A number with a fraction, or a larger one: roughly.
    Other(f64),
}

impl Number {
    /// The number, if it is whole and has 64 bits at most.
    pub fn whole(self) -> Option<i64> {
        match self {
            Self::Whole(number) => Some(number),
            Self::Other(_) => None,
        }
    }
}

/// For messages. One that is not whole is never shown like one that is: `7.0`, `1e30`.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Other(number) => write!(f, "{number:?}"),
        }
    }
}

/// Core sends whole numbers of 64 bits as such, and others as floating-point numbers or, where these are not exact, as
/// decimal strings.
impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Sent {
            Whole(i64),
            Other(f64),
            Decimal(String),
        }
        match Sent::deserialize(deserializer)? {
            Sent::Whole(number) => Ok(Self::Whole(number)),
            Sent::Other(number) => Ok(Self::Other(number)),
            Sent::Decimal(text) => text.parse().map(Self::Other).map_err(Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EncodedValue;
    use crate::value::Value;

    #[test]
    fn every_number_of_terraform_is_read_and_whole_ones_are_told_from_others() {
        let read = |bytes: &[u8]| {
            let encoded = EncodedValue::MessagePack(bytes.to_vec());
            encoded.decode::<Value<Number>>().ok()
        };
        for (bytes, whole, shown) in [
            (&b"\x07"[..], Some(7), "7"),
            (b"\xff", Some(-1), "-1"),
            (
                b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                None,
                "1.8446744073709552e19",
            ),
            (b"\xcb\x40\x04\x00\x00\x00\x00\x00\x00", None, "2.5"),
            (b"\xbf1000000000000000000000000000000", None, "1e30"),
        ] {
            let number = read(bytes).unwrap().as_option().unwrap();
            assert_eq!(number.whole(), whole, "{number:?}");
            assert_eq!(number.to_string(), shown);
        }
        assert!(read(b"\xd4\x00\x00").unwrap().is_unknown());
        assert_eq!(read(b"\xa1x"), None);
    }
}
