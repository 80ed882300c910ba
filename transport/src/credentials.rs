//! Who may come in: named passwords with rights, kept as argon2id verifiers.
//!
//! The file has one JSON object per line: `{"name":"me","rights":"control","hash":"$argon2id$v=19$…"}`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::files::{self, FileError};

/// Each attempt costs one argon2 run per entry, so there are few.
const MAX_ENTRIES: usize = 16;

/// An entry is about 170 bytes; what is longer is no password file.
const MAX_FILE: u64 = 64 << 10;

/// Bytes of a password (as the protocol's `MAX_SECRET`).
const MAX_PASSWORD: usize = 1024;

/// Bytes of a name.
const MAX_NAME: usize = 64;

/// The most that an entry may cost, lest a slip in the file stop the server: 256 MiB, 16 passes.
const MAX_MEMORY_KIB: u32 = 256 << 10;
const MAX_PASSES: u32 = 16;

/// What a viewer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rights {
    /// Look.
    View,
    /// Look, type and point.
    Control,
}

/// A word that names no rights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no rights; choose view or control")]
pub struct UnknownRights(String);

impl FromStr for Rights {
    type Err = UnknownRights;

    fn from_str(text: &str) -> Result<Self, UnknownRights> {
        match text {
            "view" => Ok(Self::View),
            "control" => Ok(Self::Control),
            _ => Err(UnknownRights(text.to_owned())),
        }
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::View => "view",
            Self::Control => "control",
        })
    }
}

/// Someone who may come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Credential {
    /// For logs and lists; it is not asked for.
    pub name: String,
    /// What they may do.
    pub rights: Rights,
}

/// What went wrong with the passwords.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Empty, too long or with blanks in it.
    #[error(
        "`{name}` is no name for a password; use up to {MAX_NAME} letters, digits and signs without blanks"
    )]
    BadName {
        /// What was given.
        name: String,
    },
    /// Empty or too long.
    #[error("a password has 1 to {MAX_PASSWORD} bytes")]
    BadPassword,
    /// The file is full.
    #[error("there are {MAX_ENTRIES} passwords already; remove one first")]
    TooMany,
    /// The hash could not be computed.
    #[error("cannot compute the password's hash: {0}")]
    Hash(String),
}

/// What one argon2id run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl HashCost {
    /// For tests, which try many passwords: worthless otherwise.
    pub const CHEAP: Self = Self { memory_kib: 8, passes: 1 };

    fn hasher(self) -> Result<Argon2<'static>, CredentialError> {
        let params = Params::new(self.memory_kib, self.passes, 1, None)
            .map_err(|err| CredentialError::Hash(err.to_string()))?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

impl Default for HashCost {
    /// 19 MiB, two passes, one lane: OWASP's first recommendation for argon2id, some 20 ms.
    fn default() -> Self {
        Self { memory_kib: 19 << 10, passes: 2 }
    }
}

/// The password file. It is read anew each time, so that a change holds from the next connection on. Clones share the
/// queue of [`CredentialStore::verify_in_turn`].
#[derive(Debug, Clone)]
pub struct CredentialStore {
    path: PathBuf,
    cost: HashCost,
    turn: Arc<Semaphore>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    rights: Rights,
    hash: String,
}

impl CredentialStore {
    /// The user's: `$XDG_CONFIG_HOME/panto/passwd`.
    pub fn of_user() -> Result<Self, FileError> {
        Ok(Self::at(files::config_dir()?.join("passwd")))
    }

