//! One line of a script: a command with its options, or an end of a loop.

use std::time::Duration;

use panto_protocol::geometry::Point;

use super::Step;
use super::keys;
use super::words::Words;

/// Time between two steps of a movement that only says how long it takes: a mouse's, about.
const MOVE_STEP: Duration = Duration::from_millis(16);

/// A notch of the wheel in [`Scroll`](panto_protocol::message::InputEvent::Scroll)'s unit.
const NOTCH: i32 = 120;

const COMMANDS: &str = "begin, wait, pause, type, key, move, click, drag, wheel, repeat or end";

/// What a line is.
#[derive(Debug)]
pub(super) enum Line {
    Command(Command),
    Repeat(u32),
    End,
}

/// What a line does.
#[derive(Debug)]
pub(super) enum Command {
    Plain(Step),
    Pause(Duration),
    Type { keysyms: Vec<u32>, every: Duration },
    Key { keysyms: Vec<u32>, times: u32, every: Duration },
    Move { to: Point, over: Duration, steps: u32 },
    Click { at: Point, button: u8, times: u32 },
    Drag { from: Point, to: Point, steps: u32, every: Duration, button: u8 },
    Wheel { dx: i32, dy: i32, notches: u32, every: Duration, at: Option<Point> },
}

/// Reads a line that is neither empty nor a comment; the error says what would be right.
pub(super) fn read_line(text: &str) -> Result<Line, String> {
    let mut words = Words::new(text)?;
    let name = words.next("a command")?;
    let command = match name.as_str() {
        "begin" => Command::Plain(Step::Begin),
        "wait" => wait(&mut words)?,
        "pause" => Command::Pause(words.time("how long")?),
        "type" => typing(&mut words)?,
        "key" => pressing(&mut words)?,
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
        keys::keysym_of(c).ok_or_else(|| {
            format!("U+{:04X} is no character that a keyboard could type; leave it out", u32::from(c))
        })
    });
    Ok(Command::Type { keysyms: keysyms.collect::<Result<_, _>>()?, every })
}

fn pressing(words: &mut Words) -> Result<Command, String> {
    let combination = words.next("a key, such as Ctrl+Shift+Return")?;
    let keysyms = keys::combination(&combination)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands_or_ends_of_loops() {
        assert!(matches!(read_line("repeat 3"), Ok(Line::Repeat(3))));
        assert!(matches!(read_line("end"), Ok(Line::End)));
        assert!(matches!(read_line("begin"), Ok(Line::Command(Command::Plain(Step::Begin)))));
    }

    #[test]
    fn options_have_defaults() {
        let second = Duration::from_secs(1);
        assert!(matches!(
            read_line("wait window XTerm"),
            Ok(Line::Command(Command::Plain(Step::WaitWindow { within, .. }))) if within == 10 * second
        ));
        let Ok(Line::Command(Command::Move { over, steps, .. })) = read_line("move 1 2 over 1s") else {
            panic!("a movement")
        };
        assert_eq!((over, steps), (second, 63), "16 ms a step, rounded up");
        let Ok(Line::Command(Command::Drag { steps, every, button, .. })) = read_line("drag 1 2 3 4") else {
            panic!("a drag")
        };
        assert_eq!((steps, every, button), (20, Duration::from_millis(16), 1));
    }

    #[test]
    fn errors_say_what_would_be_right() {
        for (line, expected) in [
            (
                "clik 1 2",
                "there is no command `clik`; a line begins with begin, wait, pause, type, key, move, \
                 click, drag, wheel, repeat or end",
            ),
            ("pause 5", "`5` is not how long; a time looks like 300ms, 1.5s or 2m, and is 60m at most"),
            ("click 10", "the line ends where a Y coordinate is expected"),
            ("click -1 5", "`-1` is not an X coordinate; it is a whole number from 0 to 32767"),
            ("click 1 2 button 4", "button 4 is the wheel's; use `wheel up`, or button 1, 2, 3, 8 or 9"),
            ("key Ctrl+return", "there is no key `return`; there is `Return`"),
            ("key a times 2 often", "found `often` where every or the end of the line is expected"),
            ("key a times 2 times 3", "found `times` where every or the end of the line is expected"),
            ("type hello", "found `hello` where the text in double quotes is expected"),
            ("type \"a", "the text does not end; close it with \""),
            (r#"type "\x""#, r#"there is no escape \x; there are \n, \t, \" and \\"#),
            ("type \"\u{7}\"", "U+0007 is no character that a keyboard could type; leave it out"),
            ("wait here", "cannot wait for `here`; it is `wait window CLASS` or `wait still 300ms`"),
            ("wheel round", "a wheel does not turn `round`; it turns up, down, left or right"),
            ("end now", "found `now` where the end of the line is expected"),
        ] {
            assert_eq!(read_line(line).unwrap_err(), expected, "{line}");
        }
    }
}
