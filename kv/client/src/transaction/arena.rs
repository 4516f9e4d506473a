//! Keys and values of a membuffer, one behind the other in few large pieces.
//!
//! A key or value of its own costs an allocation, its header and a handle: more than a short row is long. Full pieces
//! are shared with whoever reads from them; only the piece that is still filled is copied for that.

use bytes::Bytes;

/// A piece is full at this size; what is larger gets one of its own.
const PIECE_BYTES: usize = 256 << 10;

/// Where something is in the arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slice {
    piece: u32,
    at: u32,
    len: u32,
}

impl Slice {
    pub(super) fn len(self) -> usize {
        self.len as usize
    }
}

/// How far the arena was filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pieces: usize,
    open: usize,
}

#[derive(Debug, Default)]
pub(super) struct Arena {
    full: Vec<Bytes>,
    open: Vec<u8>,
    full_bytes: usize,
}

impl Arena {
    /// Everything in it, also what nobody points to any more.
    pub(super) fn len(&self) -> usize {
        self.full_bytes + self.open.len()
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { pieces: self.full.len(), open: self.open.len() }
    }

    /// Forgets what was added since.
    pub(super) fn truncate(&mut self, mark: Mark) {
        if let Some(piece) = self.full.get(mark.pieces) {
            self.open = piece.get(..mark.open).unwrap_or_default().to_vec();
            let gone = self.full.split_off(mark.pieces);
            self.full_bytes -= gone.iter().map(Bytes::len).sum::<usize>();
        } else {
            self.open.truncate(mark.open);
        }
    }

    /// Adds a copy. Entries are bounded far below 4 GiB, and so is a transaction to as many pieces.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Slice {
        if self.open.len() + bytes.len() > PIECE_BYTES && !self.open.is_empty() {
            self.seal();
        }
        let at = self.open.len();
        self.open.extend_from_slice(bytes);
        Slice { piece: self.full.len() as u32, at: at as u32, len: bytes.len() as u32 }
    }

    fn seal(&mut self) {
        self.full_bytes += self.open.len();
        self.full.push(Bytes::from(std::mem::take(&mut self.open).into_boxed_slice()));
    }

    pub(super) fn get(&self, slice: Slice) -> &[u8] {
        let piece = self.full.get(slice.piece as usize).map_or(self.open.as_slice(), |piece| piece);
        piece.get(slice.at as usize..(slice.at + slice.len) as usize).unwrap_or_default()
    }

    pub(super) fn bytes(&self, slice: Slice) -> Bytes {
        match self.full.get(slice.piece as usize) {
            Some(piece) => piece.slice(slice.at as usize..(slice.at + slice.len) as usize),
            None => Bytes::copy_from_slice(self.get(slice)),
        }
    }

    /// As it is now; the slices stay what they are.
    pub(super) fn frozen(&self) -> Frozen {
        let mut pieces = self.full.clone();
        pieces.push(Bytes::copy_from_slice(&self.open));
        Frozen { pieces }
    }
}

/// An arena that nothing is written to any more.
#[derive(Debug, Default)]
pub(super) struct Frozen {
    pieces: Vec<Bytes>,
}

impl Frozen {
    /// Takes in one more piece.
    pub(super) fn add(&mut self, bytes: Bytes) -> Slice {
        let slice = Slice { piece: self.pieces.len() as u32, at: 0, len: bytes.len() as u32 };
        self.pieces.push(bytes);
        slice
    }

    pub(super) fn get(&self, slice: Slice) -> &[u8] {
        let piece = self.pieces.get(slice.piece as usize);
        let range = slice.at as usize..(slice.at + slice.len) as usize;
        piece.and_then(|piece| piece.get(range)).unwrap_or_default()
    }

    pub(super) fn bytes(&self, slice: Slice) -> Bytes {
        let range = slice.at as usize..(slice.at + slice.len) as usize;
        self.pieces.get(slice.piece as usize).map_or_else(Bytes::new, |piece| piece.slice(range))
    }
}
