//! The words of a line: bare or in quotes, and read as numbers, points and times.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use panto_protocol::geometry::Point;

use super::MAX_STEPS;

/// Longest time that a line may name: an hour, so that sums cannot overflow.
const MAX_TIME: Duration = Duration::from_secs(3600);

/// Largest coordinate, as X has them.
const MAX_COORDINATE: i32 = i16::MAX as i32;

/// A word of a line: bare, or a string in double quotes with its escapes undone.
#[derive(Debug, Clone)]
struct Word {
    text: String,
    is_quoted: bool,
}

/// What is left of a line.
pub(super) struct Words {
    words: std::iter::Peekable<std::vec::IntoIter<Word>>,
}

impl Words {
    /// Splits a line; the error is a quote that does not fit.
    pub(super) fn new(line: &str) -> Result<Self, String> {
        let mut words = Vec::new();
        let mut chars = line.chars().peekable();
        while let Some(&c) = chars.peek() {
            if c.is_whitespace() {
                chars.next();
            } else if c == '"' && !is_key(&words) {
                chars.next();
                words.push(Word { text: string(&mut chars)?, is_quoted: true });
                if chars.peek().is_some_and(|c| !c.is_whitespace()) {
                    return Err(
                        "a space is missing behind the closing quote; inside a text, a quote is \\\"".into(),
                    );
                }
            } else {
                let mut text = String::new();
                while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
                    text.push(c);
                }
                words.push(Word { text, is_quoted: false });
            }
        }
        Ok(Self { words: words.into_iter().peekable() })
    }

    /// The next word if it is bare.
    pub(super) fn peek(&mut self) -> Option<&str> {
        self.words.peek().filter(|word| !word.is_quoted).map(|word| word.text.as_str())
    }

    /// The next word, bare or quoted; `what` is what an error calls it.
    pub(super) fn next(&mut self, what: &str) -> Result<String, String> {
        let word = self.words.next().ok_or_else(|| format!("the line ends where {what} is expected"))?;
        Ok(word.text)
    }

    /// The next word, which must be in quotes.
    pub(super) fn string(&mut self, what: &str) -> Result<String, String> {
        let is_quoted = self.words.peek().is_none_or(|word| word.is_quoted);
        let text = self.next(what)?;
        if is_quoted { Ok(text) } else { Err(format!("found `{text}` where {what} is expected")) }
    }

    fn number<T>(&mut self, what: &str, range: RangeInclusive<T>) -> Result<T, String>
    where
        T: FromStr + PartialOrd + Display,
    {
        let word = self.next(what)?;
        word.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            format!("`{word}` is not {what}; it is a whole number from {} to {}", range.start(), range.end())
        })
    }

    /// How often: at least once.
    pub(super) fn count(&mut self, what: &str) -> Result<u32, String> {
        self.number(what, 1..=MAX_STEPS as u32)
    }

    /// A place on the screen: X and Y.
    pub(super) fn point(&mut self) -> Result<Point, String> {
        let x = self.number("an X coordinate", 0..=MAX_COORDINATE)?;
        let y = self.number("a Y coordinate", 0..=MAX_COORDINATE)?;
        Ok(Point { x, y })
    }

    /// A button of the mouse, other than those that X uses for the wheel.
    pub(super) fn button(&mut self) -> Result<u8, String> {
        let button = self.number("a button", 1..=9)?;
        if (4..=7).contains(&button) {
            return Err(format!("button {button} is the wheel's; use `wheel up`, or button 1, 2, 3, 8 or 9"));
        }
        Ok(button)
    }

    /// A time, such as `300ms`.
    pub(super) fn time(&mut self, what: &str) -> Result<Duration, String> {
        let word = self.next(what)?;
        time(&word).ok_or_else(|| {
            format!("`{word}` is not {what}; a time looks like 300ms, 1.5s or 2m, and is 60m at most")
        })
    }

    /// Reads `NAME VALUE` pairs until the line ends, each name once.
    pub(super) fn options(
        &mut self,
        names: &[&'static str],
        mut read: impl FnMut(&mut Self, &'static str) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut left = names.to_vec();
        while self.words.peek().is_some() {
            let found = self.peek().and_then(|word| left.iter().position(|name| *name == word));
            let Some(at) = found else {
                return self.end(&left.join(" or "));
            };
            let name = left.remove(at);
            self.words.next();
            read(self, name)?;
        }
        Ok(())
    }

    /// Nothing but the end of the line, or one of the options in `expected`.
    pub(super) fn end(&mut self, expected: &str) -> Result<(), String> {
        let Some(word) = self.words.peek() else { return Ok(()) };
        let or = if expected.is_empty() { "" } else { " or " };
        Err(format!("found `{}` where {expected}{or}the end of the line is expected", word.text))
    }
}

/// Whether the next word is the name of a key, where `"` is a key as any other.
fn is_key(words: &[Word]) -> bool {
    matches!(words, [Word { text, is_quoted: false }] if text == "key")
}

/// The rest of a string, behind its opening quote.
fn string(chars: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            None => return Err("the text does not end; close it with \"".into()),
            Some('"') => return Ok(text),
            Some('\\') => text.push(match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some(c @ ('"' | '\\')) => c,
                Some(c) => {
                    return Err(format!("there is no escape \\{c}; there are \\n, \\t, \\\" and \\\\"));
                }
                None => return Err("the text does not end; close it with \"".into()),
            }),
            Some(c) => text.push(c),
        }
    }
}

