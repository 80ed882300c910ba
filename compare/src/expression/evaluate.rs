//! An expression against rows.

use std::cell::Cell;
use std::fmt;

use super::names::{ERROR, Type, WAY};
use super::typed::{Condition, Name, Order, Quantity, Reference, Text, Typed};
use super::{Comparison, ExpressionError, Figures, Violation};

/// A figure of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// In the figure's own unit.
    Number(f64),
    /// Yes or no.
    Bool(bool),
    /// A name, a digest, a reason.
    Text(String),
}

/// The rows for which `typed` is true.
pub(super) fn check(
    text: &str,
    typed: &Typed,
    comparison: &Comparison,
) -> Result<Vec<Violation>, ExpressionError> {
    let json = comparison.rows.iter().map(|row| serde_json::to_value(row).unwrap_or_default()).collect();
    let check = Check { text, typed, rows: &comparison.rows, json, compared: Cell::default() };
    let mut violations = Vec::new();
    for (at, row) in comparison.rows.iter().enumerate() {
        if check.condition(at, &typed.condition)? == Some(true) {
            violations.push(check.violation(at, row));
        }
    }
    check.has_measured()?;
    Ok(violations)
}

/// What comparisons were made so far.
#[derive(Debug, Clone, Copy, Default)]
struct Compared {
    texts: bool,
    /// With a figure that is no text: what the expression is about.
    figures: bool,
}

struct Check<'a> {
    text: &'a str,
    typed: &'a Typed,
    rows: &'a [Figures],
    json: Vec<serde_json::Value>,
    compared: Cell<Compared>,
}

