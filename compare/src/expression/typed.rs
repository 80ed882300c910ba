//! What a tree means: conditions, quantities and texts, times in one unit, names that exist.

use std::ops::Range;

use super::ExpressionError;
use super::names::{self, Figure, Type};
use super::parse::{Kind, Node};
use super::token::Unit;

/// An expression of the right types.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    pub(super) condition: Condition,
    /// The names in it, each once, in the order in which they are written.
    pub(super) references: Vec<Reference>,
}

/// A figure of the row, or of another one.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    /// As it is written.
    pub(super) written: String,
    pub(super) place: Range<usize>,
    /// Name of the other row.
    pub(super) sibling: Option<String>,
    pub(super) figure: Figure,
}

/// Index into [`Typed::references`].
pub(super) type Name = usize;

/// What is true, false, or not known.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    Constant(bool),
    Flag(Name),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Numbers(Order, Quantity, Quantity),
    /// Equal, if the flag says so, or not.
    Texts(bool, Text, Text),
    /// Equal, if the flag says so, or not.
    Conditions(bool, Box<Condition>, Box<Condition>),
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Equal,
    NotEqual,
}

/// A number, or nothing if it was not measured.
#[derive(Debug, Clone)]
pub(super) enum Quantity {
    Constant(f64),
    Figure(Name),
    Add(Box<Quantity>, Box<Quantity>),
    Subtract(Box<Quantity>, Box<Quantity>),
    Multiply(Box<Quantity>, Box<Quantity>),
    Divide(Box<Quantity>, Box<Quantity>),
}

/// A text, or nothing.
#[derive(Debug, Clone)]
pub(super) enum Text {
    Constant(String),
    Figure(Name),
}

/// The unit of a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// A plain number, which takes the unit of what it meets.
    Any,
    /// Anything but a time: bytes, frames, ratios.
    Other,
    Milliseconds,
    Seconds,
}

enum Meaning {
    Condition(Condition),
    Quantity(Quantity, Measure),
    Text(Text),
}

impl Meaning {
    fn name(&self) -> &'static str {
        match self {
            Self::Condition(_) => "true or false",
            Self::Quantity(..) => "a number",
            Self::Text(_) => "a text",
        }
    }
}

/// Finds the meaning of a tree.
pub(super) fn typed(text: &str, tree: &Node) -> Result<Typed, ExpressionError> {
    let mut typer = Typer { text, references: Vec::new() };
    let condition = typer.condition(tree)?;
    if typer.references.is_empty() {
        let message = "this names no figure, so it is the same for every row";
        return Err(ExpressionError::new(text, tree.place.clone(), message));
    }
    Ok(Typed { condition, references: typer.references })
}

struct Typer<'a> {
    text: &'a str,
    references: Vec<Reference>,
}

