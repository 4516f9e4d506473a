//! The line being typed, and the lines before it.

use super::keys::Key;

/// Lines that are remembered.
const HISTORY_MAX: usize = 1_000;

/// What a key asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Redraw,
    /// Words that could stand here.
    Offer(Vec<String>),
    Submit(String),
    Quit,
}

#[derive(Default)]
pub(super) struct Editor {
    text: Vec<char>,
    /// Letters before the cursor; at most those that there are.
    at: usize,
    history: Vec<String>,
    /// Line of the history that is shown; the number of lines for the one being typed.
    shown: usize,
    /// What was typed before the history was looked at.
    draft: Vec<char>,
}

impl Editor {
    pub(super) fn new(mut history: Vec<String>) -> Editor {
        history.drain(..history.len().saturating_sub(HISTORY_MAX));
        Editor { shown: history.len(), history, ..Editor::default() }
    }

    pub(super) fn history(&self) -> &[String] {
        &self.history
    }

    /// A new line.
    pub(super) fn begin(&mut self) {
        self.text.clear();
        self.draft.clear();
        (self.at, self.shown) = (0, self.history.len());
    }

    pub(super) fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Letters behind the cursor.
    pub(super) fn behind(&self) -> usize {
        self.text.len() - self.at
    }

    /// `complete` answers the words that may stand where the text before the cursor ends.
    pub(super) fn press(&mut self, key: Key, complete: &dyn Fn(&str) -> Vec<String>) -> Effect {
        match key {
            Key::Letter(letter) => {
                self.text.insert(self.at, letter);
                self.at += 1;
            }
            Key::Backspace if self.at > 0 => {
                self.at -= 1;
                self.text.remove(self.at);
            }
            Key::Delete if self.at < self.text.len() => drop(self.text.remove(self.at)),
            Key::Left => self.at = self.at.saturating_sub(1),
            Key::Right => self.at = (self.at + 1).min(self.text.len()),
            Key::Home => self.at = 0,
            Key::End => self.at = self.text.len(),
            Key::Up => self.look(self.shown.saturating_sub(1)),
            Key::Down => self.look(self.shown + 1),
            Key::EraseBefore => {
                self.text.drain(..self.at);
                self.at = 0;
            }
            Key::EraseBehind => self.text.truncate(self.at),
            Key::EraseWord => {
                let start = self.word_start(true);
                self.text.drain(start..self.at);
                self.at = start;
            }
            Key::Tab => return self.complete(complete),
            Key::Enter => return Effect::Submit(self.submit()),
            Key::Cancel => self.begin(),
            Key::EndOfInput if self.text.is_empty() => return Effect::Quit,
            Key::Backspace | Key::Delete | Key::EndOfInput | Key::Unknown => {}
        }
        Effect::Redraw
    }

    fn submit(&mut self) -> String {
        let line = self.text();
        let is_new = self.history.last() != Some(&line);
        if is_new && !line.trim().is_empty() {
            if self.history.len() == HISTORY_MAX {
                self.history.remove(0);
            }
            self.history.push(line.clone());
        }
        line
    }

    /// Shows a line of the history, or the one being typed.
    fn look(&mut self, index: usize) {
        let index = index.min(self.history.len());
        if self.shown == self.history.len() {
            self.draft.clone_from(&self.text);
        }
        self.shown = index;
        self.text = self.history.get(index).map_or_else(|| self.draft.clone(), |line| line.chars().collect());
        self.at = self.text.len();
    }

    /// Where the word before the cursor starts; with the blanks behind it, if any.
    fn word_start(&self, over_blanks: bool) -> usize {
        let mut start = self.at;
        let is_blank = |index: usize| self.text.get(index).is_some_and(|letter| letter.is_whitespace());
        while over_blanks && start > 0 && is_blank(start - 1) {
            start -= 1;
        }
        while start > 0 && !is_blank(start - 1) {
            start -= 1;
        }
        start
    }

    fn complete(&mut self, complete: &dyn Fn(&str) -> Vec<String>) -> Effect {
        let before: String = self.text.iter().take(self.at).collect();
        let typed = self.at - self.word_start(false);
        let words = complete(&before);
        let Some(first) = words.first() else {
            return Effect::Redraw;
        };
        let common = words.iter().fold(first.chars().collect::<Vec<char>>(), |common, word| {
            common.into_iter().zip(word.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
        });
        if words.len() > 1 && common.len() <= typed {
            return Effect::Offer(words);
        }
        let mut rest: Vec<char> = common.into_iter().skip(typed).collect();
        if words.len() == 1 {
            rest.push(' ');
        }
        let count = rest.len();
        self.text.splice(self.at..self.at, rest);
        self.at += count;
        Effect::Redraw
    }
}
