//! Reads a script: lines to commands, commands to steps.

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use panto_protocol::geometry::Point;
use panto_protocol::message::InputEvent;
use xkeysym::{Keysym, key};

use super::{MAX_NESTING, MAX_STEPS, ScriptError, Step};

/// Longest time that a line may name: an hour, so that sums cannot overflow.
const MAX_TIME: Duration = Duration::from_secs(3600);

/// Largest coordinate, as X has them.
const MAX_COORDINATE: i32 = i16::MAX as i32;

/// Time between two steps of a movement that only says how long it takes: a mouse's, about.
const MOVE_STEP: Duration = Duration::from_millis(16);

/// A notch of the wheel in [`InputEvent::Scroll`]'s unit.
const NOTCH: i32 = 120;

/// Letters of a line that an error quotes.
const MAX_QUOTED: usize = 80;

const COMMANDS: &str = "begin, wait, pause, type, key, move, click, drag, wheel, repeat or end";

/// A line that does something, or a loop of them.
#[derive(Debug)]
enum Block {
    Command { line: usize, command: Command },
    Repeat { times: u32, body: Vec<Block> },
}

/// What one line says.
#[derive(Debug)]
enum Command {
    Plain(Step),
    Pause(Duration),
    Type { keysyms: Vec<u32>, every: Duration },
    Key { keysyms: Vec<u32>, times: u32, every: Duration },
    Move { to: Point, over: Duration, steps: u32 },
    Click { at: Point, button: u8, times: u32 },
    Drag { from: Point, to: Point, steps: u32, every: Duration, button: u8 },
    Wheel { dx: i32, dy: i32, notches: u32, every: Duration, at: Option<Point> },
}

/// Reads a script into its steps.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, ScriptError> {
    let lines: Vec<&str> = text.lines().collect();
    let error = |line: usize, problem: String| ScriptError {
        line,
        quoted: quoted(lines.get(line - 1).copied().unwrap_or_default()),
        problem,
    };
    let mut top = Vec::new();
    // Loops that are open: the line, how often, what is in it so far.
    let mut open: Vec<(usize, u32, Vec<Block>)> = Vec::new();
    for (line, text) in (1..).zip(&lines) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let block = match read_line(text).map_err(|problem| error(line, problem))? {
            Line::Command(command) => Block::Command { line, command },
            Line::Repeat(_) if open.len() == MAX_NESTING => {
                let problem = format!("loops may be {MAX_NESTING} deep; write the inner lines out");
                return Err(error(line, problem));
            }
            Line::Repeat(times) => {
                open.push((line, times, Vec::new()));
                continue;
            }
            Line::End => {
                let Some((_, times, body)) = open.pop() else {
                    return Err(error(line, "no loop is open here; `repeat N` begins one".into()));
                };
                Block::Repeat { times, body }
            }
        };
        open.last_mut().map_or(&mut top, |(_, _, body)| body).push(block);
    }
    if let Some((line, ..)) = open.last() {
        return Err(error(*line, "this loop has no end; write `end` behind its last line".into()));
    }
    let mut steps = Steps::default();
    steps.blocks(&top).map_err(|line| {
        let problem = format!(
            "the script has more than {MAX_STEPS} steps from here on; repeat less, or make two of it"
        );
        error(line, problem)
    })?;
    Ok(steps.steps)
}

