//! Keycodes without a meaning, lent to keysyms that no key has.

use std::time::{Duration, Instant};

/// Keycodes borrowed at most. Layouts leave some twenty free; a text rarely has
/// more different foreign characters than this in a row.
const MAX_SPARES: usize = 24;

/// How long a borrowed keycode keeps its keysym at least. Programs look a
/// keycode up when they *handle* the press, in the map as it is by then; a
/// keycode that was lent on too soon would give them the wrong character.
const KEEP: Duration = Duration::from_millis(100);

/// One keycode that means something because we said so.
#[derive(Debug, Clone, Copy)]
struct Loan {
    keycode: u8,
    keysym: u32,
    used: Instant,
}

/// The pool; the least recently used keycode is lent on first.
#[derive(Debug, Default)]
pub(super) struct Spares {
    free: Vec<u8>,
    loans: Vec<Loan>,
}

/// A keycode for a keysym, from [`Spares::lend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lent {
    /// The keycode.
    pub keycode: u8,
    /// Whether it has the keysym already.
    pub ready: bool,
    /// How long to wait before it may change its meaning.
    pub wait: Duration,
}

impl Spares {
    /// Takes in a new keyboard map: `unused` keycodes have no keysym, and of those
    /// lent, `still` says whether the map agrees.
    pub(super) fn refresh(&mut self, unused: &[u8], still: impl Fn(u8, u32) -> bool) {
        self.loans.retain(|loan| still(loan.keycode, loan.keysym));
        let room = MAX_SPARES - self.loans.len();
        self.free.clear();
        // From the top: low codes are more likely to be given a meaning by someone.
        let free = unused.iter().rev().filter(|k| self.loans.iter().all(|loan| loan.keycode != **k));
        self.free.extend(free.take(room).copied());
    }

    /// A keycode for `keysym`; `None` when all are held down. `is_held` tells which are.
    pub(super) fn lend(&mut self, keysym: u32, now: Instant, is_held: impl Fn(u8) -> bool) -> Option<Lent> {
        if let Some(loan) = self.loans.iter_mut().find(|loan| loan.keysym == keysym) {
            loan.used = now;
            return Some(Lent { keycode: loan.keycode, ready: true, wait: Duration::ZERO });
        }
        if let Some(at) = self.free.iter().position(|&k| !is_held(k)) {
            let keycode = self.free.remove(at);
            self.loans.push(Loan { keycode, keysym, used: now });
            return Some(Lent { keycode, ready: false, wait: Duration::ZERO });
        }
        let loan = self.loans.iter_mut().filter(|l| !is_held(l.keycode)).min_by_key(|l| l.used)?;
        let wait = KEEP.saturating_sub(now.saturating_duration_since(loan.used));
        *loan = Loan { keycode: loan.keycode, keysym, used: now + wait };
        Some(Lent { keycode: loan.keycode, ready: false, wait })
    }

    /// The keycode was pressed (for its place in the queue).
    pub(super) fn touch(&mut self, keycode: u8, now: Instant) {
        if let Some(loan) = self.loans.iter_mut().find(|loan| loan.keycode == keycode) {
            loan.used = now;
        }
    }

    /// Every keycode that is lent, to be given back.
    pub(super) fn take_all(&mut self) -> Vec<u8> {
        self.loans.drain(..).map(|loan| loan.keycode).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_is_lent_on() {
        let mut spares = Spares::default();
        spares.refresh(&[200, 201], |_, _| true);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(spares.lend(1, at(0), |_| false).unwrap().keycode, 201);
        assert_eq!(spares.lend(2, at(1), |_| false).unwrap().keycode, 200);
        let again = Lent { keycode: 201, ready: true, wait: Duration::ZERO };
        assert_eq!(spares.lend(1, at(50), |_| false), Some(again));
        // 200 was last used at 1 ms and so may change at 101 ms.
        let lent = spares.lend(3, at(61), |_| false);
        assert_eq!(lent, Some(Lent { keycode: 200, ready: false, wait: Duration::from_millis(40) }));
        assert_eq!(spares.lend(4, at(900), |k| k == 201).unwrap().keycode, 200);
        assert_eq!(spares.lend(5, at(900), |_| true), None);
    }

    #[test]
    fn a_new_map_takes_loans_away() {
        let mut spares = Spares::default();
        spares.refresh(&(8..=255).collect::<Vec<_>>(), |_, _| true);
        let now = Instant::now();
        for keysym in 0..100 {
            spares.lend(keysym, now, |_| false).unwrap();
        }
        assert_eq!(spares.loans.len(), MAX_SPARES);
        spares.refresh(&[9], |_, _| false);
        assert!(!spares.lend(99, now, |_| false).unwrap().ready);
        assert_eq!(spares.take_all(), [9]);
    }
}
