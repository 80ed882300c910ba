//! Asking the person at the terminal, or the files that stand for them.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use panto_transport::{Fingerprint, FingerprintKind, Protocol, Target, read_private};
use panto_viewer::core::Prompt;
use zeroize::Zeroizing;

use crate::exit::Usage;

/// Bytes of a file with a password that nobody else may read.
const MAX_PASSWORD: u64 = 1024;

/// Passwords and tickets from a file, a descriptor or the terminal.
pub struct Terminal {
    /// Given by `--password-file` or `--password-fd`; used once.
    given: Mutex<Option<String>>,
    /// Whether the person may be asked.
    asks: AtomicBool,
    /// The option to give a secret with.
    option: &'static str,
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
        Ok(Self::given(given, "--password-file"))
    }

    /// The person at the terminal, and a secret that was given by this option, if any.
    pub fn given(secret: Option<String>, option: &'static str) -> Self {
        Self { given: Mutex::new(secret), asks: AtomicBool::new(true), option }
    }

    /// Nobody is there to be asked from now on.
    pub fn stop_asking(&self) {
        self.asks.store(false, Ordering::Release);
    }

    fn may_ask(&self) -> bool {
        self.asks.load(Ordering::Acquire) && std::io::stdin().is_terminal()
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
        if !self.may_ask() {
            return None;
        }
        if let Some(wrong) = wrong {
            eprintln!("{wrong}");
        }
        rpassword::prompt_password(format!("Password or ticket for {server}: "))
            .ok()
            .filter(|s| !s.is_empty())
    }

    fn option(&self) -> &'static str {
        self.option
    }

    fn trust(&self, target: &Target, fingerprint: Fingerprint) -> bool {
        if !self.may_ask() {
            return false;
        }
        eprintln!("{target} is not known yet. Its fingerprint is\n    {fingerprint}");
        match target.protocol {
            Protocol::Panto => eprintln!("Compare it with the one that `panto serve` prints there."),
            Protocol::Vnc => {
                let (whose, public) = match fingerprint.kind() {
                    FingerprintKind::Tls => {
                        ("certificate", "openssl x509 -in CERTIFICATE -noout -pubkey |\n    ")
                    }
                    FingerprintKind::Ra2 | FingerprintKind::Ra2ne => {
                        ("RSA key", "openssl pkey -in KEY -pubout |\n    ")
                    }
                };
                eprintln!(
                    "Compare it with that of the server's {whose}: {public}openssl pkey -pubin -outform der | \
                     openssl dgst -sha256 -binary | base64"
                );
                if !fingerprint.kind().is_encrypted() {
                    eprintln!("It protects the password alone: what is shown and typed is not encrypted.");
                }
            }
        }
        eprint!("Trust it from now on (yes/no)? ");
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "yes")
    }
}

/// The first line of a file that nobody else may read: the password for what `purpose` says.
pub fn private_password(path: &Path, purpose: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let Some(mut password) = read_private(path, MAX_PASSWORD)? else {
        return Err(Usage(format!("there is no file {} with a password {purpose}", path.display())).into());
    };
    let line = password.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(password.len());
    password.truncate(line);
    if password.is_empty() {
        return Err(
            Usage(format!("the first line of {} is empty: it has to be a password", path.display())).into()
        );
    }
    Ok(password)
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
        return Err(Usage("the two passwords differ; nothing was changed".into()).into());
    }
    Ok(first)
}
