//! Reads a script: lines to loops and commands, those to steps.

use super::line::{Line, read_line};
use super::unroll::{Block, unroll};
use super::{MAX_NESTING, MAX_STEPS, ScriptError, Step};

/// Letters of a line that an error quotes.
const MAX_QUOTED: usize = 80;

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
    unroll(&top).map_err(|line| {
        let problem = format!(
            "the script has more than {MAX_STEPS} steps from here on; repeat less, or make two of it"
        );
        error(line, problem)
    })
}

fn quoted(line: &str) -> String {
    let line = line.trim();
    match line.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Script;
    use proptest::prelude::*;

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        assert_eq!(Script::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn errors_name_their_line() {
        check_error(
            "pause 1s\nclick 10",
            "line 2, `click 10`: the line ends where a Y coordinate is expected",
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