impl Check<'_> {
    fn condition(&self, row: usize, condition: &Condition) -> Result<Option<bool>, ExpressionError> {
        Ok(match condition {
            Condition::Constant(value) => Some(*value),
            Condition::Flag(name) => match self.value(row, *name)? {
                Some(Value::Bool(value)) => {
                    self.compared.set(Compared { figures: true, ..self.compared.get() });
                    Some(value)
                }
                _ => None,
            },
            Condition::Not(inner) => self.condition(row, inner)?.map(|value| !value),
            Condition::And(a, b) => match self.condition(row, a)? {
                Some(false) => Some(false),
                a => match self.condition(row, b)? {
                    Some(false) => Some(false),
                    b => a.and(b),
                },
            },
            Condition::Or(a, b) => match self.condition(row, a)? {
                Some(true) => Some(true),
                a => match self.condition(row, b)? {
                    Some(true) => Some(true),
                    b => a.and(b),
                },
            },
            Condition::Numbers(order, a, b) => {
                let (Some(a), Some(b)) = (self.quantity(row, a)?, self.quantity(row, b)?) else {
                    return Ok(None);
                };
                self.compared.set(Compared { figures: true, ..self.compared.get() });
                Some(match order {
                    Order::Less => a < b,
                    Order::LessOrEqual => a <= b,
                    Order::More => a > b,
                    Order::MoreOrEqual => a >= b,
                    Order::Equal => a == b,
                    Order::NotEqual => a != b,
                })
            }
            Condition::Texts(is_equal, a, b) => {
                let (Some(a), Some(b)) = (self.text(row, a)?, self.text(row, b)?) else { return Ok(None) };
                self.compared.set(Compared { texts: true, ..self.compared.get() });
                Some((a == b) == *is_equal)
            }
            Condition::Conditions(is_equal, a, b) => {
                let (a, b) = (self.condition(row, a)?, self.condition(row, b)?);
                a.zip(b).map(|(a, b)| (a == b) == *is_equal)
            }
        })
    }

    fn quantity(&self, row: usize, quantity: &Quantity) -> Result<Option<f64>, ExpressionError> {
        let both = |a, b, with: fn(f64, f64) -> f64| -> Result<Option<f64>, ExpressionError> {
            let (Some(a), Some(b)) = (self.quantity(row, a)?, self.quantity(row, b)?) else {
                return Ok(None);
            };
            // A division by zero gives nothing to compare with.
            Ok(Some(with(a, b)).filter(|result| result.is_finite()))
        };
        match quantity {
            Quantity::Constant(number) => Ok(Some(*number)),
            Quantity::Figure(name) => Ok(match self.value(row, *name)? {
                Some(Value::Number(number)) => Some(number),
                _ => None,
            }),
            Quantity::Add(a, b) => both(a, b, |a, b| a + b),
            Quantity::Subtract(a, b) => both(a, b, |a, b| a - b),
            Quantity::Multiply(a, b) => both(a, b, |a, b| a * b),
            Quantity::Divide(a, b) => both(a, b, |a, b| a / b),
        }
    }

    fn text(&self, row: usize, text: &Text) -> Result<Option<String>, ExpressionError> {
        Ok(match text {
            Text::Constant(text) => Some(text.clone()),
            Text::Figure(name) => match self.value(row, *name)? {
                Some(Value::Text(text)) => Some(text),
                _ => None,
            },
        })
    }

    fn reference(&self, name: Name) -> Option<&Reference> {
        self.typed.references.get(name)
    }

    /// What a name is in a row; `None` is "not measured".
    fn value(&self, row: usize, name: Name) -> Result<Option<Value>, ExpressionError> {
        let Some(reference) = self.reference(name) else { return Ok(None) };
        let row = match &reference.sibling {
            None => Some(row),
            Some(sibling) => self.sibling(row, sibling, reference)?,
        };
        Ok(row.and_then(|row| self.figure(row, reference)))
    }

    fn figure(&self, at: usize, reference: &Reference) -> Option<Value> {
        let (row, figure) = (self.rows.get(at)?, &reference.figure);
        match figure.name.as_str() {
            WAY => return Some(Value::Text(row.way())),
            ERROR => return Some(Value::Bool(row.error.is_some())),
            _ => {}
        }
        let value = self.json.get(at)?.get(&figure.name)?;
        let value = match &figure.member {
            None => value,
            // Of fixed parts all are there; a kind of command that is not was never sent.
            Some(member) => match value.as_object().filter(|parts| !parts.is_empty())?.get(member) {
                Some(value) => value,
                None => return Some(Value::Number(0.0)),
            },
        };
        match figure.kind {
            Type::Number => value.as_f64().map(Value::Number),
            Type::Bool => value.as_bool().map(Value::Bool),
            Type::Text => value.as_str().map(|text| Value::Text(text.to_owned())),
        }
    }

    /// The row that is called `name`, seen from `row`.
    fn sibling(
        &self,
        row: usize,
        name: &str,
        reference: &Reference,
    ) -> Result<Option<usize>, ExpressionError> {
        let Some(this) = self.rows.get(row) else { return Ok(None) };
        let beside = |other: &Figures| other.workload == this.workload && other.link == this.link;
        let same_size = |other: &Figures| other.depth == this.depth && other.scale == this.scale;
        // From the most exact meaning of a name to the widest; the first that fits any row. A
        // row of Panto's at another size is meant only if the name says that size.
        let meanings: [&dyn Fn(&Figures) -> bool; 5] = [
            &|other| same_size(other) && way_at_any_size(other) == name,
            &|other| same_size(other) && other.system == "panto" && other.mode == name,
            &|other| other.way() == name && (other.system != "panto" || way_at_any_size(other) != name),
            &|other| other.system == name,
            &|other| same_size(other) && other.mode == name,
        ];
        for fits in meanings {
            let found: Vec<usize> = (0..self.rows.len())
                .filter(|&at| self.rows.get(at).is_some_and(|other| beside(other) && fits(other)))
                .collect();
            match found[..] {
                [] => {}
                [one] => return Ok(Some(one)),
                _ => {
                    let ways = self.ways(|other| beside(other) && fits(other));
                    let message = format!(
                        "`{name}` may be any of {} rows of {} over {}: {ways}; write one of these in quotes",
                        found.len(),
                        this.workload,
                        this.link
                    );
                    return Err(ExpressionError::new(self.text, reference.place.clone(), message));
                }
            }
        }
        Ok(None)
    }

    /// How the rows that `fits` names are called, each once.
    fn ways(&self, fits: impl Fn(&Figures) -> bool) -> String {
        let mut ways: Vec<String> = Vec::new();
        for way in self.rows.iter().filter(|row| fits(row)).map(Figures::way) {
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        ways.iter().map(|way| format!("`{way}`")).collect::<Vec<_>>().join(", ")
    }

    fn violation(&self, at: usize, row: &Figures) -> Violation {
        let value = |name: Name, reference: &Reference| {
            let is_reason = reference.figure.name == ERROR && reference.sibling.is_none();
            match &row.error {
                Some(reason) if is_reason => Some(Value::Text(reason.clone())),
                // What is ambiguous but was not needed is no reason to fail now.
                _ => self.value(at, name).unwrap_or_default(),
            }
        };
        let references = self.typed.references.iter().enumerate();
        Violation {
            workload: row.workload.clone(),
            link: row.link.clone(),
            way: row.way(),
            values: references.map(|(name, r)| (r.written.clone(), value(name, r))).collect(),
        }
    }

    /// Whether anything was compared, or an explanation.
    fn has_measured(&self) -> Result<(), ExpressionError> {
        let Compared { texts, figures } = self.compared.get();
        let references = &self.typed.references;
        let is_about_figures = references.iter().any(|r| r.figure.kind != Type::Text);
        if figures || (texts && !is_about_figures) {
            return Ok(());
        }
        let error = |place, message: String| Err(ExpressionError::new(self.text, place, message));
        let whole = 0..self.text.len();
        if self.rows.is_empty() {
            return error(whole, "there is nothing to check: the comparison has no rows".into());
        }
        for (name, reference) in references.iter().enumerate() {
            let is_measured = |row| self.value(row, name).is_ok_and(|value| value.is_some());
            if (0..self.rows.len()).any(is_measured) {
                continue;
            }
            let of = match &reference.sibling {
                Some(sibling) => {
                    format!(" or no row is called `{sibling}`; there is {}", self.ways(|_| true))
                }
                None => String::new(),
            };
            let message = format!("this checked nothing: `{}` was measured in no row{of}", reference.written);
            return error(reference.place.clone(), message);
        }
        let message = "this checked nothing: no row that fits its texts has all of its figures; \
                       look at the names of workloads, links and ways";
        error(whole, message.into())
    }
}

/// [`Figures::way`] without depth and scale.
fn way_at_any_size(row: &Figures) -> String {
    let (system, mode, wire) = (row.system.clone(), row.mode.clone(), row.wire.clone());
    Figures {
        system,
        mode,
        wire,
        copy_rect: row.copy_rect,
        exact_only: row.exact_only,
        warm: row.warm,
        ..Figures::default()
    }
    .way()
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => write_grouped(f, *number),
        }
    }
}

/// A number for people: thousands apart, and no more digits than matter.
fn write_grouped(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    let decimals = if number.abs() < 1.0 { 6 } else { 3 };
    let digits = format!("{:.decimals$}", number.abs());
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    let part = part.trim_end_matches('0');
    if number < 0.0 {
        f.write_str("-")?;
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            f.write_str(",")?;
        }
        write!(f, "{digit}")?;
    }
    if part.is_empty() { Ok(()) } else { write!(f, ".{part}") }
}
