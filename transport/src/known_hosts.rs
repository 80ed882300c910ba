//! The servers a user has seen before, and whether to believe one: trust on first use, as ssh has it.
//!
//! One line each, `host:port SHA256:…`, or `RA2-SHA256:…` where the key is RSA-AES's; blank lines and lines that begin with `#` are left alone.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::files::{self, FileError};
use crate::{Fingerprint, FingerprintKind, Target};

/// Some ten thousand servers; what is longer is no list of known hosts.
const MAX_FILE: u64 = 1 << 20;

/// What to do about a server never seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TrustPolicy {
    /// Ask the person in front of it.
    #[default]
    Ask,
    /// Accept and remember it.
    New,
    /// Refuse it.
    Strict,
}

/// A word that is no trust policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no trust policy; choose ask, new or strict")]
pub struct UnknownPolicy(String);

impl FromStr for TrustPolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        match text {
            "ask" => Ok(Self::Ask),
            "new" => Ok(Self::New),
            "strict" => Ok(Self::Strict),
            _ => Err(UnknownPolicy(text.to_owned())),
        }
    }
}

impl fmt::Display for TrustPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ask => "ask",
            Self::New => "new",
            Self::Strict => "strict",
        })
    }
}

/// What the known hosts say of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It has the key it had before.
    Known,
    /// It was never seen.
    Unknown,
    /// It had another key before.
    Changed {
        /// That key.
        expected: Fingerprint,
        /// The line that says so, counted from 1.
        line: usize,
    },
}

/// What to do now. A refusal is a [`TrustError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Trusted,
    /// Go on, and [`KnownHosts::remember`] it.
    TrustedAndNew,
    /// Ask the user; on yes, go on and [`KnownHosts::remember`] it.
    AskUser,
}

/// Why a server is not believed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It has another key than before.
    #[error(
        "the identity of {target} has changed: it was {expected} and is now {found}; either its key was made anew, or \
         someone stands between you and it: compare with the fingerprint that `panto serve` prints there, and if that \
         is the new one, remove line {line} of {} and connect again",
        .path.display()
    )]
    IdentityChanged {
        /// The server.
        target: Box<Target>,
        /// The key it had.
        expected: Fingerprint,
        /// The key it has.
        found: Fingerprint,
        /// The known hosts.
        path: PathBuf,
        /// The line in them, counted from 1.
        line: usize,
    },
    /// It has another key than the address or command line asked for.
    #[error(
        "{target} is not the server that you were given the address of: its fingerprint should be {expected} and is \
         {found}; ask whoever gave you the address for a new one"
    )]
    PinMismatch {
        /// The server.
        target: Box<Target>,
        /// The key asked for.
        expected: Fingerprint,
        /// The key it has.
        found: Fingerprint,
    },
    /// It was never seen, and the policy is strict.
    #[error(
        "{target} was never seen before and there is no one to ask; if {found} is its fingerprint (`panto serve` prints \
         its own), connect to {}, or with --trust new (for the source of a gateway, --source-trust new)",
        Target::clone(.target).with_fingerprint(*.found).url()
    )]
    Unknown {
        /// The server.
        target: Box<Target>,
        /// The key it has.
        found: Fingerprint,
    },
    /// The file of known hosts.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The file of known hosts. Nothing of it is kept in memory, so that several viewers agree.
#[derive(Debug, Clone)]
pub struct KnownHosts {
    path: PathBuf,
}

impl KnownHosts {
    /// The user's: `$XDG_DATA_HOME/panto/known_hosts`.
    pub fn of_user() -> Result<Self, FileError> {
        Ok(Self::at(files::data_dir()?.join("known_hosts")))
    }

    /// A file of one's own, which need not exist.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is known of `target`. Lines that cannot be read are passed over with a warning.
    pub fn check(&self, target: &Target, fingerprint: Fingerprint) -> Result<Trust, FileError> {
        let Some(bytes) = files::read_bounded(&self.path, MAX_FILE)? else { return Ok(Trust::Unknown) };
        Ok(self.look_up(&bytes, target, fingerprint))
    }

