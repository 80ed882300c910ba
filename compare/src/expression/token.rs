//! An expression's words.

use std::ops::Range;

use super::ExpressionError;

/// Longest expression, bytes: more than a command line that anybody reads.
const MAX_LENGTH: usize = 16 << 10;

/// The unit behind a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// None, or one that is a factor only: `%`.
    Plain,
    /// `B`, `kB`, …; the number is in bytes.
    Bytes,
    /// `ms`.
    Milliseconds,
    /// `s`.
    Seconds,
}

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A number, its unit's factor applied; times stay as written.
    Number(f64, Unit),
    /// Between quotes.
    Text(String),
    /// Letters, digits and `_`.
    Name(String),
    /// An operator or parenthesis; `and`, `or` and `not` are here as `&&`, `||` and `!`.
    Sign(&'static str),
    /// Behind the last word.
    End,
}

/// A word and the bytes where it stands.
pub(super) type Placed = (Token, Range<usize>);

/// Longer ones first, where one begins with the other.
const SIGNS: [&str; 16] =
    ["||", "&&", "<=", ">=", "==", "!=", "<", ">", "!", "+", "-", "*", "/", "(", ")", "."];

/// Cuts an expression into words; the last one is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, ExpressionError> {
    if text.len() > MAX_LENGTH {
        let message = format!("an expression may have {MAX_LENGTH} bytes, this one has {}", text.len());
        return Err(ExpressionError::new(text, 0..0, message));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (token, length) = token(&text[at..], c)
            .map_err(|(length, message)| ExpressionError::new(text, at..at + length, message))?;
        tokens.push((token, at..at + length));
        at += length;
    }
    tokens.push((Token::End, text.len()..text.len()));
    Ok(tokens)
}

/// The first word of `rest`, which begins with `c`, and its length; or what is wrong with so many bytes.
fn token(rest: &str, c: char) -> Result<(Token, usize), (usize, String)> {
    if c == '"' || c == '\'' {
        let inner = &rest[1..];
        let end = inner
            .find(c)
            .ok_or_else(|| (rest.len(), format!("this text does not end; close it with {c}")))?;
        return Ok((Token::Text(inner[..end].to_owned()), end + 2));
    }
    if c.is_ascii_digit() {
        return number(rest);
    }
    if c.is_alphabetic() || c == '_' {
        let length = name_length(rest);
        let name = &rest[..length];
        let token = match name {
            "and" => Token::Sign("&&"),
            "or" => Token::Sign("||"),
            "not" => Token::Sign("!"),
            _ => Token::Name(name.to_owned()),
        };
        return Ok((token, length));
    }
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        return Ok((Token::Sign(sign), sign.len()));
    }
    let message = match c {
        '=' => "`=` means nothing here; equal is `==`".to_owned(),
        '&' => "`&` means nothing here; both is `&&` or `and`".to_owned(),
        '|' => "`|` means nothing here; either is `||` or `or`".to_owned(),
        _ => format!("`{}` means nothing here", c.escape_debug()),
    };
    Err((c.len_utf8(), message))
}

fn name_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

fn number(rest: &str) -> Result<(Token, usize), (usize, String)> {
    let digits = |from: usize| {
        let tail = rest.get(from..).unwrap_or_default();
        from + tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len())
    };
    let mut end = digits(0);
    if rest[end..].starts_with('.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    let length = match rest[end..].starts_with('%') {
        true => end + 1,
        false => end + name_length(&rest[end..]),
    };
    let (factor, unit) = match &rest[end..length] {
        "" => (1.0, Unit::Plain),
        "%" => (0.01, Unit::Plain),
        "ms" => (1.0, Unit::Milliseconds),
        "s" => (1.0, Unit::Seconds),
        "B" => (1.0, Unit::Bytes),
        "kB" => (1e3, Unit::Bytes),
        "MB" => (1e6, Unit::Bytes),
        "GB" => (1e9, Unit::Bytes),
        "kiB" => (1024.0, Unit::Bytes),
        "MiB" => (1024.0 * 1024.0, Unit::Bytes),
        "GiB" => (1024.0 * 1024.0 * 1024.0, Unit::Bytes),
        other => {
            let units = "B, kB, MB, GB, kiB, MiB, GiB, ms, s or %";
            return Err((length, format!("`{other}` is no unit; units are {units}")));
        }
    };
    match rest[..end].parse::<f64>().map(|n| n * factor) {
        Ok(number) if number.is_finite() => Ok((Token::Number(number, unit), length)),
        _ => Err((length, "this number is too large".into())),
    }
}
