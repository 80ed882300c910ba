//! A real Chromium without a window, steered by playwright-core in Node.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use panto_protocol::geometry::Size;
use panto_protocol::pixel::Picture;
use panto_tests::harness::{Panto, eventually};
use serde_json::{Value, json};

/// What `tests/web/fetch.sh` has brought.
fn fetched(name: &str) -> PathBuf {
    let binary = std::env::current_exe().expect("the test's own path");
    let target = binary.ancestors().find(|dir| dir.join("browser").is_dir());
    let found = target.map(|dir| dir.join("browser").join(name)).filter(|path| path.exists());
    found.expect("run ./test.sh, or tests/web/fetch.sh DIR with DIR `browser` in Cargo's target directory")
}

/// Where noVNC is.
pub fn novnc() -> String {
    fetched("novnc").to_str().expect("a path of letters").to_owned()
}

/// A browser with one page.
pub struct Browser {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Browser {
    /// Starts one; its profile ends with it.
    pub fn start(home: &Panto) -> Self {
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/driver.mjs");
        let mut child = Command::new("node")
            .arg(driver)
            .arg(fetched("node_modules/playwright-core"))
            .arg("/usr/bin/chromium")
            .env("HOME", home.path("."))
            .env_remove("DISPLAY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("node starts (apt install nodejs chromium)");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, stdin, stdout: BufReader::new(stdout) }
    }

    /// Does one of the driver's commands.
    pub fn ask(&mut self, command: &str, options: Value) -> Value {
        let mut line = options;
        line["command"] = command.into();
        writeln!(self.stdin.as_mut().unwrap(), "{line}").expect("the driver reads");
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).expect("the driver answers");
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{command}: {answer:?}"));
        assert!(answer["error"].is_null(), "{command}: {}", answer["error"]);
        answer["result"].clone()
    }

    /// Opens a page in a window of this size.
    pub fn open(&mut self, url: &str, size: Size) {
        self.ask("open", json!({ "url": url, "width": size.width, "height": size.height }));
    }

    /// Waits until the page is in this state: `connected`, `login`, `waiting`, `ended`.
    pub fn until(&mut self, state: &str) {
        eventually(&format!("the page is {state}"), || {
            let now = self.ask("attribute", json!({ "selector": "body", "name": "data-state" }));
            (now == state).then_some(())
        });
    }

    /// What it says to the person.
    pub fn message(&mut self) -> String {
        self.ask("text", json!({ "selector": "#message" })).as_str().unwrap().to_owned()
    }

    /// Gives a password to the page that asks for it.
    pub fn log_in(&mut self, password: &str) {
        self.ask("fill", json!({ "selector": "#password", "value": password }));
        self.ask("click", json!({ "selector": "#connect" }));
    }

    /// Types on the keyboard.
    pub fn type_text(&mut self, text: &str) {
        self.ask("type", json!({ "text": text }));
    }

    /// The remote screen as the page has it.
    pub fn picture(&mut self) -> Option<Picture> {
        let answer = self.ask("picture", json!({}));
        let number = |name: &str| u32::try_from(answer[name].as_u64()?).ok();
        let size = Size::new(number("width")?, number("height")?);
        let bytes = decode(answer["rgba"].as_str()?);
        let pixel = |p: &[u8; 4]| u32::from_be_bytes([0, p[0], p[1], p[2]]);
        Picture::from_pixels(size, bytes.as_chunks::<4>().0.iter().map(pixel).collect())
    }

    /// Errors that its console has shown since the last call.
    pub fn complaints(&mut self) -> Vec<String> {
        serde_json::from_value(self.ask("complaints", json!({}))).expect("a list")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without input it ends, and Chromium with it.
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// Base64 (RFC 4648, section 4).
fn decode(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => u32::from(c - b'A'),
        b'a'..=b'z' => u32::from(c - b'a') + 26,
        b'0'..=b'9' => u32::from(c - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u32> = text.trim_end_matches('=').bytes().map(value).collect();
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let bits = group.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}
