//! Half-open ranges of user keys.

use bytes::Bytes;

/// `[start, end)` of user keys; an empty end has no bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct KeyRange {
    pub start: Bytes,
    pub end: Bytes,
}

impl KeyRange {
    pub fn new(start: impl Into<Bytes>, end: impl Into<Bytes>) -> KeyRange {
        KeyRange { start: start.into(), end: end.into() }
    }

    /// Every key.
    pub fn all() -> KeyRange {
        KeyRange::default()
    }

    /// All keys that start with `prefix`.
    pub fn prefix(prefix: impl Into<Bytes>) -> KeyRange {
        let start = prefix.into();
        let end = prefix_end(&start);
        KeyRange { start, end: end.into() }
    }

    /// The range of exactly one key.
    pub fn point(key: impl Into<Bytes>) -> KeyRange {
        let start = key.into();
        let mut end = Vec::with_capacity(start.len() + 1);
        end.extend_from_slice(&start);
        end.push(0);
        KeyRange { start, end: end.into() }
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        self.start.as_ref() <= key && (self.end.is_empty() || key < self.end.as_ref())
    }

    pub fn is_empty(&self) -> bool {
        !self.end.is_empty() && self.start >= self.end
    }

    /// The common part; `None` when there is none.
    pub fn intersection(&self, other: &KeyRange) -> Option<KeyRange> {
        let start = self.start.clone().max(other.start.clone());
        let end = match (self.end.is_empty(), other.end.is_empty()) {
            (true, _) => other.end.clone(),
            (_, true) => self.end.clone(),
            _ => self.end.clone().min(other.end.clone()),
        };
        let range = KeyRange { start, end };
        (!range.is_empty()).then_some(range)
    }
}

/// The first key after all keys with `prefix`; empty when there is none.
fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_after_its_last_key() {
        assert_eq!(KeyRange::prefix("ab").end.as_ref(), b"ac");
        assert_eq!(KeyRange::prefix(&b"a\xff\xff"[..]).end.as_ref(), b"b");
        assert_eq!(KeyRange::prefix(&b"\xff"[..]).end.as_ref(), b"");
        assert!(KeyRange::prefix(&b"\xff"[..]).contains(b"\xff\xff"));
    }

    #[test]
    fn a_point_holds_only_its_key() {
        let point = KeyRange::point("k");
        assert!(point.contains(b"k"));
        assert!(!point.contains(b"k\0"));
        assert!(!point.contains(b"j"));
    }

    #[test]
    fn intersections_treat_an_empty_end_as_infinity() {
        let all = KeyRange::all();
        let tail = KeyRange::new("m", "");
        let head = KeyRange::new("", "n");
        assert_eq!(all.intersection(&tail), Some(tail.clone()));
        assert_eq!(tail.intersection(&head), Some(KeyRange::new("m", "n")));
        assert_eq!(KeyRange::new("a", "m").intersection(&tail), None);
    }
}