    /// A file of one's own, which need not exist.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), cost: HashCost::default(), turn: Arc::new(Semaphore::new(1)) }
    }

    /// With another cost for new passwords and for attempts without any entry.
    pub fn with_cost(mut self, cost: HashCost) -> Self {
        self.cost = cost;
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who has a password.
    pub fn list(&self) -> Result<Vec<Credential>, CredentialError> {
        Ok(self
            .read()?
            .into_iter()
            .map(|entry| Credential { name: entry.name, rights: entry.rights })
            .collect())
    }

    /// Sets or replaces the password of `name`.
    pub fn set_password(&self, name: &str, rights: Rights, password: &str) -> Result<(), CredentialError> {
        if name.is_empty()
            || MAX_NAME < name.len()
            || name.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(CredentialError::BadName {
                name: name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect(),
            });
        }
        if password.is_empty() || MAX_PASSWORD < password.len() {
            return Err(CredentialError::BadPassword);
        }
        let hash: PasswordHash = self
            .cost
            .hasher()?
            .hash_password(password.as_bytes())
            .map_err(|err| CredentialError::Hash(err.to_string()))?;
        let new = Entry { name: name.to_owned(), rights, hash: hash.to_string() };
        self.change(|entries| {
            if let Some(old) = entries.iter_mut().find(|entry| entry.name == name) {
                *old = new;
            } else if entries.len() < MAX_ENTRIES {
                entries.push(new);
            } else {
                return Err(CredentialError::TooMany);
            }
            Ok(())
        })
    }

    /// Removes the password of `name`; `false` if there is none.
    pub fn remove(&self, name: &str) -> Result<bool, CredentialError> {
        if !self.path.exists() {
            return Ok(false);
        }
        let mut removed = false;
        self.change(|entries| {
            let before = entries.len();
            entries.retain(|entry| entry.name != name);
            removed = entries.len() < before;
            Ok(())
        })?;
        Ok(removed)
    }

    /// Whose password this is; of two with the same password, who may do more. Takes some 20 ms per entry, whichever
    /// entry fits or none, and one such run where there is no entry at all. Blocks: in async code, use
    /// [`CredentialStore::verify_in_turn`].
    pub fn verify(&self, password: &str) -> Result<Option<Credential>, CredentialError> {
        // A password that is too long costs a run as well, of its beginning.
        let fits = (1..=MAX_PASSWORD).contains(&password.len());
        let bytes = &password.as_bytes()[..password.len().min(MAX_PASSWORD)];
        let mut runs = 0;
        let mut found: Option<Credential> = None;
        for entry in self.read()? {
            let Some(hash) = usable_hash(&entry) else {
                tracing::warn!(path = %self.path.display(), name = entry.name, "passing over an unusable hash");
                continue;
            };
            runs += 1;
            // Compared in constant time, and the loop goes on after a match.
            let right = Argon2::default().verify_password(bytes, &hash).is_ok();
            if fits && right && found.as_ref().is_none_or(|best| best.rights < entry.rights) {
                found = Some(Credential { name: entry.name, rights: entry.rights });
            }
        }
        if runs == 0 {
            let mut out = [0; 32];
            self.cost
                .hasher()?
                .hash_password_into(bytes, b"no such password", &mut out)
                .map_err(|err| CredentialError::Hash(err.to_string()))?;
            std::hint::black_box(out);
        }
        Ok(found)
    }

    /// As [`CredentialStore::verify`], off the async threads and one at a time, so that a crowd of attempts takes the
    /// memory of one.
    pub async fn verify_in_turn(
        &self,
        password: Zeroizing<String>,
    ) -> Result<Option<Credential>, CredentialError> {
        let failed = |err: &dyn fmt::Display| CredentialError::Hash(err.to_string());
        // Owned by the run: who stops waiting for it does not let the next one in beside it.
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(|err| failed(&err))?;
        let store = self.clone();
        let run = move || {
            let _turn = turn;
            store.verify(&password)
        };
        tokio::task::spawn_blocking(run).await.map_err(|err| failed(&err))?
    }

    fn read(&self) -> Result<Vec<Entry>, CredentialError> {
        let Some(bytes) = files::read_private(&self.path, MAX_FILE)? else { return Ok(Vec::new()) };
        let mut entries = Vec::new();
        for (i, line) in bytes.split(|&b| b == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice::<Entry>(line) {
                Ok(entry) if entries.len() < MAX_ENTRIES => entries.push(entry),
                Ok(_) => tracing::warn!(path = %self.path.display(), line = i + 1, "one password too many"),
                // The error's text could repeat a part of the line.
                Err(_) => {
                    tracing::warn!(path = %self.path.display(), line = i + 1, "passing over a line that cannot be read");
                }
            }
        }
        Ok(entries)
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Vec<Entry>) -> Result<(), CredentialError>,
    ) -> Result<(), CredentialError> {
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        files::create_private_dir(dir)?;
        let _lock = files::lock_dir(dir)?;
        let mut entries = self.read()?;
        change(&mut entries)?;
        let mut out = Zeroizing::new(Vec::new());
        for entry in &entries {
            serde_json::to_writer(&mut *out, entry).map_err(|err| CredentialError::Hash(err.to_string()))?;
            out.push(b'\n');
        }
        files::replace_private(&self.path, &out)?;
        Ok(())
    }
}

