//! One-time secrets, so that a viewer can be let in without a password being made up.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_VISUAL};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use crate::files::{self, FileError};
use crate::{Credential, Rights};

/// 128 random bits that let one viewer in, once.
pub struct Ticket {
    secret: [u8; 16],
    rights: Rights,
    expires: Instant,
    used: AtomicBool,
}

impl Ticket {
    /// A new one, good for `lifetime` from `now`.
    pub fn new(rights: Rights, now: Instant, lifetime: Duration) -> Result<Self, FileError> {
        Ok(Self { secret: files::random()?, rights, expires: now + lifetime, used: AtomicBool::new(false) })
    }

    /// What to type: 26 letters and digits in groups, such as `K3VQ-…`. It is a secret and has no place in a command
    /// line.
    pub fn text(&self) -> Zeroizing<String> {
        let plain = Zeroizing::new(BASE32_NOPAD.encode(&self.secret));
        let mut grouped = Zeroizing::new(String::with_capacity(32));
        for (i, c) in plain.chars().enumerate() {
            if i % 4 == 0 && i != 0 {
                grouped.push('-');
            }
            grouped.push(c);
        }
        grouped
    }

    /// Whether `text` is this ticket, for the first time and in time. Capitals, blanks and dashes do not matter, nor
    /// do `0` for `O`, `1` for `I` and `8` for `B`. Takes the same time for every wrong text of the right length.
    pub fn redeem(&self, text: &str, now: Instant) -> bool {
        let given = decode(text);
        let right = match &given {
            Some(given) => given.ct_eq(&self.secret),
            None => Choice::from(0),
        };
        // A wrong text must not use it up, nor a late one.
        bool::from(right) && now < self.expires && !self.used.swap(true, Ordering::AcqRel)
    }

    /// Whether it can no longer be redeemed.
    pub fn is_spent(&self, now: Instant) -> bool {
        self.expires <= now || self.used.load(Ordering::Acquire)
    }

    /// What its holder may do.
    pub fn credential(&self) -> Credential {
        Credential { name: "ticket".to_owned(), rights: self.rights }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("rights", &self.rights)
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

fn decode(text: &str) -> Option<Zeroizing<[u8; 16]>> {
    let letters =
        text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'-').map(|b| b.to_ascii_uppercase());
    // One more than fits, so that a longer text is seen to be longer and memory stays bounded.
    let letters: Zeroizing<Vec<u8>> = Zeroizing::new(letters.take(27).collect());
    let bytes = Zeroizing::new(BASE32_NOPAD_VISUAL.decode(&letters).ok()?);
    let mut out = Zeroizing::new([0; 16]);
    if bytes.len() != out.len() {
        return None;
    }
    out.copy_from_slice(&bytes);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn ticket(now: Instant) -> Ticket {
        Ticket::new(Rights::View, now, MINUTE).unwrap()
    }

    #[test]
    fn redeemed_once_and_in_time() {
        let now = Instant::now();
        let one = ticket(now);
        assert!(!one.redeem(&ticket(now).text(), now));
        assert!(!one.is_spent(now));
        assert!(one.redeem(&one.text(), now));
        assert!(!one.redeem(&one.text(), now));
        assert!(one.is_spent(now));
        assert_eq!(one.credential().rights, Rights::View);

        let late = ticket(now);
        assert!(late.is_spent(now + MINUTE) && !late.redeem(&late.text(), now + MINUTE));
        assert!(late.redeem(&late.text(), now));
    }

    #[test]
    fn typed_by_people() {
        let now = Instant::now();
        for change in [
            (|t: &str| t.to_lowercase()) as fn(&str) -> String,
            |t| t.replace('-', ""),
            |t| format!(" {} \n", t.replace('-', " ")),
            |t| t.replace('I', "1").replace('O', "0").replace('B', "8"),
        ] {
            let one = ticket(now);
            assert_eq!(one.text().len(), 26 + 6);
            assert!(one.redeem(&change(&one.text()), now), "{}", change(&one.text()));
        }
    }

    #[test]
    fn wrong_texts() {
        let now = Instant::now();
        let one = ticket(now);
        let long = format!("{}a", one.text().as_str());
        for text in ["", "-", "abcd", "é", &one.text()[1..], &long, &"a".repeat(1 << 20)] {
            assert!(!one.redeem(text, now));
        }
        assert!(!format!("{one:?}").contains(&one.text()[..4]));
    }

    #[test]
    fn one_of_many_at_once() {
        let now = Instant::now();
        let one = ticket(now);
        let text = one.text();
        let won = std::thread::scope(|s| {
            let tries: Vec<_> = (0..8).map(|_| s.spawn(|| one.redeem(&text, now))).collect();
            tries.into_iter().map(|t| usize::from(t.join().unwrap())).sum::<usize>()
        });
        assert_eq!(won, 1);
    }
}
