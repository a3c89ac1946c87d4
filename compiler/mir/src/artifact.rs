//! Programs as bytes: what `flow compile` writes and what is stored beside the instances.
//!
//! `FLOWC`, the format version (u16, little-endian), the blake3 hash of the payload, the payload (postcard).

use crate::bytes::Corrupt;
use crate::program::Program;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

const MAGIC: &[u8; 5] = b"FLOWC";
/// Counts up when MIR changes shape or meaning.
pub(crate) const VERSION: u16 = 3;

/// Names a program: the hash of all that it does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProgramHash(pub [u8; 32]);

impl fmt::Display for ProgramHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ProgramHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ProgramHash {
    type Err = Corrupt;

    fn from_str(text: &str) -> Result<ProgramHash, Corrupt> {
        let hash = blake3::Hash::from_hex(text);
        hash.map(|hash| ProgramHash(*hash.as_bytes())).map_err(|error| Corrupt::Malformed(error.to_string()))
    }
}

impl Program {
    /// The artifact and its hash.
    pub fn encode(&self) -> Result<(Vec<u8>, ProgramHash), Corrupt> {
        let payload = postcard::to_stdvec(self).map_err(|error| Corrupt::Malformed(error.to_string()))?;
        let hash = ProgramHash(*blake3::hash(&payload).as_bytes());
        let mut bytes = Vec::with_capacity(payload.len() + 64);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&hash.0);
        bytes.extend_from_slice(&payload);
        Ok((bytes, hash))
    }

    /// The program of an artifact, validated.
    pub fn decode(bytes: &[u8]) -> Result<(Program, ProgramHash), Corrupt> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(Corrupt::Magic)?;
        let (version, rest) = rest.split_first_chunk().ok_or(Corrupt::Magic)?;
        let found = u16::from_le_bytes(*version);
        if found != VERSION {
            return Err(Corrupt::Version { found, expected: VERSION });
        }
        let (hash, payload) = rest.split_first_chunk::<32>().ok_or(Corrupt::Checksum)?;
        if blake3::hash(payload).as_bytes() != hash {
            return Err(Corrupt::Checksum);
        }
        let program: Program =
            postcard::from_bytes(payload).map_err(|error| Corrupt::Malformed(error.to_string()))?;
        program.validate().map_err(|invalid| Corrupt::Malformed(invalid.to_string()))?;
        Ok((program, ProgramHash(*hash)))
    }
}