impl Typer<'_> {
    fn error(&self, place: &Range<usize>, message: impl Into<String>) -> ExpressionError {
        ExpressionError::new(self.text, place.clone(), message)
    }

    fn written(&self, node: &Node) -> &str {
        self.text.get(node.place.clone()).unwrap_or_default()
    }

    fn condition(&mut self, node: &Node) -> Result<Condition, ExpressionError> {
        let written = self.written(node).to_owned();
        let how = match self.meaning(node)? {
            Meaning::Condition(condition) => return Ok(condition),
            Meaning::Quantity(..) => format!("a number; compare it, as in `{written} > 1`"),
            Meaning::Text(_) => format!("a text; compare it, as in `{written} == \"pixels\"`"),
        };
        Err(self.error(&node.place, format!("this shall be true or false, but is {how}")))
    }

    fn quantity(&mut self, node: &Node) -> Result<(Quantity, Measure), ExpressionError> {
        match self.meaning(node)? {
            Meaning::Quantity(quantity, measure) => Ok((quantity, measure)),
            other => {
                let message = format!("one can only reckon with numbers, but this is {}", other.name());
                Err(self.error(&node.place, message))
            }
        }
    }

    fn meaning(&mut self, node: &Node) -> Result<Meaning, ExpressionError> {
        Ok(match &node.kind {
            Kind::Number(number, unit) => {
                let measure = match unit {
                    Unit::Plain => Measure::Any,
                    Unit::Bytes => Measure::Other,
                    Unit::Milliseconds => Measure::Milliseconds,
                    Unit::Seconds => Measure::Seconds,
                };
                Meaning::Quantity(Quantity::Constant(*number), measure)
            }
            Kind::Text(text) => Meaning::Text(Text::Constant(text.clone())),
            Kind::Path(path) => self.path(node, path)?,
            Kind::Not(inner) => Meaning::Condition(Condition::Not(Box::new(self.condition(inner)?))),
            Kind::Minus(inner) => {
                let (quantity, measure) = self.quantity(inner)?;
                Meaning::Quantity(times(quantity, -1.0), measure)
            }
            Kind::Binary(sign, left, right) => self.binary(node, sign, left, right)?,
        })
    }

    fn path(&mut self, node: &Node, path: &[(String, Range<usize>)]) -> Result<Meaning, ExpressionError> {
        let parts: Vec<String> = path.iter().map(|(part, _)| part.clone()).collect();
        if let [word @ ("true" | "false")] = parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            return Ok(Meaning::Condition(Condition::Constant(word == "true")));
        }
        let is_sibling = match &parts[..] {
            // A figure misspelt, as in `input_to_pixel.p95`, is no row.
            [first, second] => !names::is_figure(first) && !names::is_part(second),
            [first, _, ..] => !names::is_figure(first),
            _ => false,
        };
        let skipped = usize::from(is_sibling);
        let figure = names::figure(&parts[skipped..]).map_err(|error| {
            let place = path.get(error.part + skipped).map_or(&node.place, |(_, place)| place);
            let hint = match parts.len() {
                1 if !names::is_figure(&parts[0]) => "; a text stands in quotes",
                _ => "",
            };
            self.error(place, format!("{}{hint}", error.message))
        })?;
        let sibling = parts.first().filter(|_| is_sibling).cloned();
        let written = self.written(node).to_owned();
        let kind = figure.kind;
        let measure = match figure.name.as_str() {
            name if name.ends_with("_ms") => Measure::Milliseconds,
            name if name.ends_with("_s") => Measure::Seconds,
            _ => Measure::Other,
        };
        let name =
            self.references.iter().position(|known| known.sibling == sibling && known.figure == figure);
        let name = name.unwrap_or_else(|| {
            self.references.push(Reference { written, place: node.place.clone(), sibling, figure });
            self.references.len() - 1
        });
        Ok(match kind {
            Type::Number => Meaning::Quantity(Quantity::Figure(name), measure),
            Type::Bool => Meaning::Condition(Condition::Flag(name)),
            Type::Text => Meaning::Text(Text::Figure(name)),
        })
    }

    fn binary(
        &mut self,
        node: &Node,
        sign: &str,
        left: &Node,
        right: &Node,
    ) -> Result<Meaning, ExpressionError> {
        Ok(match sign {
            "||" | "&&" => {
                let (a, b) = (Box::new(self.condition(left)?), Box::new(self.condition(right)?));
                Meaning::Condition(if sign == "||" { Condition::Or(a, b) } else { Condition::And(a, b) })
            }
            "+" | "-" => {
                let (a, b, measure) = self.alike(node, left, right)?;
                let (a, b) = (Box::new(a), Box::new(b));
                let sum = if sign == "+" { Quantity::Add(a, b) } else { Quantity::Subtract(a, b) };
                Meaning::Quantity(sum, measure)
            }
            "*" => {
                let ((a, of_a), (b, of_b)) = (self.quantity(left)?, self.quantity(right)?);
                if is_time(of_a) && is_time(of_b) {
                    let message = "a time times a time is no figure; multiply by a plain number";
                    return Err(self.error(&node.place, message));
                }
                let measure = match (of_a, of_b) {
                    (time, _) | (_, time) if is_time(time) => time,
                    (Measure::Any, other) | (other, _) => other,
                };
                Meaning::Quantity(Quantity::Multiply(Box::new(a), Box::new(b)), measure)
            }
            "/" => {
                let ((a, of_a), (b, of_b)) = (self.quantity(left)?, self.quantity(right)?);
                let (b, measure) = match (of_a, of_b) {
                    (of_a, of_b) if is_time(of_a) && is_time(of_b) => {
                        (converted(b, of_b, of_a), Measure::Other)
                    }
                    (of_a, of_b) if !is_time(of_b) && (is_time(of_a) || of_b == Measure::Any) => (b, of_a),
                    _ => (b, Measure::Other),
                };
                Meaning::Quantity(Quantity::Divide(Box::new(a), Box::new(b)), measure)
            }
            _ => Meaning::Condition(self.comparison(node, sign, left, right)?),
        })
    }

    fn comparison(
        &mut self,
        node: &Node,
        sign: &str,
        left: &Node,
        right: &Node,
    ) -> Result<Condition, ExpressionError> {
        let order = match sign {
            "<" => Order::Less,
            "<=" => Order::LessOrEqual,
            ">" => Order::More,
            ">=" => Order::MoreOrEqual,
            "==" => Order::Equal,
            _ => Order::NotEqual,
        };
        let is_equality = matches!(order, Order::Equal | Order::NotEqual);
        let is_equal = matches!(order, Order::Equal);
        match (self.meaning(left)?, self.meaning(right)?) {
            (Meaning::Quantity(a, of_a), Meaning::Quantity(b, of_b)) => {
                let (b, _) = self.in_unit_of(node, (left, of_a), (right, b, of_b))?;
                Ok(Condition::Numbers(order, a, b))
            }
            (Meaning::Text(a), Meaning::Text(b)) if is_equality => Ok(Condition::Texts(is_equal, a, b)),
            (Meaning::Condition(a), Meaning::Condition(b)) if is_equality => {
                Ok(Condition::Conditions(is_equal, Box::new(a), Box::new(b)))
            }
            (a, b) if a.name() == b.name() => {
                let message =
                    format!("`{sign}` compares numbers, but these are each {}; use `==` or `!=`", a.name());
                Err(self.error(&node.place, message))
            }
            (a, b) => {
                let message = format!("{} cannot be compared with {}", a.name(), b.name());
                Err(self.error(&node.place, message))
            }
        }
    }

    /// Two quantities in the same unit, and that unit.
    fn alike(
        &mut self,
        node: &Node,
        left: &Node,
        right: &Node,
    ) -> Result<(Quantity, Quantity, Measure), ExpressionError> {
        let ((a, of_a), (b, of_b)) = (self.quantity(left)?, self.quantity(right)?);
        let (b, measure) = self.in_unit_of(node, (left, of_a), (right, b, of_b))?;
        Ok((a, b, measure))
    }

    /// The right one in the left one's unit, and the unit of both.
    fn in_unit_of(
        &self,
        node: &Node,
        (left, of_a): (&Node, Measure),
        (right, b, of_b): (&Node, Quantity, Measure),
    ) -> Result<(Quantity, Measure), ExpressionError> {
        match (of_a, of_b) {
            (Measure::Any, other) | (other, Measure::Any) => Ok((b, other)),
            (Measure::Other, Measure::Other) => Ok((b, Measure::Other)),
            (Measure::Other, _) | (_, Measure::Other) => {
                let (time, other) = if is_time(of_a) { (left, right) } else { (right, left) };
                let (time, other) = (self.written(time), self.written(other));
                let message = format!("`{time}` is a time and `{other}` is none");
                Err(self.error(&node.place, message))
            }
            (of_a, of_b) => Ok((converted(b, of_b, of_a), of_a)),
        }
    }
}

fn is_time(measure: Measure) -> bool {
    matches!(measure, Measure::Milliseconds | Measure::Seconds)
}

/// A time in another unit.
fn converted(quantity: Quantity, from: Measure, to: Measure) -> Quantity {
    match (from, to) {
        (Measure::Seconds, Measure::Milliseconds) => times(quantity, 1000.0),
        // Not times 0.001, which is no number that a computer has exactly.
        (Measure::Milliseconds, Measure::Seconds) => {
            Quantity::Divide(Box::new(quantity), Box::new(Quantity::Constant(1000.0)))
        }
        _ => quantity,
    }
}

fn times(quantity: Quantity, factor: f64) -> Quantity {
    Quantity::Multiply(Box::new(quantity), Box::new(Quantity::Constant(factor)))
}
