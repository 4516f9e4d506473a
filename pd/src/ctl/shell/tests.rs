//! Lines from keys, without a terminal.

use super::complete;
use super::editor::{Editor, Effect};
use super::keys::{self, Key};

fn keys(mut bytes: &[u8]) -> Vec<Key> {
    let mut found = Vec::new();
    let mut next = || {
        Ok(bytes.split_first().map(|(first, rest)| {
            bytes = rest;
            *first
        }))
    };
    while let Some(key) = keys::read(&mut next).expect("reads") {
        found.push(key);
    }
    found
}

/// The last effect of these bytes.
fn type_in(editor: &mut Editor, bytes: &[u8]) -> Effect {
    let effects = keys(bytes).into_iter().map(|key| editor.press(key, &complete::after));
    effects.last().expect("a key")
}

#[test]
fn bytes_are_keys() {
    let arrows = [Key::Up, Key::Down, Key::Right, Key::Left, Key::Home, Key::End];
    assert_eq!(keys(b"\x1b[A\x1b[B\x1b[C\x1b[D\x1bOH\x1b[F"), arrows);
    assert_eq!(
        keys(b"\x1b[3~\x7f\t\r\x03\x04"),
        [Key::Delete, Key::Backspace, Key::Tab, Key::Enter, Key::Cancel, Key::EndOfInput]
    );
    assert_eq!(keys("é€\u{1f600}".as_bytes()), ['é', '€', '\u{1f600}'].map(Key::Letter));
    assert_eq!(keys(b"\x1b[1;5C\x1b"), [Key::Right, Key::Unknown]);
    assert_eq!(keys(&[0xff, 0xe2, b'x']), [Key::Unknown, Key::Unknown]);
}

#[test]
fn a_line_is_edited_in_place() {
    let mut editor = Editor::new(Vec::new());
    editor.begin();
    assert_eq!(
        type_in(&mut editor, b"stor\x1b[D\x1b[D\x1b[D\x1b[Cx\x7fe\x1b[3~\r"),
        Effect::Submit("ster".to_owned())
    );
    editor.begin();
    type_in(&mut editor, b"one two three");
    type_in(&mut editor, b"\x17");
    assert_eq!(editor.text(), "one two ");
    type_in(&mut editor, b"\x01\x1b[C\x0b");
    assert_eq!((editor.text().as_str(), editor.behind()), ("o", 0));
    type_in(&mut editor, b"\x15");
    assert_eq!(type_in(&mut editor, b"\x04"), Effect::Quit);
}

#[test]
fn history_goes_back_and_comes_again_to_what_was_typed() {
    let mut editor = Editor::new(vec!["first".to_owned()]);
    editor.begin();
    type_in(&mut editor, b"second\r");
    editor.begin();
    type_in(&mut editor, b"second\r");
    assert_eq!(editor.history(), ["first", "second"], "twice the same is kept once");
    editor.begin();
    type_in(&mut editor, b"dra\x1b[A\x1b[A\x1b[A");
    assert_eq!(editor.text(), "first");
    type_in(&mut editor, b"\x1b[B\x1b[B\x1b[B");
    assert_eq!(editor.text(), "dra");
}

#[test]
fn commands_values_and_flags_are_completed() {
    let mut editor = Editor::new(Vec::new());
    editor.begin();
    type_in(&mut editor, b"placement-r\t");
    assert_eq!(editor.text(), "placement-rules ");
    let Effect::Offer(offered) = type_in(&mut editor, b"rule-\t") else {
        panic!("several rules");
    };
    assert_eq!(offered, ["rule-bundle", "rule-group"]);
    assert!(complete::after("region check ").contains(&"miss-peer".to_owned()));
    assert_eq!(complete::after("region check empty"), ["empty-region"]);
    assert!(complete::after("store label 4 --").contains(&"--rewrite".to_owned()));
    assert!(complete::after("store --j").contains(&"--json".to_owned()));
    assert!(complete::after("nosuch").is_empty());
    assert!(complete::after("").contains(&"store".to_owned()));
}