fn usable_hash(entry: &Entry) -> Option<PasswordHash> {
    let hash = PasswordHash::new(&entry.hash).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let fits = params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES;
    (hash.algorithm == argon2::ARGON2ID_IDENT && fits && hash.salt.is_some() && hash.hash.is_some())
        .then_some(hash)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn store() -> (tempfile::TempDir, CredentialStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = CredentialStore::at(dir.path().join("panto/passwd")).with_cost(HashCost::CHEAP);
        (dir, store)
    }

    fn who(store: &CredentialStore, password: &str) -> Option<(String, Rights)> {
        store.verify(password).unwrap().map(|credential| (credential.name, credential.rights))
    }

    #[test]
    fn set_verify_replace_remove() {
        let (_dir, store) = store();
        assert_eq!(who(&store, "dot"), None);
        assert!(!store.remove("me").unwrap());
        store.set_password("me", Rights::Control, "dot").unwrap();
        store.set_password("guest", Rights::View, "stroke").unwrap();
        assert_eq!(who(&store, "dot"), Some(("me".into(), Rights::Control)));
        assert_eq!(who(&store, "stroke"), Some(("guest".into(), Rights::View)));
        assert_eq!(who(&store, "Dot"), None);
        assert_eq!(who(&store, ""), None);
        store.set_password("me", Rights::View, "dash").unwrap();
        assert_eq!(who(&store, "dot"), None);
        assert_eq!(who(&store, "dash"), Some(("me".into(), Rights::View)));
        assert_eq!(store.list().unwrap().len(), 2);
        assert!(store.remove("me").unwrap() && !store.remove("me").unwrap());
        assert_eq!(who(&store, "dash"), None);
        assert_eq!(fs::metadata(store.path()).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_same_password_gives_the_greater_right() {
        let (_dir, store) = store();
        for (name, rights) in [("a", Rights::View), ("b", Rights::Control), ("c", Rights::View)] {
            store.set_password(name, rights, "same").unwrap();
        }
        assert_eq!(who(&store, "same"), Some(("b".into(), Rights::Control)));
    }

    #[test]
    fn the_file_holds_argon2id_and_no_password() {
        let (_dir, store) = store();
        let store = store.with_cost(HashCost::default());
        store.set_password("me", Rights::Control, "telautograph").unwrap();
        let text = fs::read_to_string(store.path()).unwrap();
        assert!(
            text.starts_with(r#"{"name":"me","rights":"control","hash":"$argon2id$v=19$m=19456,t=2,p=1$"#),
            "{text}"
        );
        assert!(!text.contains("telautograph"));
        assert!(who(&store, "telautograph").is_some());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let (_dir, store) = store();
        store.set_password("me", Rights::Control, "dot").unwrap();
        for mode in [0o640, 0o604, 0o620, 0o666] {
            fs::set_permissions(store.path(), fs::Permissions::from_mode(mode)).unwrap();
            for err in
                [store.verify("dot").unwrap_err(), store.set_password("x", Rights::View, "y").unwrap_err()]
            {
                assert!(err.to_string().contains("chmod 600"), "{err}");
            }
        }
    }

    #[test]
    fn damaged_and_costly_lines_are_passed_over() {
        let (_dir, store) = store();
        store.set_password("me", Rights::Control, "dot").unwrap();
        let good = fs::read_to_string(store.path()).unwrap();
        let costly = good.replace("m=8", "m=4000000000").replace("me", "costly");
        let weak = good.replace("argon2id", "argon2d").replace("me", "weak");
        let text = format!("nonsense\n{costly}{weak}\n{{\"name\":1}}\n{good}{}", &good[..40]);
        files::replace_private(store.path(), text.as_bytes()).unwrap();
        assert_eq!(who(&store, "dot"), Some(("me".into(), Rights::Control)));
        assert_eq!(who(&store, "dash"), None);
    }

    #[test]
    fn limits() {
        let (_dir, store) = store();
        for name in ["", "a b", "a\nb", &"x".repeat(MAX_NAME + 1)] {
            assert!(matches!(
                store.set_password(name, Rights::View, "dot"),
                Err(CredentialError::BadName { .. })
            ));
        }
        for password in ["", &"x".repeat(MAX_PASSWORD + 1)] {
            assert!(matches!(
                store.set_password("me", Rights::View, password),
                Err(CredentialError::BadPassword)
            ));
        }
        let longest = "x".repeat(MAX_PASSWORD);
        store.set_password("0", Rights::View, &longest).unwrap();
        assert!(who(&store, &longest).is_some());
        assert!(who(&store, &format!("{longest}x")).is_none());
        for i in 1..MAX_ENTRIES {
            store.set_password(&i.to_string(), Rights::View, "dot").unwrap();
        }
        assert!(matches!(store.set_password("more", Rights::View, "dot"), Err(CredentialError::TooMany)));
        store.set_password("0", Rights::View, "dot").unwrap();
    }

    #[test]
    fn writers_at_once_lose_nothing() {
        let (_dir, store) = store();
        std::thread::scope(|s| {
            for i in 0..8 {
                let store = &store;
                s.spawn(move || store.set_password(&i.to_string(), Rights::View, &format!("p{i}")).unwrap());
            }
        });
        assert_eq!(store.list().unwrap().len(), 8);
    }

    #[tokio::test]
    async fn in_turn() {
        let (_dir, store) = store();
        store.set_password("me", Rights::Control, "dot").unwrap();
        let tries: Vec<_> = (0..8)
            .map(|i| {
                let store = store.clone();
                tokio::spawn(async move {
                    store
                        .verify_in_turn(Zeroizing::new(if i == 3 { "dot" } else { "dash" }.into()))
                        .await
                        .unwrap()
                })
            })
            .collect();
        for (i, attempt) in tries.into_iter().enumerate() {
            assert_eq!(attempt.await.unwrap().is_some(), i == 3);
        }
    }
}