fn quoted(line: &str) -> String {
    let line = line.trim();
    match line.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// The steps so far, and where the pointer is by then.
#[derive(Default)]
struct Steps {
    steps: Vec<Step>,
    pointer: Point,
}

/// There are too many steps.
struct TooMany;

impl Steps {
    /// Unrolls blocks; the error is the line that makes it too many.
    fn blocks(&mut self, blocks: &[Block]) -> Result<(), usize> {
        for block in blocks {
            match block {
                Block::Command { line, command } => self.command(command).map_err(|TooMany| *line)?,
                Block::Repeat { times, body } => {
                    for _ in 0..*times {
                        let before = self.steps.len();
                        self.blocks(body)?;
                        // A loop of nothing would go round for hours without reaching the limit.
                        if self.steps.len() == before {
                            break;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn command(&mut self, command: &Command) -> Result<(), TooMany> {
        match command {
            Command::Plain(step) => self.push(step.clone()),
            Command::Pause(time) => self.pause(*time),
            Command::Type { keysyms, every } => keysyms.iter().try_for_each(|&keysym| {
                self.press(&[keysym])?;
                self.pause(*every)
            }),
            Command::Key { keysyms, times, every } => (0..*times).try_for_each(|_| {
                self.press(keysyms)?;
                self.pause(*every)
            }),
            Command::Move { to, over, steps } => {
                let from = self.pointer;
                (1..=*steps).try_for_each(|i| {
                    self.pause(*over / *steps)?;
                    self.point(between(from, *to, i, *steps))
                })
            }
            Command::Click { at, button, times } => {
                self.point(*at)?;
                (0..*times).try_for_each(|_| {
                    self.button(*button, true)?;
                    self.button(*button, false)
                })
            }
            Command::Drag { from, to, steps, every, button } => {
                self.point(*from)?;
                self.button(*button, true)?;
                for i in 1..=*steps {
                    self.point(between(*from, *to, i, *steps))?;
                    self.pause(*every)?;
                }
                self.button(*button, false)
            }
            Command::Wheel { dx, dy, notches, every, at } => {
                if let Some(at) = at {
                    self.point(*at)?;
                }
                (0..*notches).try_for_each(|_| {
                    self.input(InputEvent::Scroll { dx: *dx, dy: *dy })?;
                    self.pause(*every)
                })
            }
        }
    }

    fn push(&mut self, step: Step) -> Result<(), TooMany> {
        if self.steps.len() == MAX_STEPS {
            return Err(TooMany);
        }
        self.steps.push(step);
        Ok(())
    }

    fn pause(&mut self, time: Duration) -> Result<(), TooMany> {
        if time.is_zero() { Ok(()) } else { self.push(Step::Pause(time)) }
    }

    fn input(&mut self, event: InputEvent) -> Result<(), TooMany> {
        self.push(Step::Input(event))
    }

    fn point(&mut self, position: Point) -> Result<(), TooMany> {
        self.pointer = position;
        self.input(InputEvent::Pointer { position })
    }

    fn button(&mut self, button: u8, down: bool) -> Result<(), TooMany> {
        self.input(InputEvent::Button { button, down })
    }

    /// Presses keys in order and releases them in the opposite one.
    fn press(&mut self, keysyms: &[u32]) -> Result<(), TooMany> {
        let key = |&keysym: &u32, down| InputEvent::Key { physical: 0, keysym, down, text: String::new() };
        keysyms.iter().try_for_each(|keysym| self.input(key(keysym, true)))?;
        keysyms.iter().rev().try_for_each(|keysym| self.input(key(keysym, false)))
    }
}

/// Step `i` of `steps` from one point to another, rounded towards the first.
fn between(from: Point, to: Point, i: u32, steps: u32) -> Point {
    let at = |a: i32, b: i32| {
        let way = i64::from(b - a) * i64::from(i) / i64::from(steps);
        a + way as i32
    };
    Point { x: at(from.x, to.x), y: at(from.y, to.y) }
}

/// What a line is.
enum Line {
    Command(Command),
    Repeat(u32),
    End,
}

fn read_line(text: &str) -> Result<Line, String> {
    let mut words = Words::new(text)?;
    let name = words.next("a command")?;
    let command = match name.as_str() {
        "begin" => Command::Plain(Step::Begin),
        "wait" => wait(&mut words)?,
        "pause" => Command::Pause(words.time("how long")?),
        "type" => typing(&mut words)?,
        "key" => keys(&mut words)?,
        "move" => moving(&mut words)?,
        "click" => click(&mut words)?,
        "drag" => drag(&mut words)?,
        "wheel" => wheel(&mut words)?,
        "repeat" => {
            let times = words.count("how often")?;
            words.end("")?;
            return Ok(Line::Repeat(times));
        }
        "end" => {
            words.end("")?;
            return Ok(Line::End);
        }
        _ => return Err(format!("there is no command `{name}`; a line begins with {COMMANDS}")),
    };
    words.end("")?;
    Ok(Line::Command(command))
}

fn wait(words: &mut Words) -> Result<Command, String> {
    let what = words.next("`window CLASS` or `still 300ms`")?;
    Ok(Command::Plain(match what.as_str() {
        "still" => Step::WaitStill(words.time("how long the screen shall rest")?),
        "window" => {
            let class = words.next("the window's class")?;
            let mut within = Duration::from_secs(10);
            words.options(&["within"], |words, _| {
                within = words.time("how long to wait")?;
                Ok(())
            })?;
            Step::WaitWindow { class, within }
        }
        _ => {
            return Err(format!("cannot wait for `{what}`; it is `wait window CLASS` or `wait still 300ms`"));
        }
    }))
}

fn typing(words: &mut Words) -> Result<Command, String> {
    let text = words.string("the text in double quotes")?;
    let mut every = Duration::ZERO;
    words.options(&["every"], |words, _| {
        every = words.time("the time between keys")?;
        Ok(())
    })?;
    let keysyms = text.chars().map(|c| {
        keysym_of(c).ok_or_else(|| {
            format!("U+{:04X} is no character that a keyboard could type; leave it out", u32::from(c))
        })
    });
    Ok(Command::Type { keysyms: keysyms.collect::<Result<_, _>>()?, every })
}

fn keys(words: &mut Words) -> Result<Command, String> {
    let combination = words.next("a key, such as Ctrl+Shift+Return")?;
    let keysyms = key_names(&combination).map(named_key).collect::<Result<Vec<_>, _>>()?;
    let (mut times, mut every) = (1, Duration::ZERO);
    words.options(&["times", "every"], |words, option| {
        match option {
            "times" => times = words.count("how often")?,
            _ => every = words.time("the time between presses")?,
        }
        Ok(())
    })?;
    Ok(Command::Key { keysyms, times, every })
}

fn moving(words: &mut Words) -> Result<Command, String> {
    let to = words.point()?;
    let (mut over, mut steps) = (Duration::ZERO, None);
    words.options(&["over", "steps"], |words, option| {
        match option {
            "over" => over = words.time("how long it takes")?,
            _ => steps = Some(words.count("how many steps")?),
        }
        Ok(())
    })?;
    let usual = over.as_millis().div_ceil(MOVE_STEP.as_millis()).max(1);
    let steps = steps.unwrap_or(u32::try_from(usual).unwrap_or(u32::MAX));
    Ok(Command::Move { to, over, steps })
}

fn click(words: &mut Words) -> Result<Command, String> {
    let at = words.point()?;
    let (mut button, mut times) = (1, 1);
    words.options(&["button", "times"], |words, option| {
        match option {
            "button" => button = words.button()?,
            _ => times = words.count("how often")?,
        }
        Ok(())
    })?;
    Ok(Command::Click { at, button, times })
}

fn drag(words: &mut Words) -> Result<Command, String> {
    let (from, to) = (words.point()?, words.point()?);
    let (mut steps, mut every, mut button) = (20, Duration::from_millis(16), 1);
    words.options(&["steps", "every", "button"], |words, option| {
        match option {
            "steps" => steps = words.count("how many steps")?,
            "every" => every = words.time("the time between steps")?,
            _ => button = words.button()?,
        }
        Ok(())
    })?;
    Ok(Command::Drag { from, to, steps, every, button })
}

fn wheel(words: &mut Words) -> Result<Command, String> {
    let direction = words.next("up, down, left or right")?;
    let (dx, dy) = match direction.as_str() {
        "up" => (0, -NOTCH),
        "down" => (0, NOTCH),
        "left" => (-NOTCH, 0),
        "right" => (NOTCH, 0),
        _ => return Err(format!("a wheel does not turn `{direction}`; it turns up, down, left or right")),
    };
    let is_number = words.peek().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let notches = if is_number { words.count("how many notches")? } else { 1 };
    let (mut every, mut at) = (Duration::ZERO, None);
    words.options(&["every", "at"], |words, option| {
        match option {
            "every" => every = words.time("the time between notches")?,
            _ => at = Some(words.point()?),
        }
        Ok(())
    })?;
    Ok(Command::Wheel { dx, dy, notches, every, at })
}

/// A word of a line: bare, or a string in double quotes with its escapes undone.
#[derive(Debug, Clone)]
struct Word {
    text: String,
    is_quoted: bool,
}

/// What is left of a line.
struct Words {
    words: std::iter::Peekable<std::vec::IntoIter<Word>>,
}

impl Words {
    fn new(line: &str) -> Result<Self, String> {
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
    fn peek(&mut self) -> Option<&str> {
        self.words.peek().filter(|word| !word.is_quoted).map(|word| word.text.as_str())
    }

    fn next(&mut self, what: &str) -> Result<String, String> {
        let word = self.words.next().ok_or_else(|| format!("the line ends where {what} is expected"))?;
        Ok(word.text)
    }

    fn string(&mut self, what: &str) -> Result<String, String> {
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

    fn count(&mut self, what: &str) -> Result<u32, String> {
        self.number(what, 1..=MAX_STEPS as u32)
    }

    fn point(&mut self) -> Result<Point, String> {
        let x = self.number("an X coordinate", 0..=MAX_COORDINATE)?;
        let y = self.number("a Y coordinate", 0..=MAX_COORDINATE)?;
        Ok(Point { x, y })
    }

    fn button(&mut self) -> Result<u8, String> {
        let button = self.number("a button", 1..=9)?;
        if (4..=7).contains(&button) {
            return Err(format!("button {button} is the wheel's; use `wheel up`, or button 1, 2, 3, 8 or 9"));
        }
        Ok(button)
    }

    fn time(&mut self, what: &str) -> Result<Duration, String> {
        let word = self.next(what)?;
        time(&word).ok_or_else(|| {
            format!("`{word}` is not {what}; a time looks like 300ms, 1.5s or 2m, and is 60m at most")
        })
    }

    /// Reads `NAME VALUE` pairs until the line ends, each name once.
    fn options(
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
    fn end(&mut self, expected: &str) -> Result<(), String> {
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

/// The names in `Ctrl+Shift+Return`; a `+` at the end is the key of that name.
fn key_names(combination: &str) -> impl Iterator<Item = &str> {
    let (others, plus) = match combination.strip_suffix('+') {
        Some("") => (None, Some("+")),
        Some(others) if others.ends_with('+') => (others.strip_suffix('+'), Some("+")),
        _ => (Some(combination), None),
    };
    others.into_iter().flat_map(|others| others.split('+')).chain(plus)
}

/// The keysym that types a character, `None` if none does.
fn keysym_of(c: char) -> Option<u32> {
    match c {
        '\n' => Some(key::Return),
        '\t' => Some(key::Tab),
        c if c.is_control() => None,
        c => Some(Keysym::from_char(c).raw()).filter(|&keysym| keysym != key::NoSymbol),
    }
}

fn named_key(name: &str) -> Result<u32, String> {
    let mut chars = name.chars();
    if let (Some(c), None) = (chars.next(), chars.next())
        && let Some(keysym) = keysym_of(c)
    {
        return Ok(keysym);
    }
    let keysym = match name {
        "Ctrl" => key::Control_L,
        "Alt" => key::Alt_L,
        "Shift" => key::Shift_L,
        "Super" => key::Super_L,
        // The table has one name for each keysym, and has these two by their older ones.
        "Page_Up" => key::Page_Up,
        "Page_Down" => key::Page_Down,
        _ => match keysyms().get(name) {
            Some(&keysym) => keysym,
            None => return Err(unknown_key(name)),
        },
    };
    Ok(keysym)
}

fn unknown_key(name: &str) -> String {
    let usual = ["Ctrl", "Alt", "Shift", "Super", "Page_Up", "Page_Down"];
    let all = usual.into_iter().chain(keysyms().keys().map(String::as_str));
    // Several names may differ in case only; the first in order, so that errors do not change.
    match all.filter(|known| known.eq_ignore_ascii_case(name)).min() {
        Some(known) => format!("there is no key `{name}`; there is `{known}`"),
        None => format!(
            "there is no key `{name}`; keys are single characters, Ctrl, Alt, Shift, Super and the names of X \
             keysyms, such as Return, Escape, BackSpace, Left, Page_Up or F5"
        ),
    }
}

/// All names of keysyms, without `XK_`: the crate knows only the way from a number to its name.
fn keysyms() -> &'static HashMap<String, u32> {
    static KEYSYMS: OnceLock<HashMap<String, u32>> = OnceLock::new();
    KEYSYMS.get_or_init(|| {
        // Where X.Org's headers have keysyms: its own, those of Unicode, of vendors, and XFree86's.
        let ranges = [1..=0xffff, 0x0100_0000..=0x0100_2fff, 0x1000_0000..=0x1008_ffff];
        let named = ranges.into_iter().flatten().filter_map(|keysym| {
            let name = Keysym::new(keysym).name()?;
            Some((name.replacen("XK_", "", 1), keysym))
        });
        named.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Script;
    use proptest::prelude::*;

    fn pause(ms: u64) -> Step {
        Step::Pause(Duration::from_millis(ms))
    }

    fn press(keysym: u32, down: bool) -> Step {
        Step::Input(InputEvent::Key { physical: 0, keysym, down, text: String::new() })
    }

    fn point(x: i32, y: i32) -> Step {
        Step::Input(InputEvent::Pointer { position: Point { x, y } })
    }

    fn button(button: u8, down: bool) -> Step {
        Step::Input(InputEvent::Button { button, down })
    }

    fn scroll(dx: i32, dy: i32) -> Step {
        Step::Input(InputEvent::Scroll { dx, dy })
    }

    #[track_caller]
    fn check(text: &str, expected: &[Step]) {
        assert_eq!(Script::parse(text).unwrap().steps, expected, "{text}");
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        assert_eq!(Script::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn waits_and_pauses() {
        check(
            "# opens\n\n  wait window XTerm\nwait window \"Two Words\" within 1.5s\n wait still 300ms\npause 2m",
            &[
                Step::WaitWindow { class: "XTerm".into(), within: Duration::from_secs(10) },
                Step::WaitWindow { class: "Two Words".into(), within: Duration::from_millis(1500) },
                Step::WaitStill(Duration::from_millis(300)),
                pause(120_000),
            ],
        );
    }

    #[test]
    fn typing_takes_every_character_by_keysym() {
        let both = |keysym| [press(keysym, true), press(keysym, false), pause(50)];
        let keys = [key::a, key::A, key::Return, key::Tab, key::quotedbl, key::backslash, key::EuroSign];
        check(r#"type "aA\n\t\"\\€" every 50ms"#, &keys.map(both).concat());
        check(r#"type "" every 50ms"#, &[]);
        check("type \"é\"", &[press(key::eacute, true), press(key::eacute, false)]);
    }

    #[test]
    fn keys_go_up_in_the_opposite_order() {
        let once = [
            press(key::Control_L, true),
            press(key::Shift_L, true),
            press(key::Return, true),
            press(key::Return, false),
            press(key::Shift_L, false),
            press(key::Control_L, false),
            pause(100),
        ];
        check("key Ctrl+Shift+Return every 100ms times 2", &[&once[..], &once[..]].concat());
        check("key +", &[press(key::plus, true), press(key::plus, false)]);
        let zoom = [press(key::Control_L, true), press(key::plus, true)];
        let back = [press(key::plus, false), press(key::Control_L, false)];
        check("key Ctrl++", &[zoom, back].concat());
        check("key \"", &[press(key::quotedbl, true), press(key::quotedbl, false)]);
    }

    #[test]
    fn names_of_keys() {
        for (name, keysym) in [
            ("Page_Up", key::Prior),
            ("Next", key::Page_Down),
            ("F5", key::F5),
            ("XF86AudioMute", key::XF86_AudioMute),
            ("EuroSign", key::EuroSign),
            ("Control_R", key::Control_R),
            ("KP_Enter", key::KP_Enter),
            ("ISO_Level3_Shift", key::ISO_Level3_Shift),
        ] {
            check(&format!("key {name}"), &[press(keysym, true), press(keysym, false)]);
        }
    }

    #[test]
    fn the_pointer_moves_from_where_it_was() {
        check("move 10 20", &[point(10, 20)]);
        check(
            "move 100 50\nmove 40 80 over 300ms steps 3",
            &[
                point(100, 50),
                pause(100),
                point(80, 60),
                pause(100),
                point(60, 70),
                pause(100),
                point(40, 80),
            ],
        );
        let script = Script::parse("move 0 0\nmove 99 0 over 160ms").unwrap();
        assert_eq!((script.inputs(), script.duration()), (11, Duration::from_millis(160)));
    }

    #[test]
    fn buttons_and_wheel() {
        check(
            "click 5 6 times 2",
            &[point(5, 6), button(1, true), button(1, false), button(1, true), button(1, false)],
        );
        check(
            "drag 0 0 10 20 steps 2 every 5ms button 3",
            &[
                point(0, 0),
                button(3, true),
                point(5, 10),
                pause(5),
                point(10, 20),
                pause(5),
                button(3, false),
            ],
        );
        check("wheel up", &[scroll(0, -120)]);
        check(
            "wheel down 2 at 7 8 every 50ms",
            &[point(7, 8), scroll(0, 120), pause(50), scroll(0, 120), pause(50)],
        );
        check("wheel left\nwheel right", &[scroll(-120, 0), scroll(120, 0)]);
    }

    #[test]
    fn loops_unroll() {
        let text = "repeat 2\npause 1ms\nrepeat 2\npause 2ms\nend\nend\npause 3ms";
        check(text, &[1, 2, 2, 1, 2, 2, 3].map(pause));
        check("repeat 100000\nrepeat 100000\nrepeat 100000\n# nothing\nend\nend\nend", &[]);
        assert_eq!(Script::parse(text).unwrap().duration(), Duration::from_millis(13));
        let most = format!("repeat {MAX_STEPS}\npause 1ms\nend");
        assert_eq!(Script::parse(&most).unwrap().steps.len(), MAX_STEPS);
    }

    #[test]
    fn errors_say_what_would_be_right() {
        check_error(
            "pause 1s\nclik 1 2",
            "line 2, `clik 1 2`: there is no command `clik`; a line begins with begin, wait, pause, type, key, move, \
             click, drag, wheel, repeat or end",
        );
        check_error(
            "pause 5",
            "line 1, `pause 5`: `5` is not how long; a time looks like 300ms, 1.5s or 2m, and is 60m at most",
        );
        check_error("click 10", "line 1, `click 10`: the line ends where a Y coordinate is expected");
        check_error(
            "click -1 5",
            "line 1, `click -1 5`: `-1` is not an X coordinate; it is a whole number from 0 to 32767",
        );
        check_error(
            "click 1 2 button 4",
            "line 1, `click 1 2 button 4`: button 4 is the wheel's; use `wheel up`, or button 1, 2, 3, 8 or 9",
        );
        check_error(
            "key Ctrl+return",
            "line 1, `key Ctrl+return`: there is no key `return`; there is `Return`",
        );
        check_error(
            "key a times 2 often",
            "line 1, `key a times 2 often`: found `often` where every or the end of the line is expected",
        );
        check_error(
            "key a times 2 times 3",
            "line 1, `key a times 2 times 3`: found `times` where every or the end of the line is expected",
        );
        check_error(
            "type hello",
            "line 1, `type hello`: found `hello` where the text in double quotes is expected",
        );
        check_error("type \"a", "line 1, `type \"a`: the text does not end; close it with \"");
        check_error(
            r#"type "\x""#,
            r#"line 1, `type "\x"`: there is no escape \x; there are \n, \t, \" and \\"#,
        );
        check_error("end", "line 1, `end`: no loop is open here; `repeat N` begins one");
        check_error(
            "\nrepeat 3\npause 1s",
            "line 2, `repeat 3`: this loop has no end; write `end` behind its last line",
        );
        check_error(
            &"repeat 2\n".repeat(5),
            "line 5, `repeat 2`: loops may be 4 deep; write the inner lines out",
        );
        check_error(
            "repeat 1000\nrepeat 1000\npause 1ms\nend\nend",
            "line 3, `pause 1ms`: the script has more than 100000 steps from here on; repeat less, or make two of it",
        );
        let long = Script::parse(&"x".repeat(200)).unwrap_err();
        assert_eq!(long.quoted, format!("{}…", "x".repeat(80)));
    }

    proptest! {
        #[test]
        fn any_text_is_a_script_or_an_error(text in any::<String>()) {
            let _ = Script::parse(&text);
        }

        #[test]
        fn anything_like_a_script_is_one_or_an_error(
            words in proptest::collection::vec(
                proptest::sample::select(vec![
                    "wait", "window", "still", "pause", "type", "key", "move", "click", "drag", "wheel",
                    "repeat", "end", "up", "every", "over", "steps", "times", "at", "button", "Ctrl+a", "+",
                    "\"", "\\", "\"a\"", "0", "7", "100000", "99999999999", "1ms", "1e9s", ".s", "é", "\n", "\n",
                ]),
                0..60,
            ),
        ) {
            if let Ok(script) = Script::parse(&words.join(" ")) {
                prop_assert!(script.steps.len() <= MAX_STEPS);
                prop_assert!(script.inputs() <= script.steps.len());
            }
        }
    }
}