    /// Whether a connection to this server has ever been encrypted; then it has to be.
    pub fn is_encrypted(&self, target: &Target) -> Result<bool, FileError> {
        let Some(bytes) = files::read_bounded(&self.path, MAX_FILE)? else { return Ok(false) };
        let key = key(target);
        Ok(self.lines(&bytes).any(|(_, host, known)| host == key && known.kind().is_encrypted()))
    }

    /// Decides about a server that showed `found`. A fingerprint in the target overrides the known hosts.
    pub fn judge(
        &self,
        target: &Target,
        found: Fingerprint,
        policy: TrustPolicy,
    ) -> Result<Verdict, TrustError> {
        if let Some(expected) = target.fingerprint {
            if expected != found {
                return Err(TrustError::PinMismatch { target: Box::new(target.clone()), expected, found });
            }
            // The known hosts have no say, so their being out of reach does no harm either.
            return Ok(match self.check(target, found) {
                Ok(Trust::Unknown) => Verdict::TrustedAndNew,
                _ => Verdict::Trusted,
            });
        }
        match (self.check(target, found)?, policy) {
            (Trust::Known, _) => Ok(Verdict::Trusted),
            (Trust::Changed { expected, line }, _) => Err(self.changed(target, expected, found, line)),
            (Trust::Unknown, TrustPolicy::Ask) => Ok(Verdict::AskUser),
            (Trust::Unknown, TrustPolicy::New) => Ok(Verdict::TrustedAndNew),
            (Trust::Unknown, TrustPolicy::Strict) => {
                Err(TrustError::Unknown { target: Box::new(target.clone()), found })
            }
        }
    }

    /// Adds a server. One that is known already is not added again, and one that another viewer has meanwhile seen with
    /// another key is an error.
    pub fn remember(&self, target: &Target, fingerprint: Fingerprint) -> Result<(), TrustError> {
        if let Some(dir) = self.path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            files::create_private_dir(dir)?;
        }
        let error = |source| files::io_error("write", &self.path)(source);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(error)?;
        // Held until the file is closed: looking and adding are one step.
        file.lock().map_err(error)?;
        let bytes = files::read_open(&file, &self.path, MAX_FILE)?;
        match self.look_up(&bytes, target, fingerprint) {
            Trust::Known => return Ok(()),
            Trust::Changed { expected, line } => {
                return Err(self.changed(target, expected, fingerprint, line));
            }
            Trust::Unknown => {}
        }
        let mut line = format!("{} {fingerprint}\n", key(target));
        if bytes.last().is_some_and(|&last| last != b'\n') {
            line.insert(0, '\n');
        }
        if MAX_FILE < (bytes.len() + line.len()) as u64 {
            return Err(FileError::TooLong { path: self.path.clone(), limit: MAX_FILE }.into());
        }
        file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(error)?;
        Ok(())
    }

    fn look_up(&self, bytes: &[u8], target: &Target, fingerprint: Fingerprint) -> Trust {
        let key = key(target);
        let mut trust = Trust::Unknown;
        for (line, host, known) in self.lines(bytes) {
            if host != key {
                continue;
            }
            if known == fingerprint {
                return Trust::Known;
            }
            // The same key that encrypts now what it did not encrypt before is no worse; it is a new line, after
            // which the server has to encrypt.
            let better =
                known.kind() == FingerprintKind::Ra2ne && known.of_kind(FingerprintKind::Ra2) == fingerprint;
            if trust == Trust::Unknown && !better {
                trust = Trust::Changed { expected: known, line };
            }
        }
        trust
    }

    /// What can be read: lines counted from 1, servers and their keys.
    fn lines<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = (usize, &'a str, Fingerprint)> {
        bytes.split(|&b| b == b'\n').enumerate().filter_map(|(i, line)| {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                return None;
            }
            let Some((host, known)) = parse_line(line) else {
                tracing::warn!(path = %self.path.display(), line = i + 1, "passing over a line that cannot be read");
                return None;
            };
            Some((i + 1, host, known))
        })
    }

    fn changed(&self, target: &Target, expected: Fingerprint, found: Fingerprint, line: usize) -> TrustError {
        TrustError::IdentityChanged {
            target: Box::new(target.clone()),
            expected,
            found,
            path: self.path.clone(),
            line,
        }
    }
}

fn key(target: &Target) -> String {
    // Only the path of a Unix socket could hold a line break.
    target.to_string().replace(['\n', '\r'], "?")
}

