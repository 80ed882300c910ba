//! Asking the person at the terminal, or the files that stand for them.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::Context;
use panto_transport::{Fingerprint, Protocol, Target};
use panto_viewer::core::Prompt;

/// Passwords and tickets from a file, a descriptor or the terminal.
pub struct Terminal {
    /// Given by `--password-file` or `--password-fd`; used once.
    given: Mutex<Option<String>>,
}

impl Terminal {
    /// Reads the secret that was given, if any: its first line.
    pub fn new(file: Option<&PathBuf>, fd: Option<i32>) -> anyhow::Result<Self> {
        let path = match (file, fd) {
            (Some(path), _) => Some(path.clone()),
            // The system's own name for an inherited descriptor: no unsafe needed.
            (None, Some(fd)) => Some(PathBuf::from(format!("/proc/self/fd/{fd}"))),
            (None, None) => None,
        };
        let given = match path {
            Some(path) => Some(first_line(&path)?),
            None => None,
        };
        Ok(Self { given: Mutex::new(given) })
    }
}

fn first_line(path: &PathBuf) -> anyhow::Result<String> {
    let what = || format!("cannot read a password from {}", path.display());
    let file = std::fs::File::open(path).with_context(what)?;
    let mut line = String::new();
    std::io::BufReader::new(file).read_line(&mut line).with_context(what)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

impl Prompt for Terminal {
    fn secret(&self, server: &str, wrong: Option<&str>) -> Option<String> {
        if let Some(given) = self.given.lock().ok()?.take() {
            return Some(given);
        }
        if !std::io::stdin().is_terminal() {
            return None;
        }
        if let Some(wrong) = wrong {
            eprintln!("{wrong}");
        }
        rpassword::prompt_password(format!("Password or ticket for {server}: "))
            .ok()
            .filter(|s| !s.is_empty())
    }

    fn trust(&self, target: &Target, fingerprint: Fingerprint) -> bool {
        if !std::io::stdin().is_terminal() {
            return false;
        }
        eprintln!("{target} is not known yet. Its fingerprint is\n    {fingerprint}");
        match target.protocol {
            Protocol::Panto => eprintln!("Compare it with the one that `panto serve` prints there."),
            Protocol::Vnc => eprintln!(
                "Compare it with that of the server's certificate: openssl x509 -in CERTIFICATE -noout -pubkey |\n    \
                 openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64"
            ),
        }
        eprint!("Trust it from now on (yes/no)? ");
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "yes")
    }
}

/// Asks for a new password twice.
pub fn new_password(name: &str) -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).context("cannot read a password from standard input")?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let first = rpassword::prompt_password(format!("New password for {name}: "))?;
    let second = rpassword::prompt_password("The same again: ")?;
    if first != second {
        return Err(crate::exit::Usage("the two passwords differ; nothing was changed".into()).into());
    }
    Ok(first)
}