fn time(word: &str) -> Option<Duration> {
    let unit = word.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = word.split_at(unit);
    let seconds = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    let time = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
    (time <= MAX_TIME).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &[(&str, bool)]) {
        let words: Vec<Word> = Words::new(line).unwrap().words.collect();
        let words: Vec<_> = words.iter().map(|word| (word.text.as_str(), word.is_quoted)).collect();
        assert_eq!(words, expected, "{line}");
    }

    #[track_caller]
    fn check_error(line: &str, expected: &str) {
        assert_eq!(Words::new(line).err().as_deref(), Some(expected), "{line}");
    }

    #[test]
    fn words_are_bare_or_quoted() {
        check(" type  \"two words\"\tevery", &[("type", false), ("two words", true), ("every", false)]);
        check(r#"type "\n\t\"\\""#, &[("type", false), ("\n\t\"\\", true)]);
        check(r#"type """#, &[("type", false), ("", true)]);
        check(r#"a"b" é"#, &[("a\"b\"", false), ("é", false)]);
        check(r#"key " times 2"#, &[("key", false), ("\"", false), ("times", false), ("2", false)]);
    }

    #[test]
    fn quotes_that_do_not_fit() {
        check_error("type \"a", "the text does not end; close it with \"");
        check_error("type \"a\\", "the text does not end; close it with \"");
        check_error(r#"type "\x""#, r#"there is no escape \x; there are \n, \t, \" and \\"#);
        check_error(
            r#"type "a"b"#,
            "a space is missing behind the closing quote; inside a text, a quote is \\\"",
        );
    }

    #[test]
    fn times() {
        for (word, ms) in [("300ms", 300), ("1.5s", 1500), ("2m", 120_000), ("60m", 3_600_000), ("0s", 0)] {
            assert_eq!(time(word), Some(Duration::from_millis(ms)), "{word}");
        }
        for word in ["5", "s", ".s", "1e9s", "-1s", "61m", "1h", "1.2.3s", ""] {
            assert_eq!(time(word), None, "{word}");
        }
    }

    #[test]
    fn numbers_are_held_to_their_range() {
        let mut words = Words::new("32767 0 7 9 0 32768 1").unwrap();
        assert_eq!(words.point(), Ok(Point { x: 32767, y: 0 }));
        assert_eq!(
            words.button(),
            Err("button 7 is the wheel's; use `wheel up`, or button 1, 2, 3, 8 or 9".into())
        );
        assert_eq!(words.button(), Ok(9));
        let expected = format!("`0` is not how often; it is a whole number from 1 to {MAX_STEPS}");
        assert_eq!(words.count("how often"), Err(expected));
        let expected = "`32768` is not an X coordinate; it is a whole number from 0 to 32767";
        assert_eq!(words.point(), Err(expected.into()));
        assert_eq!(words.count("how often"), Ok(1));
        assert_eq!(words.next("a word"), Err("the line ends where a word is expected".into()));
    }

    #[test]
    fn options_come_once_in_any_order() {
        let read = |line: &str| {
            let (mut words, mut found) = (Words::new(line)?, Vec::new());
            words.options(&["times", "every"], |words, name| {
                found.push((name, words.next("a value")?));
                Ok(())
            })?;
            Ok::<_, String>(found)
        };
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(read("every 5ms times 2"), Ok(vec![("every", "5ms".into()), ("times", "2".into())]));
        assert_eq!(
            read("times 2 times 3"),
            Err("found `times` where every or the end of the line is expected".into())
        );
        assert_eq!(
            read("every 5ms times 2 more"),
            Err("found `more` where the end of the line is expected".into())
        );
        assert_eq!(
            read("\"times\" 2"),
            Err("found `times` where times or every or the end of the line is expected".into())
        );
    }
}
