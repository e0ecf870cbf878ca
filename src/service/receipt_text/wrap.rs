//! Lines of a fixed width: wrapped by what a reader takes for one character, with Chinese two columns wide.

use onedoor_domain::text::unprintable;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Stands for a character that is wider than the paper.
const TOO_WIDE: &str = "?";
/// Marks that do not begin a line (避头), as far as the paper allows.
const CLOSING: &str = "，。、；：！？）》」』】”’,.;:!?)]}";
/// Longest label a value is indented behind; with longer ones little room would be left.
const INDENT_MAX: usize = 4;

/// Lines, none wider than the paper.
pub(super) struct Lines {
    columns: usize,
    done: String,
}

/// A piece of text that stays together: a word or code, or one Chinese character with its closing marks.
struct Piece {
    text: String,
    columns: usize,
    spaced: bool,
}

impl Lines {
    pub(super) const fn new(columns: usize) -> Self {
        Self {
            columns,
            done: String::new(),
        }
    }

    /// A line of one character.
    pub(super) fn rule(&mut self, mark: char) {
        self.done.extend(std::iter::repeat_n(mark, self.columns));
        self.done.push('\n');
    }

    /// A text over as many lines as it needs; line breaks in it are kept.
    pub(super) fn text(&mut self, text: &str) {
        self.field("", text);
    }

    /// A label and its value; further lines are indented.
    pub(super) fn field(&mut self, label: &str, value: &str) {
        let indent = " ".repeat(width(label).min(INDENT_MAX));
        let mut label = label.to_owned();
        for paragraph in value.lines() {
            for line in wrap(&format!("{label}{paragraph}"), self.columns, &indent) {
                self.push(&line);
            }
            label.clone_from(&indent);
        }
        if value.is_empty() {
            self.push(label.trim_end());
        }
    }

    /// A text in the middle.
    pub(super) fn centered(&mut self, text: &str) {
        for line in wrap(text, self.columns, "") {
            let margin = self.columns.saturating_sub(width(&line)) / 2;
            self.push(&format!("{}{line}", " ".repeat(margin)));
        }
    }

    pub(super) fn finish(self) -> String {
        self.done
    }

    fn push(&mut self, line: &str) {
        self.done.push_str(line.trim_end());
        self.done.push('\n');
    }
}

/// Columns of a text on paper: characters whose width depends on the font count as wide, as Chinese printers
/// print them.
pub(super) fn width(text: &str) -> usize {
    text.graphemes(true).map(|grapheme| grapheme.width_cjk()).sum()
}

fn wrap(text: &str, columns: usize, indent: &str) -> Vec<String> {
    let text = &printable(text);
    let leading: String = text.chars().take(INDENT_MAX).take_while(|c| *c == ' ').collect();
    let mut lines = Vec::new();
    let mut line = leading;
    let mut used = width(&line);
    let mut empty = true;
    for piece in pieces(text) {
        let space = usize::from(piece.spaced && !empty);
        if !empty && used.saturating_add(space).saturating_add(piece.columns) > columns {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
            used = width(indent);
        } else if space == 1 {
            line.push(' ');
            used = used.saturating_add(1);
        }
        // a piece wider than the line (an address, a long code) is cut between characters
        for grapheme in piece.text.graphemes(true) {
            let (grapheme, wide) = bounded(grapheme, columns.saturating_sub(width(indent)));
            if used.saturating_add(wide) > columns {
                lines.push(std::mem::replace(&mut line, indent.to_owned()));
                used = width(indent);
            }
            line.push_str(grapheme);
            used = used.saturating_add(wide);
        }
        empty = false;
    }
    lines.push(line);
    lines
}

fn bounded(grapheme: &str, columns: usize) -> (&str, usize) {
    let wide = grapheme.width_cjk();
    if wide > columns {
        (TOO_WIDE, 1)
    } else {
        (grapheme, wide)
    }
}

/// The text without what would command the printer; other white space becomes a space.
fn printable(text: &str) -> String {
    let shown = |c: char| {
        if c.is_whitespace() {
            Some(' ')
        } else {
            Some(c).filter(|c| !unprintable(*c))
        }
    };
    text.chars().filter_map(shown).collect()
}

/// Cuts a text into pieces.
fn pieces(text: &str) -> Vec<Piece> {
    let mut found: Vec<Piece> = Vec::new();
    let mut spaced = false;
    let mut open = false;
    for grapheme in text.graphemes(true) {
        if grapheme.trim().is_empty() {
            spaced = true;
            open = false;
            continue;
        }
        let wide = grapheme.width_cjk();
        let word = grapheme.is_ascii();
        let closing = CLOSING.contains(grapheme);
        match found.last_mut() {
            Some(last) if !spaced && ((word && open) || closing) => {
                last.text.push_str(grapheme);
                last.columns = last.columns.saturating_add(wide);
            }
            _ => found.push(Piece {
                text: grapheme.to_owned(),
                columns: wide,
                spaced,
            }),
        }
        open = word;
        spaced = false;
    }
    found
}
