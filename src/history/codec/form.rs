//! How ids, zxids, digests and data look in JSON: `impl`s for the values of `base`, and `with` modules for fields whose
//! type says too little.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, Expected, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::id::{ClientId, EventId, ServerId, ServerSet, SessionId};
use crate::base::lineage::Lineage;
use crate::base::time::Time;
use crate::base::zxid::{Epoch, Zxid};

/// Reads a string that `parse` understands.
fn from_text<'de, D: Deserializer<'de>, T>(
    source: D,
    expected: &dyn Expected,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = <Cow<'de, str>>::deserialize(source)?;
    parse(&text).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), expected))
}

/// Hexadecimal digits only: `from_str_radix` alone would take a sign too.
fn parse_hex(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_plain.then(|| u64::from_str_radix(text, 16).ok())?
}

fn parse_decimal(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok())?
}

impl Serialize for Zxid {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Zxid {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        from_text(source, &"a zxid such as \"1:17\"", |text| {
            let (epoch, counter) = text.split_once(':')?;
            let epoch = Epoch(parse_decimal(epoch)?);
            Some(Self::new(epoch, parse_decimal(counter)?))
        })
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let expected = "a session id such as \"0x100000000000001\"";
        from_text(source, &expected, |text| {
            parse_hex(text.strip_prefix("0x")?).map(Self)
        })
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(target)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        u32::deserialize(source).map(Self)
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(target)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        u64::deserialize(source).map(Self)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(target)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        u64::deserialize(source).map(Self)
    }
}

impl Serialize for ClientId {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(target)
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        u16::deserialize(source).map(Self)
    }
}

impl Serialize for ServerId {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(target)
    }
}

impl<'de> Deserialize<'de> for ServerId {
    /// Only ids that a [`ServerSet`] can hold: checkers put every server into one.
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let id = u64::deserialize(source)?;
        let small = u8::try_from(id).ok();
        small
            .filter(|id| (1..=ServerSet::MAX).contains(id))
            .map(Self)
            .ok_or_else(|| {
                let expected = "a server id from 1 to 63";
                D::Error::invalid_value(Unexpected::Unsigned(id), &expected)
            })
    }
}

impl Serialize for ServerSet {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ServerSet {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let members = <Vec<ServerId>>::deserialize(source)?;
        Ok(members.into_iter().collect())
    }
}

/// A lineage in JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineageForm {
    depth: u64,
    last: Zxid,
    #[serde(with = "hex")]
    hash: u64,
}

impl Serialize for Lineage {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        let Self { depth, hash, last } = *self;
        LineageForm { depth, last, hash }.serialize(target)
    }
}

impl<'de> Deserialize<'de> for Lineage {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let LineageForm { depth, last, hash } = LineageForm::deserialize(source)?;
        Ok(Self { depth, hash, last })
    }
}

/// A digest: sixteen hexadecimal digits, since a JSON number need not keep 64 bits.
pub(in crate::history) mod hex {
    use super::{Deserializer, Serializer, from_text, parse_hex};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands fields over by reference"
    )]
    pub(in crate::history) fn serialize<S: Serializer>(
        digest: &u64,
        target: S,
    ) -> Result<S::Ok, S::Error> {
        target.collect_str(&format_args!("{digest:016x}"))
    }

    pub(in crate::history) fn deserialize<'de, D: Deserializer<'de>>(
        source: D,
    ) -> Result<u64, D::Error> {
        let expected = "a digest of sixteen hexadecimal digits";
        from_text(source, &expected, |text| {
            (text.len() == 16).then(|| parse_hex(text))?
        })
    }
}

/// The owner of an ephemeral: a session id, 0 when there is none.
pub(in crate::history) mod owner {
    use super::{Deserialize, Deserializer, Serialize, Serializer, SessionId};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands fields over by reference"
    )]
    pub(in crate::history) fn serialize<S: Serializer>(
        owner: &u64,
        target: S,
    ) -> Result<S::Ok, S::Error> {
        SessionId(*owner).serialize(target)
    }

    pub(in crate::history) fn deserialize<'de, D: Deserializer<'de>>(
        source: D,
    ) -> Result<u64, D::Error> {
        SessionId::deserialize(source).map(|session| session.0)
    }
}

/// Bytes: a string if they are UTF-8, else an object with their hexadecimal digits.
pub(in crate::history) mod bytes {
    use std::sync::Arc;

