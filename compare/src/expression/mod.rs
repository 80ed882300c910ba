//! The language of `panto compare --fail-if 'EXPR'`: which rows of a comparison are
//! not good enough.
//!
//! An expression is looked at for every row; a row for which it is true is a
//! [`Violation`].
//!
//! | what               | how                                                                          |
//! |--------------------|------------------------------------------------------------------------------|
//! | logic              | `or` or `\|\|`, `and` or `&&`, `not` or `!`, parentheses                     |
//! | comparisons        | `<` `<=` `>` `>=` `==` `!=`                                                  |
//! | arithmetic         | `+` `-` `*` `/`                                                              |
//! | numbers            | `1500`, `1.5e3`, `10kB`, `2MB`, `64kiB`, `1MiB`, `50%`, `80ms`, `2s`         |
//! | texts              | `"pixels"` or `'pixels'`, compared with `==` and `!=`                        |
//! | figures            | METRICS.md's names: `bytes_down`, `frames`, `exact`, `mode`, `link`          |
//! | parts of figures   | `input_to_pixel_ms.p95`, `latency_stages_ms.network`, `payload_bytes_by_kind.Fill` |
//! | `way`              | how the row is called in its table: `pixels 8 bit`                           |
//! | `error`            | whether the row is partial                                                   |
//! | another row        | `pixels.bytes_down`, `tigervnc.bytes_down`, `'tigervnc tight'.bytes_down`    |
//!
//! A plain number compared with a time is in that time's own unit: `rtt_ms < 50`.
//! `50ms` and `2s` are converted to it, and so is a time of the other unit.
//!
//! Another row is one of the same workload and link. `pixels` is the row of that way
//! or mode with the same depth and scale, `'pixels 8 bit'` the row of exactly that
//! way, `tigervnc` the only row of that system.
//!
//! # What was not measured
//!
//! A comparison with a figure that a row does not have is neither true nor false,
//! and so is its negation: such a row is no violation because of it. The same holds
//! for another row that does not exist, and for a division by zero. A kind of command
//! that a row with counts by kind does not list was sent zero times.
//! If nothing at all could be compared, [`Expression::check`] says so instead of
//! reporting no violation.

mod error;
mod evaluate;
mod names;
mod parse;
mod token;
mod typed;

use std::fmt;

use crate::figures::{Comparison, Figures};

pub use error::ExpressionError;
pub use evaluate::Value;

/// An expression, parsed and of the right types.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    typed: typed::Typed,
}

/// A row for which an expression is true.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// The row's workload.
    pub workload: String,
    /// The row's link.
    pub link: String,
    /// [`Figures::way`] of the row.
    pub way: String,
    /// The expression's names as they are written there, and what they are in this row;
    /// `None` is "not measured".
    pub values: Vec<(String, Option<Value>)>,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// Where it is not understood, and what would be right.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let tree = parse::parse(text)?;
        let typed = typed::typed(text, &tree)?;
        Ok(Self { text: text.to_owned(), typed })
    }

    /// The rows for which the expression is true, in order.
    ///
    /// # Errors
    ///
    /// A name of another row that means several, and an expression that compared
    /// nothing in any row.
    pub fn check(&self, comparison: &Comparison) -> Result<Vec<Violation>, ExpressionError> {
        evaluate::check(&self.text, &self.typed, comparison)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {} over {}", self.way, self.workload, self.link)?;
        // What the beginning of the sentence says already.
        let said = ["workload", "link", "way", "mode", "system"];
        let values = self.values.iter().filter(|(name, _)| !said.contains(&name.as_str()));
        for (i, (name, value)) in values.enumerate() {
            f.write_str(if i == 0 { ": " } else { ", " })?;
            match value {
                Some(value) => write!(f, "{name} = {value}")?,
                None => write!(f, "{name} not measured")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
