//! JSON path expressions: `$.a[0]."b c"[*].*`, `$**.x`, `$[last-1]`, `$[1 to 3]`.

use crate::MySqlError;

use super::{Json, JsonObject};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathLeg {
    Member(String),
    AnyMember,
    Cell(CellIndex),
    AnyCell,
    Range(CellIndex, CellIndex),
    /// `**`: this value and everything below.
    Descend,
}

/// An array position from the front, or from the end (`last` is 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellIndex {
    pub from_end: bool,
    pub index: usize,
}

impl CellIndex {
    fn resolve(self, len: usize) -> Option<usize> {
        if self.from_end { len.checked_sub(1)?.checked_sub(self.index) } else { Some(self.index) }
    }
}

/// A parsed path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath {
    pub legs: Vec<PathLeg>,
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl JsonPath {
    pub fn parse(text: &[u8]) -> Result<JsonPath, MySqlError> {
        let mut parser = Parser { text, at: 0 };
        parser.spaces();
        if !parser.take(b'$') {
            return Err(MySqlError::invalid_json_path(1));
        }
        let mut legs = Vec::new();
        loop {
            parser.spaces();
            if parser.at >= text.len() {
                break;
            }
            let leg = parser.leg().ok_or_else(|| MySqlError::invalid_json_path(parser.at))?;
            legs.push(leg);
        }
        if legs.last() == Some(&PathLeg::Descend) {
            return Err(MySqlError::invalid_json_path(text.len()));
        }
        Ok(JsonPath { legs })
    }

    /// The path may match many values.
    pub fn has_wildcard(&self) -> bool {
        self.legs.iter().any(|leg| {
            matches!(leg, PathLeg::AnyMember | PathLeg::AnyCell | PathLeg::Range(..) | PathLeg::Descend)
        })
    }

    /// All values the path matches, in document order.
    pub fn seek<'a>(&self, root: &'a Json) -> Vec<&'a Json> {
        let mut found = vec![root];
        for leg in &self.legs {
            let mut next = Vec::new();
            for value in found {
                step(leg, value, &mut next);
            }
            found = next;
        }
        found
    }

    /// The value a path without wildcards names, for changing it.
    pub fn seek_mut<'a>(legs: &[PathLeg], root: &'a mut Json) -> Option<&'a mut Json> {
        let mut at = root;
        for leg in legs {
            at = match (leg, at) {
                (PathLeg::Member(name), Json::Object(object)) => object.get_mut(name)?,
                (PathLeg::Cell(index), Json::Array(items)) => {
                    let at = index.resolve(items.len())?;
                    items.get_mut(at)?
                }
                (PathLeg::Cell(index), scalar)
                    if index.resolve(1) == Some(0) && !matches!(scalar, Json::Array(_)) =>
                {
                    scalar
                }
                _ => return None,
            };
        }
        Some(at)
    }

    /// Position of the last leg's cell in `parent`; may be past the end.
    pub fn cell_position(index: CellIndex, len: usize) -> Option<usize> {
        index.resolve(len)
    }
}

fn step<'a>(leg: &PathLeg, value: &'a Json, out: &mut Vec<&'a Json>) {
    match (leg, value) {
        (PathLeg::Member(name), Json::Object(object)) => out.extend(object.get(name)),
        (PathLeg::AnyMember, Json::Object(object)) => out.extend(object.iter().map(|(_, v)| v)),
        (PathLeg::Cell(index), Json::Array(items)) => {
            out.extend(index.resolve(items.len()).and_then(|at| items.get(at)))
        }
        (PathLeg::AnyCell, Json::Array(items)) => out.extend(items),
        (PathLeg::Range(from, to), Json::Array(items)) => {
            let start = from.resolve(items.len()).unwrap_or(0);
            let end = to.resolve(items.len()).map_or(0, |e| (e + 1).min(items.len()));
            out.extend(items.get(start..end).unwrap_or(&[]));
        }
        // A scalar or object behaves as an array of one.
        (PathLeg::Cell(index), scalar) if index.resolve(1) == Some(0) => out.push(scalar),
        (PathLeg::Range(from, to), scalar)
            if from.resolve(1).unwrap_or(0) == 0 && to.resolve(1).is_some() =>
        {
            out.push(scalar)
        }
        (PathLeg::Descend, value) => descend(value, out),
        _ => {}
    }
}

fn descend<'a>(value: &'a Json, out: &mut Vec<&'a Json>) {
    out.push(value);
    match value {
        Json::Array(items) => items.iter().for_each(|item| descend(item, out)),
        Json::Object(object) => object.iter().for_each(|(_, v)| descend(v, out)),
        _ => {}
    }
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn leg(&mut self) -> Option<PathLeg> {
        match self.peek()? {
            b'.' => {
                self.at += 1;
                self.spaces();
                if self.take(b'*') { Some(PathLeg::AnyMember) } else { self.member() }
            }
            b'[' => {
                self.at += 1;
                self.cell()
            }
            b'*' if self.text.get(self.at + 1) == Some(&b'*') => {
                self.at += 2;
                Some(PathLeg::Descend)
            }
            _ => None,
        }
    }

    fn member(&mut self) -> Option<PathLeg> {
        let start = self.at;
        if self.peek()? == b'"' {
            self.at += 1;
            while self.peek()? != b'"' {
                self.at += if self.peek()? == b'\\' { 2 } else { 1 };
            }
            self.at += 1;
            return match Json::parse(self.text.get(start..self.at)?) {
                Ok(Json::String(name)) => Some(PathLeg::Member(name)),
                _ => None,
            };
        }
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80) {
            self.at += 1;
        }
        let name = std::str::from_utf8(&self.text[start..self.at]).ok()?;
        (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()))
            .then(|| PathLeg::Member(name.to_owned()))
    }

    fn cell(&mut self) -> Option<PathLeg> {
        self.spaces();
        if self.take(b'*') {
            self.spaces();
            return self.take(b']').then_some(PathLeg::AnyCell);
        }
        let from = self.index()?;
        self.spaces();
        if self.text.get(self.at..self.at + 2) == Some(b"to") {
            self.at += 2;
            self.spaces();
            let to = self.index()?;
            self.spaces();
            return self.take(b']').then_some(PathLeg::Range(from, to));
        }
        self.take(b']').then_some(PathLeg::Cell(from))
    }

    fn index(&mut self) -> Option<CellIndex> {
        if self.text.get(self.at..self.at + 4) == Some(b"last") {
            self.at += 4;
            self.spaces();
            let index = if self.take(b'-') {
                self.spaces();
                self.number()?
            } else {
                0
            };
            return Some(CellIndex { from_end: true, index });
        }
        Some(CellIndex { from_end: false, index: self.number()? })
    }

    fn number(&mut self) -> Option<usize> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        std::str::from_utf8(&self.text[start..self.at]).ok()?.parse::<u32>().ok().map(|n| n as usize)
    }
}

impl Json {
    /// The value as an array, wrapping anything else: MySQL's autowrap.
    pub fn into_array(self) -> Vec<Json> {
        match self {
            Json::Array(items) => items,
            other => vec![other],
        }
    }

    /// An object from pairs; later duplicates win.
    pub fn object(pairs: impl IntoIterator<Item = (String, Json)>) -> Json {
        let mut object = JsonObject::new();
        for (key, value) in pairs {
            object.insert(key, value);
        }
        Json::Object(object)
    }
}