    use super::{Cow, Deserialize, Deserializer, Hex, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged, expecting = "expected a string or {\"hex\": \"…\"}")]
    pub(in crate::history) enum Form<'a> {
        Text(Cow<'a, str>),
        Raw { hex: Hex<'a> },
    }

    impl<'a> From<&'a [u8]> for Form<'a> {
        fn from(bytes: &'a [u8]) -> Self {
            std::str::from_utf8(bytes).map_or_else(
                |_| Self::Raw {
                    hex: Hex(bytes.into()),
                },
                |text| Self::Text(text.into()),
            )
        }
    }

    impl Form<'_> {
        pub(super) fn into_bytes(self) -> Arc<[u8]> {
            match self {
                Self::Text(text) => text.as_bytes().into(),
                Self::Raw { hex } => hex.0.into(),
            }
        }
    }

    pub(in crate::history) fn serialize<S: Serializer>(
        bytes: &Arc<[u8]>,
        target: S,
    ) -> Result<S::Ok, S::Error> {
        Form::from(&**bytes).serialize(target)
    }

    pub(in crate::history) fn deserialize<'de, D: Deserializer<'de>>(
        source: D,
    ) -> Result<Arc<[u8]>, D::Error> {
        Form::deserialize(source).map(Form::into_bytes)
    }
}

/// A znode's data: null, or [`bytes`].
pub(in crate::history) mod data {
    use super::{Deserialize, Deserializer, Serialize, Serializer, bytes::Form};
    use crate::history::op::Data;

    pub(in crate::history) fn serialize<S: Serializer>(
        data: &Data,
        target: S,
    ) -> Result<S::Ok, S::Error> {
        data.as_deref().map(Form::from).serialize(target)
    }

    pub(in crate::history) fn deserialize<'de, D: Deserializer<'de>>(
        source: D,
    ) -> Result<Data, D::Error> {
        let form = <Option<Form<'_>>>::deserialize(source)?;
        Ok(form.map(Form::into_bytes))
    }
}

/// Bytes as hexadecimal digits.
pub(in crate::history) struct Hex<'a>(Cow<'a, [u8]>);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.collect_str(self)
    }
}

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<'de> Deserialize<'de> for Hex<'_> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        from_text(source, &"pairs of hexadecimal digits", |text| {
            let pairs = text.as_bytes().chunks(2).map(|pair| {
                let pair = std::str::from_utf8(pair).ok()?;
                let is_whole = pair.len() == 2;
                is_whole.then(|| u8::try_from(parse_hex(pair)?).ok())?
            });
            let bytes: Option<Vec<u8>> = pairs.collect();
            bytes.map(|bytes| Self(bytes.into()))
        })
    }
}

/// A result: `{"ok": …}` or `{"error": "NoNode"}`.
pub(in crate::history) mod outcome {
    use super::{Deserialize, Deserializer, Serialize, Serializer};
    use crate::history::op::{ErrorCode, Response};

    #[derive(Serialize)]
    #[serde(rename_all = "kebab-case")]
    pub(super) enum Shown<'a> {
        Ok(&'a Response),
        Error(ErrorCode),
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub(super) enum Read {
        Ok(Response),
        Error(ErrorCode),
    }

    impl<'a> From<&'a Result<Response, ErrorCode>> for Shown<'a> {
        fn from(result: &'a Result<Response, ErrorCode>) -> Self {
            match result {
                Ok(response) => Self::Ok(response),
                Err(error) => Self::Error(*error),
            }
        }
    }

    impl From<Read> for Result<Response, ErrorCode> {
        fn from(read: Read) -> Self {
            match read {
                Read::Ok(response) => Ok(response),
                Read::Error(error) => Err(error),
            }
        }
    }

    pub(in crate::history) fn serialize<S: Serializer>(
        result: &Result<Response, ErrorCode>,
        target: S,
    ) -> Result<S::Ok, S::Error> {
        Shown::from(result).serialize(target)
    }

    pub(in crate::history) fn deserialize<'de, D: Deserializer<'de>>(
        source: D,
    ) -> Result<Result<Response, ErrorCode>, D::Error> {
        Read::deserialize(source).map(Into::into)
    }
}

/// A list of [`outcome`]s.
pub(in crate::history) mod outcomes {
    use super::outcome::{Read, Shown};
    use super::{Deserialize, Deserializer, Serializer};
    use crate::history::op::{ErrorCode, Response};

    pub(in crate::history) fn serialize<S: Serializer>(
        results: &[Result<Response, ErrorCode>],
        target: S,
    ) -> Result<S::Ok, S::Error> {
        target.collect_seq(results.iter().map(Shown::from))
    }

    pub(in crate::history) fn deserialize<'de, D: Deserializer<'de>>(
        source: D,
    ) -> Result<Vec<Result<Response, ErrorCode>>, D::Error> {
        let read = <Vec<Read>>::deserialize(source)?;
        Ok(read.into_iter().map(Into::into).collect())
    }
}