fn parse_line(line: &[u8]) -> Option<(&str, Fingerprint)> {
    let (host, fingerprint) =
        std::str::from_utf8(line).ok()?.rsplit_once(|c: char| c.is_ascii_whitespace())?;
    Some((host.trim_end(), fingerprint.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn fingerprint(n: u8) -> Fingerprint {
        Fingerprint::from_digest([n; 32])
    }

    fn hosts() -> (tempfile::TempDir, KnownHosts) {
        let dir = tempfile::tempdir().unwrap();
        let hosts = KnownHosts::at(dir.path().join("panto/known_hosts"));
        (dir, hosts)
    }

    #[test]
    fn first_use_then_known_then_changed() {
        let (_dir, hosts) = hosts();
        let target = Target::tcp("desk", 4920);
        assert_eq!(hosts.judge(&target, fingerprint(1), TrustPolicy::Ask).unwrap(), Verdict::AskUser);
        assert_eq!(hosts.judge(&target, fingerprint(1), TrustPolicy::New).unwrap(), Verdict::TrustedAndNew);
        let said = hosts.judge(&target, fingerprint(1), TrustPolicy::Strict).unwrap_err().to_string();
        assert!(said.contains("panto://desk:4920/?fingerprint=SHA256:AQEB"), "{said}");

        hosts.remember(&Target::tcp("other", 4920), fingerprint(9)).unwrap();
        hosts.remember(&target, fingerprint(1)).unwrap();
        hosts.remember(&target, fingerprint(1)).unwrap();
        assert_eq!(fs::read_to_string(hosts.path()).unwrap().lines().count(), 2);
        assert_eq!(fs::metadata(hosts.path()).unwrap().mode() & 0o777, 0o600);
        for policy in [TrustPolicy::Ask, TrustPolicy::New, TrustPolicy::Strict] {
            assert_eq!(hosts.judge(&target, fingerprint(1), policy).unwrap(), Verdict::Trusted);
            let err = hosts.judge(&target, fingerprint(2), policy).unwrap_err();
            let said = err.to_string();
            assert!(matches!(err, TrustError::IdentityChanged { line: 2, .. }), "{said}");
            assert!(said.contains(&format!("remove line 2 of {}", hosts.path().display())), "{said}");
        }
        // Another port is another server.
        let other_port = Target::tcp("desk", 4921);
        assert_eq!(hosts.check(&other_port, fingerprint(2)).unwrap(), Trust::Unknown);
        assert!(matches!(hosts.remember(&target, fingerprint(2)), Err(TrustError::IdentityChanged { .. })));
    }

    #[test]
    fn a_key_that_encrypts_nothing_is_one_of_its_own() {
        let (_dir, hosts) = hosts();
        let target = Target::tcp("desk", 5900);
        let [sealed, clear] =
            [FingerprintKind::Ra2, FingerprintKind::Ra2ne].map(|kind| fingerprint(1).of_kind(kind));
        hosts.remember(&target, clear).unwrap();
        assert!(!hosts.is_encrypted(&target).unwrap());
        assert_eq!(hosts.judge(&target, clear, TrustPolicy::Strict).unwrap(), Verdict::Trusted);
        // Another key is another server, and so is the same number as a certificate's.
        for other in [fingerprint(2).of_kind(FingerprintKind::Ra2), fingerprint(1)] {
            assert!(matches!(
                hosts.judge(&target, other, TrustPolicy::New),
                Err(TrustError::IdentityChanged { .. })
            ));
        }
        // What encrypts now is remembered to do so, beside the line that was there.
        assert_eq!(hosts.judge(&target, sealed, TrustPolicy::New).unwrap(), Verdict::TrustedAndNew);
        hosts.remember(&target, sealed).unwrap();
        assert!(hosts.is_encrypted(&target).unwrap());
        assert_eq!(hosts.judge(&target, sealed, TrustPolicy::Strict).unwrap(), Verdict::Trusted);
        let text = fs::read_to_string(hosts.path()).unwrap();
        assert!(
            text.starts_with("desk:5900 RA2ne-SHA256:AQEB") && text.contains("\ndesk:5900 RA2-SHA256:AQEB"),
            "{text}"
        );
        // It does not go back.
        let other = Target::tcp("other", 5900);
        hosts.remember(&other, sealed).unwrap();
        assert!(matches!(
            hosts.judge(&other, clear, TrustPolicy::New),
            Err(TrustError::IdentityChanged { .. })
        ));
    }

    #[test]
    fn a_pinned_fingerprint_overrides() {
        let (_dir, hosts) = hosts();
        let plain = Target::tcp("desk", 4920);
        hosts.remember(&plain, fingerprint(1)).unwrap();
        let pinned = plain.clone().with_fingerprint(fingerprint(2));
        assert_eq!(hosts.judge(&pinned, fingerprint(2), TrustPolicy::Strict).unwrap(), Verdict::Trusted);
        let err = hosts.judge(&pinned, fingerprint(1), TrustPolicy::New).unwrap_err();
        assert!(matches!(err, TrustError::PinMismatch { .. }), "{err}");
        let new = Target::tcp("::1", 1).with_fingerprint(fingerprint(3));
        assert_eq!(hosts.judge(&new, fingerprint(3), TrustPolicy::Strict).unwrap(), Verdict::TrustedAndNew);
    }

    #[test]
    fn damaged_lines_are_passed_over_and_kept() {
        let (_dir, hosts) = hosts();
        fs::create_dir_all(hosts.path().parent().unwrap()).unwrap();
        let good = format!("desk:4920\t{}  \r", fingerprint(1));
        let text = format!(
            "# mine\n\n\u{7}\nnonsense\ndesk:4920 SHA256:short\n{good}\ndesk:4920 {} no",
            fingerprint(2)
        );
        fs::write(hosts.path(), &text).unwrap();
        let target = Target::tcp("desk", 4920);
        assert_eq!(hosts.check(&target, fingerprint(1)).unwrap(), Trust::Known);
        assert_eq!(
            hosts.check(&target, fingerprint(2)).unwrap(),
            Trust::Changed { expected: fingerprint(1), line: 6 }
        );
        let unix = Target::unix("/a b/c\nd");
        hosts.remember(&unix, fingerprint(4)).unwrap();
        assert_eq!(hosts.check(&unix, fingerprint(4)).unwrap(), Trust::Known);
        assert!(fs::read_to_string(hosts.path()).unwrap().starts_with(&text));
    }

    #[test]
    fn its_size_is_bounded() {
        let (_dir, hosts) = hosts();
        fs::create_dir_all(hosts.path().parent().unwrap()).unwrap();
        fs::write(hosts.path(), vec![b'\n'; MAX_FILE as usize]).unwrap();
        let target = Target::tcp("desk", 4920);
        assert_eq!(hosts.check(&target, fingerprint(1)).unwrap(), Trust::Unknown);
        assert!(matches!(
            hosts.remember(&target, fingerprint(1)),
            Err(TrustError::File(FileError::TooLong { .. }))
        ));
        fs::write(hosts.path(), vec![b'\n'; MAX_FILE as usize + 1]).unwrap();
        assert!(matches!(hosts.check(&target, fingerprint(1)), Err(FileError::TooLong { .. })));
    }

    #[test]
    fn viewers_that_write_at_once_lose_nothing() {
        let (_dir, hosts) = hosts();
        let refused = std::thread::scope(|s| {
            let writers: Vec<_> = (0..8)
                .map(|n| {
                    let hosts = &hosts;
                    s.spawn(move || {
                        for i in 0..10 {
                            hosts
                                .remember(&Target::tcp(format!("host{n}"), 1000 + i), fingerprint(n))
                                .unwrap();
                        }
                        hosts.remember(&Target::tcp("contested", 4920), fingerprint(n)).is_err()
                    })
                })
                .collect();
            writers.into_iter().map(|w| usize::from(w.join().unwrap())).sum::<usize>()
        });
        assert_eq!(refused, 7);
        let text = fs::read_to_string(hosts.path()).unwrap();
        assert_eq!(text.lines().count(), 81);
        assert!(text.lines().all(|line| parse_line(line.as_bytes()).is_some()));
    }

    #[test]
    fn policies_are_words() {
        for policy in [TrustPolicy::Ask, TrustPolicy::New, TrustPolicy::Strict] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        assert!("yes".parse::<TrustPolicy>().unwrap_err().to_string().contains("ask, new or strict"));
    }
}
