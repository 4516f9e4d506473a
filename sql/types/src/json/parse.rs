//! JSON text to value. Messages are those of MySQL's parser (RapidJSON), which clients see in 3140 and 3141.

use super::{Json, JsonObject};

/// Deepest nesting MySQL accepts.
const MAX_DEPTH: usize = 100;

/// Why a text is not JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonSyntaxError {
    pub reason: &'static str,
    pub position: usize,
    /// The document nests deeper than 100 levels (3157).
    pub too_deep: bool,
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Json {
    pub fn parse(text: &[u8]) -> Result<Json, JsonSyntaxError> {
        let mut parser = Parser { text, at: 0 };
        parser.spaces();
        if parser.at == text.len() {
            return Err(parser.error("The document is empty."));
        }
        let value = parser.value(0)?;
        parser.spaces();
        if parser.at < text.len() {
            return Err(parser.error("The document root must not be followed by other values."));
        }
        Ok(value)
    }
}

impl Parser<'_> {
    fn error(&self, reason: &'static str) -> JsonSyntaxError {
        JsonSyntaxError { reason, position: self.at, too_deep: false }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json, JsonSyntaxError> {
        if depth > MAX_DEPTH {
            return Err(JsonSyntaxError {
                too_deep: true,
                ..self.error("The JSON document exceeds the maximum depth.")
            });
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b't') => self.word(b"true", Json::Bool(true)),
            Some(b'f') => self.word(b"false", Json::Bool(false)),
            Some(b'n') => self.word(b"null", Json::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &[u8], value: Json) -> Result<Json, JsonSyntaxError> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(value);
        }
        // RapidJSON reports the first character that differs.
        self.at += 1 + self.text[self.at + 1..].iter().zip(&word[1..]).take_while(|(a, b)| a == b).count();
        Err(self.error("Invalid value."))
    }

    fn array(&mut self, depth: usize) -> Result<Json, JsonSyntaxError> {
        self.at += 1;
        let mut items = Vec::new();
        self.spaces();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(items));
        }
        loop {
            self.spaces();
            items.push(self.value(depth + 1)?);
            self.spaces();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::Array(items));
                }
                _ => return Err(self.error("Missing a comma or ']' after an array element.")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, JsonSyntaxError> {
        self.at += 1;
        let mut object = JsonObject::new();
        self.spaces();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(object));
        }
        loop {
            self.spaces();
            if self.peek() != Some(b'"') {
                return Err(self.error("Missing a name for object member."));
            }
            let key = self.string()?;
            self.spaces();
            if self.peek() != Some(b':') {
                return Err(self.error("Missing a colon after a name of object member."));
            }
            self.at += 1;
            self.spaces();
            let value = self.value(depth + 1)?;
            object.insert(key, value);
            self.spaces();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(object));
                }
                _ => return Err(self.error("Missing a comma or '}' after an object member.")),
            }
        }
    }

    fn string(&mut self) -> Result<String, JsonSyntaxError> {
        let start = self.at;
        self.at += 1;
        let mut out: Vec<u8> = Vec::new();
        loop {
            match self.peek() {
                None => {
                    self.at = start;
                    return Err(self.error("Missing a closing quotation mark in string."));
                }
                Some(b'"') => {
                    self.at += 1;
                    return String::from_utf8(out).map_err(|_| self.error("Invalid encoding in string."));
                }
                Some(b'\\') => self.escape(&mut out)?,
                Some(b) if b < 0x20 => return Err(self.error("Invalid encoding in string.")),
                Some(b) => {
                    out.push(b);
                    self.at += 1;
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), JsonSyntaxError> {
        let escaped = self.text.get(self.at + 1).copied();
        let byte = match escaped {
            Some(b @ (b'"' | b'\\' | b'/')) => b,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode_escape(out),
            _ => return Err(self.error("Invalid escape character in string.")),
        };
        out.push(byte);
        self.at += 2;
        Ok(())
    }

    fn unicode_escape(&mut self, out: &mut Vec<u8>) -> Result<(), JsonSyntaxError> {
        let bad = "Incorrect hex digit after \\u escape in string.";
        let mut code = self.hex4(self.at + 2).ok_or_else(|| self.error(bad))?;
        self.at += 6;
        if (0xD800..0xDC00).contains(&code) {
            let low = (self.text.get(self.at..self.at + 2) == Some(b"\\u"))
                .then(|| self.hex4(self.at + 2))
                .flatten();
            let low = low
                .filter(|l| (0xDC00..0xE000).contains(l))
                .ok_or_else(|| self.error("The surrogate pair in string is invalid."))?;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            self.at += 6;
        }
        let c = char::from_u32(code).ok_or_else(|| self.error("The surrogate pair in string is invalid."))?;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn hex4(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 4)?;
        digits.iter().try_fold(0, |code, b| char::from(*b).to_digit(16).map(|d| code * 16 + d))
    }

    fn number(&mut self) -> Result<Json, JsonSyntaxError> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let whole = self.digits();
        if whole == 0 {
            self.at = start;
            return Err(self.error("Invalid value."));
        }
        if whole > 1 && self.text[self.at - whole] == b'0' {
            self.at = self.at - whole + 1;
            return Err(self.error("The document root must not be followed by other values."));
        }
        let mut real = false;
        if self.peek() == Some(b'.') {
            self.at += 1;
            real = true;
            if self.digits() == 0 {
                return Err(self.error("Missing fraction part in number."));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            real = true;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.error("Missing exponent in number."));
            }
        }
        let text = std::str::from_utf8(&self.text[start..self.at]).unwrap_or("0");
        if !real {
            if let Ok(v) = text.parse::<i64>() {
                return Ok(Json::Int(v));
            }
            if let Ok(v) = text.parse::<u64>() {
                return Ok(Json::UInt(v));
            }
        }
        match text.parse::<f64>() {
            Ok(v) if v.is_finite() => Ok(Json::Double(v)),
            _ => {
                self.at = start;
                Err(self.error("Number too big to be stored in double."))
            }
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }
}
