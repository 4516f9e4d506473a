//! What the storage keeps of a counter.

use bytes::Bytes;

use crate::error::{Error, Result};

/// A counter in the storage: `end`, or `end explicit writer` once a node among several announced an explicit value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// The first id nobody reserved; 0 while none was.
    pub end: u64,
    /// No explicit value that was written is larger, and nobody generates one up to it, but for its writer.
    pub explicit: u64,
    /// Who alone announced `explicit`; 0 when nodes share it.
    pub writer: u64,
}

impl Stored {
    pub fn parse(bytes: &[u8]) -> Result<Stored> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error::corrupt("id counter"))?;
        let numbers: Result<Vec<u64>, _> = text.split(' ').map(str::parse).collect();
        match numbers.map_err(|_| Error::corrupt("id counter"))?[..] {
            [end] => Ok(Stored { end, ..Stored::default() }),
            [end, explicit, writer] => Ok(Stored { end, explicit, writer }),
            _ => Err(Error::corrupt("id counter")),
        }
    }

    pub fn text(&self) -> Bytes {
        match self.explicit {
            0 => Bytes::from(self.end.to_string()),
            explicit => Bytes::from(format!("{} {explicit} {}", self.end, self.writer)),
        }
    }

    /// The first id that `node` (`None`: the only one) may generate as far as explicit values go.
    pub fn first_for(&self, node: Option<u64>) -> u64 {
        let kept_ahead = node.is_some_and(|node| node == self.writer);
        if kept_ahead || self.explicit == 0 { 0 } else { self.explicit.saturating_add(1) }
    }

    /// Whether `node` may write an explicit value without another word: everybody passes over it when generating.
    pub fn covers(&self, explicit: u64, node: u64) -> bool {
        self.explicit >= explicit && (self.writer == node || self.writer == 0)
    }

    /// The counter once `node` has announced `explicit`, with a margin if it had announced the value before.
    pub fn announced(self, explicit: u64, margin: u64, node: u64) -> Stored {
        if self.explicit >= explicit {
            // What another node keeps ahead for itself: from now on nobody generates there.
            return Stored { writer: 0, ..self };
        }
        Stored { explicit: explicit.saturating_add(margin), writer: node, ..self }
    }

    /// The first id that no node has given out or will, as far as the storage knows.
    pub fn next(&self, first: u64) -> u64 {
        self.end.max(self.first_for(None)).max(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_read_as_it_was_written() {
        let plain = Stored { end: 4097, explicit: 0, writer: 0 };
        assert_eq!(plain.text(), "4097");
        let shared = Stored { end: 1, explicit: 1000, writer: 7 };
        assert_eq!(shared.text(), "1 1000 7");
        for counter in [plain, shared] {
            assert_eq!(Stored::parse(&counter.text()).expect("is one"), counter);
        }
        for text in ["", "x", "1 2", "1 2 3 4", "-1"] {
            Stored::parse(text.as_bytes()).expect_err("is none");
        }
    }

    #[test]
    fn an_announcement_binds_everybody_but_its_writer_until_another_writes_below_it() {
        let ahead = Stored::default().announced(1000, 8, 1);
        assert_eq!((ahead.explicit, ahead.writer), (1008, 1));
        assert!(ahead.covers(1008, 1) && !ahead.covers(1009, 1));
        assert_eq!((ahead.first_for(Some(1)), ahead.first_for(Some(2))), (0, 1009));
        assert!(!ahead.covers(1004, 2), "the writer may be about to generate that");
        let shared = ahead.announced(1004, 8, 2);
        assert_eq!((shared.explicit, shared.writer), (1008, 0));
        assert!(shared.covers(1004, 2) && shared.covers(1004, 1));
        assert_eq!((shared.first_for(Some(1)), shared.first_for(None)), (1009, 1009));
        let above = shared.announced(2000, 0, 2);
        assert_eq!((above.explicit, above.writer), (2000, 2));
    }
}
