//! Ways back for viewers that were let in and lost their connection.
//!
//! A viewer that has no room for a secret of the server's (RFB has none) makes one itself, of at least 128 random
//! bits, and says its SHA-256 when it proves who it is. When it comes back, it says the secret instead of a proof.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};

use crate::Credential;

/// How long after the loss of its connection a viewer may come back.
const RETURNS_WITHIN: Duration = Duration::from_secs(120);

/// Ways back that are kept at once; the oldest of those who left gives way.
const MAX_KEPT: usize = 64;

/// Who may come back, by the SHA-256 of a secret.
#[derive(Default)]
pub struct Returns {
    kept: Mutex<HashMap<[u8; 32], Kept>>,
}

struct Kept {
    credential: Credential,
    /// When its connection was lost.
    left: Option<Instant>,
}

impl Returns {
    /// Keeps a way back for who has this credential and a secret with this hash: while the pass lives, and
    /// two minutes longer. `None` if too many are here already, or somebody else has named the same hash.
    pub fn keep(self: &Arc<Self>, hash: [u8; 32], credential: Credential) -> Option<ReturnPass> {
        let now = Instant::now();
        let mut kept = self.kept();
        kept.retain(|_, kept| !kept.is_over(now));
        if kept.contains_key(&hash) {
            return None;
        }
        if kept.len() >= MAX_KEPT {
            let left = kept.iter().filter_map(|(hash, kept)| Some((kept.left?, *hash)));
            let oldest = left.min()?.1;
            kept.remove(&oldest);
        }
        kept.insert(hash, Kept { credential, left: None });
        Some(ReturnPass { returns: Arc::clone(self), hash })
    }

    /// Who comes back with this secret, which is good once.
    ///
    /// What the time it takes tells of hashes tells nothing of secrets.
    pub fn redeem(&self, secret: &[u8]) -> Option<Credential> {
        self.redeem_at(secret, Instant::now())
    }

    fn redeem_at(&self, secret: &[u8], now: Instant) -> Option<Credential> {
        let hash: [u8; 32] = digest(&SHA256, secret).as_ref().try_into().ok()?;
        let kept = self.kept().remove(&hash)?;
        (!kept.is_over(now)).then_some(kept.credential)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<[u8; 32], Kept>> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Kept {
    fn is_over(&self, now: Instant) -> bool {
        self.left.is_some_and(|left| now.saturating_duration_since(left) >= RETURNS_WITHIN)
    }
}

impl fmt::Debug for Returns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returns").field("kept", &self.kept().len()).finish()
    }
}

/// A viewer's way back, while it is here. Dropped, the time begins in which it may come back.
#[derive(Debug)]
pub struct ReturnPass {
    returns: Arc<Returns>,
    hash: [u8; 32],
}

impl ReturnPass {
    /// The viewer is not to come back: it was sent away.
    pub fn revoke(self) {
        self.returns.kept().remove(&self.hash);
    }
}

impl Drop for ReturnPass {
    fn drop(&mut self) {
        if let Some(kept) = self.returns.kept().get_mut(&self.hash) {
            kept.left = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rights;

    fn hash(secret: &[u8]) -> [u8; 32] {
        digest(&SHA256, secret).as_ref().try_into().unwrap()
    }

    fn onlooker() -> Credential {
        Credential { name: "onlooker".into(), rights: Rights::View }
    }

    #[test]
    fn a_secret_is_good_once_for_who_named_its_hash() {
        let returns = Arc::new(Returns::default());
        let pass = returns.keep(hash(b"a secret"), onlooker()).expect("room");
        assert_eq!(returns.redeem(b"another"), None);
        assert_eq!(returns.redeem(&hash(b"a secret")), None, "the hash is no secret");
        // Its old connection may still be thought to be there.
        assert_eq!(returns.redeem(b"a secret"), Some(onlooker()));
        assert_eq!(returns.redeem(b"a secret"), None);
        drop(pass);
        assert_eq!(returns.redeem(b"a secret"), None, "its end does not bring it back");
    }

    #[test]
    fn the_time_begins_when_the_connection_ends() {
        let returns = Arc::new(Returns::default());
        let (short, long) =
            (RETURNS_WITHIN - Duration::from_secs(1), RETURNS_WITHIN + Duration::from_secs(1));
        for (after, comes_back) in [(short, true), (long, false)] {
            let pass = returns.keep(hash(b"a secret"), onlooker()).expect("room");
            drop(pass);
            assert_eq!(returns.redeem_at(b"a secret", Instant::now() + after).is_some(), comes_back);
        }
        let _pass = returns.keep(hash(b"here"), onlooker()).expect("room");
        assert!(returns.redeem_at(b"here", Instant::now() + long).is_some(), "it never left");
    }

    #[test]
    fn who_is_sent_away_stays_away() {
        let returns = Arc::new(Returns::default());
        returns.keep(hash(b"a secret"), onlooker()).expect("room").revoke();
        assert_eq!(returns.redeem(b"a secret"), None);
    }

    #[test]
    fn a_crowd_is_not_remembered() {
        let returns = Arc::new(Returns::default());
        let secret = |i: usize| i.to_le_bytes();
        let all: Vec<_> =
            (0..MAX_KEPT).map(|i| returns.keep(hash(&secret(i)), onlooker()).expect("room")).collect();
        assert!(returns.keep(hash(b"one more"), onlooker()).is_none());
        assert!(returns.keep(hash(&secret(3)), onlooker()).is_none(), "a hash is one viewer's");
        drop(all);
        for i in 0..3 * MAX_KEPT {
            drop(returns.keep(hash(&secret(MAX_KEPT + i)), onlooker()).expect("who left gives way"));
        }
        assert_eq!(returns.kept().len(), MAX_KEPT);
    }
}
