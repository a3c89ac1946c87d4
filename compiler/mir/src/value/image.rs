//! Values on their own: arguments, results and captured values, between strands and in the store.

use super::copy::{CopyError, copy};
use crate::bytes::{Corrupt, Reader, Writer};
use crate::heap::{Heap, Limits};
use crate::ids::TypeId;
use crate::program::Program;

const MAGIC: &[u8; 4] = b"FLWV";
pub(crate) const VERSION: u16 = 1;

/// Typed values with the words they consist of, compact and self-contained; of one program, whose type ids they name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    roots: Vec<(TypeId, u64)>,
    words: Vec<u64>,
}

impl Image {
    /// An image of these values of `heap`.
    pub fn capture(program: &Program, heap: &Heap, roots: &[(TypeId, u64)]) -> Result<Image, CopyError> {
        let mut compact =
            Heap::new(program.known, Limits { heap_words: u32::MAX as usize, ..Limits::default() });
        let mut roots = roots.to_vec();
        copy(program, heap, &mut compact, &mut roots)?;
        Ok(Image { roots, words: compact.into_words() })
    }

    /// The values, copied to `heap`.
    pub fn restore(&self, program: &Program, heap: &mut Heap) -> Result<Vec<u64>, CopyError> {
        let from = Heap::from_words(program.known, Limits::default(), self.words.clone());
        let mut roots = self.roots.clone();
        copy(program, &from, heap, &mut roots)?;
        Ok(roots.into_iter().map(|(_, word)| word).collect())
    }

    /// The types of the values.
    pub fn types(&self) -> impl ExactSizeIterator<Item = TypeId> {
        self.roots.iter().map(|(ty, _)| *ty)
    }

    /// How many words of memory the values take.
    pub fn size(&self) -> usize {
        self.words.len()
    }

    /// As bytes, little-endian, with a checksum; described in `docs/frame-format.md`.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(MAGIC, VERSION, 16 * self.roots.len() + 8 * self.words.len());
        writer.u32(self.roots.len());
        for (ty, word) in &self.roots {
            writer.u32(ty.0 as usize);
            writer.word(*word);
        }
        writer.words(&self.words);
        writer.finish()
    }

    /// From bytes. The values themselves are checked by [`restore`](Self::restore).
    pub fn decode(bytes: &[u8]) -> Result<Image, Corrupt> {
        let mut reader = Reader::new(bytes, MAGIC, VERSION)?;
        let count = reader.count(12)?;
        let roots = (0..count).map(|_| Ok((TypeId(reader.u32()?), reader.word()?)));
        let roots = roots.collect::<Result<_, Corrupt>>()?;
        let words = reader.words()?;
        reader.end()?;
        Ok(Image { roots, words })
    }
}
