//! Words to a tree, whatever its types: first what is written, then ([`super::typed`]) what it means.

use std::ops::Range;

use super::ExpressionError;
use super::token::{Placed, Token, Unit, tokens};

/// Deepest tree. Evaluation goes down it by recursion, and nobody writes two hundred
/// operators into a command line.
const MAX_DEPTH: usize = 200;

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Bytes of the expression.
    pub(super) place: Range<usize>,
    pub(super) kind: Kind,
    depth: usize,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Number(f64, Unit),
    Text(String),
    /// `a`, `a.b`, `a.b.c`, `'a'.b`: names and their places.
    Path(Vec<(String, Range<usize>)>),
    Not(Box<Node>),
    Minus(Box<Node>),
    /// Any other operator, as [`precedence`] spells them.
    Binary(&'static str, Box<Node>, Box<Node>),
}

/// How tightly an operator binds. `!` stands between `&&` and comparisons, so that
/// `not a == b` is what it reads as.
fn precedence(sign: &str) -> Option<u8> {
    Some(match sign {
        "||" => 1,
        "&&" => 2,
        "<" | "<=" | ">" | ">=" | "==" | "!=" => COMPARISON,
        "+" | "-" => 4,
        "*" | "/" => 5,
        _ => return None,
    })
}

const COMPARISON: u8 = 3;

/// Tighter than every binary operator.
const UNARY: u8 = 6;

/// Reads a whole expression.
pub(super) fn parse(text: &str) -> Result<Node, ExpressionError> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, nesting: 0 };
    let node = parser.expression(0)?;
    match parser.token() {
        Token::End => Ok(node),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Ends with [`Token::End`].
    tokens: Vec<Placed>,
    at: usize,
    /// Parentheses and signs that are open.
    nesting: usize,
}

impl Parser<'_> {
    fn token(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn place(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.text.len()..self.text.len(), |(_, place)| place.clone())
    }

    fn take(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.token(), Token::Sign(next) if *next == sign);
        self.at += usize::from(is_next);
        is_next
    }

    fn unexpected(&self, expected: &str) -> ExpressionError {
        let found = match self.token() {
            Token::End => "the expression ends".to_owned(),
            _ => format!("found `{}`", &self.text[self.place()]),
        };
        ExpressionError::new(self.text, self.place(), format!("{found} where {expected} is expected"))
    }

    fn node(&self, place: Range<usize>, kind: Kind) -> Result<Node, ExpressionError> {
        let depth = 1 + match &kind {
            Kind::Number(..) | Kind::Text(_) | Kind::Path(_) => 0,
            Kind::Not(inner) | Kind::Minus(inner) => inner.depth,
            Kind::Binary(_, left, right) => left.depth.max(right.depth),
        };
        if depth > MAX_DEPTH { Err(self.too_deep(place)) } else { Ok(Node { place, kind, depth }) }
    }

    fn too_deep(&self, place: Range<usize>) -> ExpressionError {
        let message = format!("this is more than {MAX_DEPTH} operators deep; make several expressions of it");
        ExpressionError::new(self.text, place, message)
    }

    /// An expression of operators that bind tighter than `outer`.
    fn expression(&mut self, outer: u8) -> Result<Node, ExpressionError> {
        let mut left = self.operand(outer)?;
        loop {
            let Token::Sign(sign) = *self.token() else { return Ok(left) };
            let Some(inner) = precedence(sign).filter(|inner| *inner > outer) else { return Ok(left) };
            self.at += 1;
            let right = self.expression(inner)?;
            if inner == COMPARISON
                && matches!(self.token(), Token::Sign(next) if precedence(next) == Some(COMPARISON))
            {
                let message = "comparisons do not chain; write `a < b and b < c`";
                return Err(ExpressionError::new(self.text, self.place(), message));
            }
            let place = left.place.start..right.place.end;
            left = self.node(place, Kind::Binary(sign, Box::new(left), Box::new(right)))?;
        }
    }

    /// What stands before and behind operators. `outer` is the operator before it.
    fn operand(&mut self, outer: u8) -> Result<Node, ExpressionError> {
        let place = self.place();
        if self.nesting >= MAX_DEPTH {
            return Err(self.too_deep(place));
        }
        self.nesting += 1;
        let node = if self.take("(") {
            let inner = self.expression(0)?;
            if !self.take(")") {
                return Err(self.unexpected("an operator or `)`"));
            }
            Ok(inner)
        } else if self.take("-") {
            let inner = self.expression(UNARY)?;
            self.node(place.start..inner.place.end, Kind::Minus(Box::new(inner)))
        } else if outer < COMPARISON && self.take("!") {
            let inner = self.expression(COMPARISON - 1)?;
            self.node(place.start..inner.place.end, Kind::Not(Box::new(inner)))
        } else {
            self.leaf()
        };
        self.nesting -= 1;
        node
    }

    fn leaf(&mut self) -> Result<Node, ExpressionError> {
        let place = self.place();
        let kind = match self.token().clone() {
            Token::Number(number, unit) => Kind::Number(number, unit),
            Token::Text(text) => Kind::Text(text),
            Token::Name(name) => Kind::Path(vec![(name, place.clone())]),
            Token::Sign("!") => {
                let message = "`!` negates a whole comparison; put it before that, or use parentheses";
                return Err(ExpressionError::new(self.text, place, message));
            }
            _ => return Err(self.unexpected("a name, a number, a text or `(`")),
        };
        self.at += 1;
        if !self.take(".") {
            return self.node(place, kind);
        }
        let mut path = match kind {
            Kind::Path(path) => path,
            Kind::Text(text) => vec![(text, place.clone())],
            _ => {
                self.at -= 1;
                return Err(self.unexpected("an operator"));
            }
        };
        loop {
            let Token::Name(name) = self.token() else {
                return Err(self.unexpected("a name"));
            };
            path.push((name.clone(), self.place()));
            let end = self.place().end;
            self.at += 1;
            if !self.take(".") {
                return self.node(place.start..end, Kind::Path(path));
            }
        }
    }
}
