//! The stored formats' common parts: a header, little-endian numbers, a checksum; reading never trusts a length.

use std::fmt;

/// Why stored bytes can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Corrupt {
    /// Not the kind of data expected.
    Magic,
    /// Written by another version of the format.
    Version {
        /// The version found.
        found: u16,
        /// The version this build reads.
        expected: u16,
    },
    /// The checksum doesn't fit: the bytes changed after they were written.
    Checksum,
    /// Something is missing, superfluous or out of range.
    Malformed(String),
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Corrupt::Magic => f.write_str("it doesn't begin as this kind of data does"),
            Corrupt::Version { found, expected } if found > expected => {
                write!(f, "it has format version {found}, this flow reads {expected}: use a newer flow")
            }
            Corrupt::Version { found, expected } => {
                write!(
                    f,
                    "it has format version {found}, this flow reads {expected}: an older flow wrote it; use that one, or \
                     make it anew"
                )
            }
            Corrupt::Checksum => f.write_str("its checksum doesn't fit: the bytes were damaged"),
            Corrupt::Malformed(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Corrupt {}

const CHECKSUM: usize = 8;

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(bytes).as_bytes();
    [a, b, c, d, e, f, g, h]
}

/// Writes magic, version and content; `finish` adds the checksum.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(magic: &[u8; 4], version: u16, capacity: usize) -> Writer {
        let mut bytes = Vec::with_capacity(capacity + 64);
        bytes.extend_from_slice(magic);
        bytes.extend_from_slice(&version.to_le_bytes());
        Writer(bytes)
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn u32(&mut self, number: usize) {
        self.raw(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    }

    pub(crate) fn word(&mut self, word: u64) {
        self.raw(&word.to_le_bytes());
    }

    pub(crate) fn words(&mut self, words: &[u64]) {
        self.u32(words.len());
        // Machines that run Flow are little-endian (see `heap::objects`): words lie as they are written.
        self.raw(bytemuck::cast_slice(words));
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let sum = checksum(&self.0);
        self.raw(&sum);
        self.0
    }
}

/// Reads what a `Writer` wrote.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], magic: &[u8; 4], version: u16) -> Result<Reader<'a>, Corrupt> {
        let content = bytes.strip_prefix(magic).ok_or(Corrupt::Magic)?;
        let (found, _) = content.split_first_chunk().ok_or(Corrupt::Magic)?;
        let found = u16::from_le_bytes(*found);
        if found != version {
            return Err(Corrupt::Version { found, expected: version });
        }
        let (summed, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Corrupt::Checksum)?;
        if checksum(summed) != *sum {
            return Err(Corrupt::Checksum);
        }
        Ok(Reader(summed.get(magic.len() + 2..).ok_or(Corrupt::Checksum)?))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Corrupt> {
        let cut = || Corrupt::Malformed("it is cut off".into());
        let (first, rest) = self.0.split_first_chunk().ok_or_else(cut)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Corrupt> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn word(&mut self) -> Result<u64, Corrupt> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number of items of at least `size` bytes each, which must all be there: nothing is allocated for a lie.
    pub(crate) fn count(&mut self, size: usize) -> Result<usize, Corrupt> {
        let count = self.u32()? as usize;
        if count.checked_mul(size).is_none_or(|bytes| bytes > self.0.len()) {
            return Err(Corrupt::Malformed(format!("it announces {count} items, more than are there")));
        }
        Ok(count)
    }

    pub(crate) fn words(&mut self) -> Result<Vec<u64>, Corrupt> {
        let count = self.count(8)?;
        let (words, rest) = self.0.split_at_checked(count * 8).unwrap_or((&[], self.0));
        self.0 = rest;
        Ok(words.chunks_exact(8).filter_map(|word| word.try_into().ok()).map(u64::from_le_bytes).collect())
    }

    pub(crate) fn end(self) -> Result<(), Corrupt> {
        if self.0.is_empty() { Ok(()) } else { Err(Corrupt::Malformed("it goes on after its end".into())) }
    }
}
