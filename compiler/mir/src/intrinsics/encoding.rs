//! Bytes as text, checksums, and unique names.

use super::{Context, Outcome, trap};
use crate::heap::TrapKind;
use crate::intrinsic::Intrinsic;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256, Sha512};
use uuid::{Builder, Uuid, Variant, Version};

/// What stays as it is in an address, beside letters and digits: RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Context<'_> {
    pub(super) fn encoding(&mut self, intrinsic: Intrinsic) -> Option<Outcome> {
        use Intrinsic as I;
        Some(match intrinsic {
            I::Base64Encode => self.encode(4, |bytes| STANDARD.encode(bytes)),
            I::Base64EncodeUrl => self.encode(4, |bytes| URL_SAFE_NO_PAD.encode(bytes)),
            I::Base64Decode => self.decode(|text| STANDARD.decode(text).ok()),
            I::Base64DecodeUrl => self.decode(|text| URL_SAFE_NO_PAD.decode(text).ok()),
            I::HexEncode => self.encode(2, hex),
            I::HexDecode => self.decode(unhex),
            I::UrlEncode => {
                let text = utf8_percent_encode(self.str(0), RESERVED).to_string();
                self.make_string(&text)
            }
            I::UrlDecode => match percent_decode_str(self.str(0)).decode_utf8() {
                Ok(text) => {
                    let text = text.into_owned();
                    self.make_string(&text)
                }
                Err(_) => Ok(0),
            },
            I::HashSha256 => self.digest(|bytes| Sha256::digest(bytes).to_vec()),
            I::HashSha512 => self.digest(|bytes| Sha512::digest(bytes).to_vec()),
            I::HashBlake3 => self.digest(|bytes| blake3::hash(bytes).as_bytes().to_vec()),
            I::HashHmacSha256 => self.hmac(),
            I::UuidFromBits => self.uuid_from_bits(),
            I::UuidNamed => self.uuid_named(),
            I::UuidParse => match Uuid::try_parse(self.str(0)) {
                Ok(uuid) => self.make_string(&uuid.to_string()),
                Err(_) => Ok(0),
            },
            _ => return None,
        })
    }

    pub(super) fn bytes(&self, index: usize) -> &[u8] {
        self.heap.bytes_at(self.arg(index))
    }

    /// Bytes as text, which is at most `factor` times as long and a little more.
    fn encode(&mut self, factor: usize, encode: impl Fn(&[u8]) -> String) -> Outcome {
        self.check_bytes(self.bytes(0).len().saturating_mul(factor))?;
        let text = encode(self.bytes(0));
        self.make_string(&text)
    }

    /// The bytes a text stands for, as an option: `none` is 0.
    fn decode(&mut self, decode: impl Fn(&str) -> Option<Vec<u8>>) -> Outcome {
        match decode(self.str(0)) {
            Some(bytes) => Ok(self.heap.bytes(&bytes)?),
            None => Ok(0),
        }
    }

    fn digest(&mut self, digest: impl Fn(&[u8]) -> Vec<u8>) -> Outcome {
        let digest = digest(self.bytes(0));
        Ok(self.heap.bytes(&digest)?)
    }

    fn hmac(&mut self) -> Outcome {
        // A key of any length will do.
        let Ok(mut code) = Hmac::<Sha256>::new_from_slice(self.bytes(0)) else {
            return trap(TrapKind::InvalidValue, "the key can't be used");
        };
        code.update(self.bytes(1));
        let code = code.finalize().into_bytes();
        Ok(self.heap.bytes(&code)?)
    }

    fn uuid_from_bits(&mut self) -> Outcome {
        let version = match self.int(2) {
            4 => Version::Random,
            7 => Version::SortRand,
            other => {
                return trap(TrapKind::InvalidValue, format!("UUIDs of version {other} aren't made of bits"));
            }
        };
        let bits = u128::from(self.arg(0)) << 64 | u128::from(self.arg(1));
        let builder = Builder::from_u128(bits).with_variant(Variant::RFC4122).with_version(version);
        self.make_string(&builder.into_uuid().to_string())
    }

    fn uuid_named(&mut self) -> Outcome {
        match Uuid::try_parse(self.str(0)) {
            Ok(namespace) => {
                let uuid = Uuid::new_v5(&namespace, self.str(1).as_bytes());
                self.make_string(&uuid.to_string())
            }
            Err(_) => trap(TrapKind::InvalidValue, format!("the namespace `{}` is no UUID", self.str(0))),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|char| char.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}
