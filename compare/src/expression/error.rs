//! What is wrong with an expression, and where.

use std::fmt;
use std::ops::Range;

/// Letters before and after the place that an error shows.
const AROUND: usize = 60;

/// An expression that is not understood or means nothing for a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    /// What is wrong, and what would be right.
    message: String,
    /// The expression around the place, in one line.
    excerpt: String,
    /// Letters of `excerpt` before the place.
    before: usize,
    /// Letters of the place, 1 at least.
    width: usize,
}

impl ExpressionError {
    /// An error at the bytes `place` of `text`.
    pub(super) fn new(text: &str, place: Range<usize>, message: impl Into<String>) -> Self {
        let letters_before = text.char_indices().filter(|(at, _)| *at < place.start).count();
        let width = text.char_indices().filter(|(at, _)| place.contains(at)).count().clamp(1, AROUND);
        let skipped = letters_before.saturating_sub(AROUND);
        let shown = (letters_before - skipped) + width + AROUND;
        // Tabs and line ends would tear caret and place apart.
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let excerpt: String = text.chars().skip(skipped).take(shown).map(plain).collect();
        Self { message: message.into(), excerpt, before: letters_before - skipped, width }
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.message)?;
        writeln!(f, "  {}", self.excerpt)?;
        write!(f, "  {:before$}{:^<width$}", "", "", before = self.before, width = self.width)
    }
}

impl std::error::Error for ExpressionError {}
