//! Keys, from the bytes that a terminal sends.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Letter(char),
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    Home,
    End,
    Up,
    Down,
    /// Ctrl-C: the line is given up.
    Cancel,
    /// Ctrl-D: the end, on an empty line.
    EndOfInput,
    /// Ctrl-U, Ctrl-K, Ctrl-W: what stands before the cursor, behind it, and the word before it.
    EraseBefore,
    EraseBehind,
    EraseWord,
    /// Anything else.
    Unknown,
}

/// Reads one key; none at the end of the input. `next` is the next byte.
pub(super) fn read(mut next: impl FnMut() -> std::io::Result<Option<u8>>) -> std::io::Result<Option<Key>> {
    let Some(first) = next()? else {
        return Ok(None);
    };
    Ok(Some(match first {
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Tab,
        0x7f | 0x08 => Key::Backspace,
        0x01 => Key::Home,
        0x02 => Key::Left,
        0x03 => Key::Cancel,
        0x04 => Key::EndOfInput,
        0x05 => Key::End,
        0x06 => Key::Right,
        0x0b => Key::EraseBehind,
        0x0e => Key::Down,
        0x10 => Key::Up,
        0x15 => Key::EraseBefore,
        0x17 => Key::EraseWord,
        0x1b => escape(&mut next)?,
        0x20..=0x7e => Key::Letter(char::from(first)),
        0xc2..=0xf4 => letter(first, &mut next)?,
        _ => Key::Unknown,
    }))
}

/// `ESC [ A`, `ESC O H`, `ESC [ 3 ~`
fn escape(next: &mut impl FnMut() -> std::io::Result<Option<u8>>) -> std::io::Result<Key> {
    if !matches!(next()?, Some(b'[' | b'O')) {
        return Ok(Key::Unknown);
    }
    let mut number = 0_u32;
    while let Some(byte) = next()? {
        return Ok(match byte {
            b'0'..=b'9' => {
                number = number.saturating_mul(10).saturating_add(u32::from(byte - b'0'));
                continue;
            }
            b';' => {
                number = 0;
                continue;
            }
            b'A' => Key::Up,
            b'B' => Key::Down,
            b'C' => Key::Right,
            b'D' => Key::Left,
            b'H' => Key::Home,
            b'F' => Key::End,
            b'~' => match number {
                1 | 7 => Key::Home,
                4 | 8 => Key::End,
                3 => Key::Delete,
                _ => Key::Unknown,
            },
            _ => Key::Unknown,
        });
    }
    Ok(Key::Unknown)
}

/// A letter of several bytes of UTF-8.
fn letter(first: u8, next: &mut impl FnMut() -> std::io::Result<Option<u8>>) -> std::io::Result<Key> {
    let more = match first {
        0xc2..=0xdf => 1,
        0xe0..=0xef => 2,
        _ => 3,
    };
    let mut bytes = vec![first];
    for _ in 0..more {
        bytes.extend(next()?);
    }
    let letter = std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next());
    Ok(letter.map_or(Key::Unknown, Key::Letter))
}
