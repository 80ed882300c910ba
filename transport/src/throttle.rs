//! Limits on those who have not shown yet who they are: growing delays on wrong passwords, and how many may knock at
//! once.
//!
//! Peers are told apart by address; of an IPv6 address the first 64 bits count, as one host has all the others to
//! itself (RFC 4291, section 2.5.1).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// From a connection's first byte to its successful authentication, apart from [`PasswordThrottle::delay`]. A person
/// does not type in that time: the viewer asks for the password before it connects, or connects again.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// Connections that have not authenticated, in all. With one argon2 run of 19 MiB at a time and a handshake message of
/// 4 KiB each, memory stays far below the budget of a server; a queue of 32 attempts takes about a second.
pub const MAX_UNAUTHENTICATED: usize = 32;

/// Of these, from one address: a quarter, so that one peer alone keeps nobody out.
pub const MAX_UNAUTHENTICATED_PER_IP: usize = 8;

/// The delay after the first wrong password. It doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// The longest delay for one address: 2,880 guesses a day.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// A peer that was quiet for so long begins anew.
const FORGET_AFTER: Duration = Duration::from_secs(15 * 60);

/// Addresses remembered, each some 60 bytes.
const MAX_ADDRESSES: usize = 4096;

/// Wrong passwords from all addresses together that are met without a delay for everyone, and how fast they are
/// forgiven. Someone with many addresses gets one guess a second in all.
const GLOBAL_BURST: u32 = 60;
const GLOBAL_FORGIVEN_EVERY: Duration = Duration::from_secs(1);

/// The delay for everyone while there are more than that. Short, because it meets the innocent too.
const GLOBAL_DELAY: Duration = Duration::from_secs(2);

/// Delays on wrong passwords. May be shared by all connections; time is an argument.
#[derive(Debug, Default)]
pub struct PasswordThrottle {
    state: Mutex<Attempts>,
}

#[derive(Debug, Default)]
struct Attempts {
    peers: HashMap<IpAddr, Failures>,
    /// Wrong passwords not yet forgiven, as of `global_at`.
    global: u32,
    global_at: Option<Instant>,
}

#[derive(Debug)]
struct Failures {
    count: u32,
    last: Instant,
    /// The next attempt is not looked at before.
    next: Instant,
}

impl PasswordThrottle {
    /// Without memories.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long an attempt from `ip` has to wait before its password is looked at; zero for one who has not failed. At
    /// most 32 s. Asking takes the place in the queue: a second attempt at the same time waits for one delay more, so
    /// opening many connections buys nothing.
    pub fn delay(&self, ip: IpAddr, now: Instant) -> Duration {
        let mut state = lock(&self.state);
        let global = if state.forgive(now) >= GLOBAL_BURST { GLOBAL_DELAY } else { Duration::ZERO };
        let Some(peer) = state.peers.get_mut(&network(ip)) else { return global };
        if FORGET_AFTER <= now.saturating_duration_since(peer.last) {
            return global;
        }
        let wait = peer.next.saturating_duration_since(now);
        peer.next = (peer.next.max(now) + step(peer.count)).min(now + MAX_DELAY);
        wait + global
    }

    /// Notes a wrong password.
    pub fn failed(&self, ip: IpAddr, now: Instant) {
        let mut state = lock(&self.state);
        state.global = state.forgive(now).saturating_add(1).min(2 * GLOBAL_BURST);
        state.make_room(now);
        let peer = state.peers.entry(network(ip)).or_insert(Failures { count: 0, last: now, next: now });
        if FORGET_AFTER <= now.saturating_duration_since(peer.last) {
            *peer = Failures { count: 0, last: now, next: now };
        }
        peer.count = peer.count.saturating_add(1);
        peer.last = now;
        peer.next = peer.next.max(now + step(peer.count));
    }

    /// Forgets the failures of a peer that has found its password.
    pub fn succeeded(&self, ip: IpAddr) {
        lock(&self.state).peers.remove(&network(ip));
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        lock(&self.state).peers.len()
    }
}

impl Attempts {
    /// Wrong passwords of all, less those that time has forgiven.
    fn forgive(&mut self, now: Instant) -> u32 {
        let since = self.global_at.get_or_insert(now);
        let forgiven = now.saturating_duration_since(*since).as_secs() / GLOBAL_FORGIVEN_EVERY.as_secs();
        if 0 < forgiven {
            self.global = self.global.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
            *since += Duration::from_secs(forgiven * GLOBAL_FORGIVEN_EVERY.as_secs());
        }
        self.global
    }

    fn make_room(&mut self, now: Instant) {
        if self.peers.len() < MAX_ADDRESSES {
            return;
        }
        self.peers.retain(|_, peer| now.saturating_duration_since(peer.last) < FORGET_AFTER);
        if self.peers.len() < MAX_ADDRESSES {
            return;
        }
        // Whoever failed least, longest ago; many at once, so that a flood does not search the table each time.
        let mut by_guilt: Vec<_> = self.peers.iter().map(|(ip, peer)| (peer.count, peer.last, *ip)).collect();
        by_guilt.sort_unstable();
        for (_, _, ip) in by_guilt.iter().take(MAX_ADDRESSES / 8) {
            self.peers.remove(ip);
        }
    }
}

/// 0.5, 1, 2, 4, 8, 16, 30, 30, … seconds.
fn step(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_DELAY.saturating_mul(1 << doublings.min(16)).min(MAX_DELAY),
    }
}

fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// A panic elsewhere leaves these tables whole, so the lock's poison is of no interest.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many connections may be unauthenticated at once. Clones share the count.
#[derive(Debug, Clone)]
pub struct HandshakeLimits {
    open: Arc<Mutex<Open>>,
    total: usize,
    per_ip: usize,
}

#[derive(Debug, Default)]
struct Open {
    /// Sum of `by_ip`.
    total: usize,
    /// 0 < each count.
    by_ip: HashMap<IpAddr, usize>,
}

/// A connection over the limit; it is to be closed without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooManyHandshakes {
    /// From all addresses.
    #[error("{limit} connections are waiting to authenticate already")]
    InAll {
        /// The limit.
        limit: usize,
    },
    /// From this address.
    #[error("{limit} connections from {ip} are waiting to authenticate already")]
    FromOne {
        /// The limit.
        limit: usize,
        /// Whose.
        ip: IpAddr,
    },
}

impl HandshakeLimits {
    /// At most `total` in all and `per_ip` from one address.
    pub fn new(total: usize, per_ip: usize) -> Self {
        Self { open: Arc::default(), total, per_ip }
    }

    /// Admits one connection until the permit is dropped, on authentication or at its end.
    pub fn admit(&self, ip: IpAddr) -> Result<HandshakePermit, TooManyHandshakes> {
        let key = network(ip);
        let mut open = lock(&self.open);
        if self.total <= open.total {
            return Err(TooManyHandshakes::InAll { limit: self.total });
        }
        let from_one = open.by_ip.get(&key).copied().unwrap_or(0);
        if self.per_ip <= from_one {
            return Err(TooManyHandshakes::FromOne { limit: self.per_ip, ip });
        }
        open.by_ip.insert(key, from_one + 1);
        open.total += 1;
        Ok(HandshakePermit { open: Arc::clone(&self.open), key })
    }

    /// Connections admitted and not yet released.
    pub fn waiting(&self) -> usize {
        lock(&self.open).total
    }
}

impl Default for HandshakeLimits {
    fn default() -> Self {
        Self::new(MAX_UNAUTHENTICATED, MAX_UNAUTHENTICATED_PER_IP)
    }
}

/// The right to be unauthenticated for a while.
#[derive(Debug)]
#[must_use = "dropping the permit gives the place to another connection"]
pub struct HandshakePermit {
    open: Arc<Mutex<Open>>,
    key: IpAddr,
}

impl Drop for HandshakePermit {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.total -= 1;
        if let Some(count) = open.by_ip.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.by_ip.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn delays_grow_and_end() {
        let throttle = PasswordThrottle::new();
        let (alice, bob) = (ip("10.0.0.1"), ip("10.0.0.2"));
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..9 {
            let wait = throttle.delay(alice, now);
            waits.push(wait.as_millis());
            now += wait;
            throttle.failed(alice, now);
            assert_eq!(throttle.delay(bob, now), Duration::ZERO);
        }
        assert_eq!(waits, [0, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        throttle.succeeded(alice);
        assert_eq!(throttle.delay(alice, now), Duration::ZERO);
        throttle.failed(alice, now);
        assert_eq!(throttle.delay(alice, now + FORGET_AFTER), Duration::ZERO);
    }

    #[test]
    fn many_connections_at_once_wait_in_line() {
        let throttle = PasswordThrottle::new();
        let (peer, now) = (ip("10.0.0.1"), Instant::now());
        throttle.failed(peer, now);
        throttle.failed(peer, now);
        let waits: Vec<u64> = (0..3).map(|_| throttle.delay(peer, now).as_secs()).collect();
        assert_eq!(waits, [1, 2, 3]);
        for _ in 0..1000 {
            assert!(throttle.delay(peer, now) <= MAX_DELAY);
        }
    }

    #[test]
    fn one_host_has_one_delay() {
        let throttle = PasswordThrottle::new();
        let now = Instant::now();
        throttle.failed(ip("2001:db8::1"), now);
        assert!(throttle.delay(ip("2001:db8::2"), now) > Duration::ZERO);
        assert_eq!(throttle.delay(ip("2001:db8:0:1::1"), now), Duration::ZERO);
        throttle.failed(ip("::ffff:10.0.0.1"), now);
        assert!(throttle.delay(ip("10.0.0.1"), now) > Duration::ZERO);
    }

    #[test]
    fn many_addresses_slow_everyone_a_little() {
        let throttle = PasswordThrottle::new();
        let now = Instant::now();
        for i in 0..GLOBAL_BURST {
            assert_eq!(throttle.delay(ip("10.0.0.1"), now), Duration::ZERO);
            throttle.failed(IpAddr::V4((0x0b00_0000 + i).into()), now);
        }
        assert_eq!(throttle.delay(ip("10.0.0.1"), now), GLOBAL_DELAY);
        assert_eq!(throttle.delay(ip("10.0.0.1"), now + SECOND), Duration::ZERO);
    }

    #[test]
    fn the_table_is_bounded_and_keeps_the_worst() {
        let throttle = PasswordThrottle::new();
        let (worst, mut now) = (ip("10.0.0.1"), Instant::now());
        for _ in 0..5 {
            throttle.failed(worst, now);
        }
        for i in 0..3 * MAX_ADDRESSES as u32 {
            now += Duration::from_micros(1);
            throttle.failed(IpAddr::V4((0x0b00_0000 + i).into()), now);
            assert!(throttle.len() <= MAX_ADDRESSES);
        }
        assert!(throttle.delay(worst, now) > 7 * SECOND);
        // Time that runs backwards (two threads, two readings) is no reason to panic.
        throttle.failed(worst, now - SECOND);
        throttle.delay(worst, now - SECOND);
    }

    #[test]
    fn permits_count_and_return() {
        let limits = HandshakeLimits::new(3, 2);
        let (a, b) = (ip("10.0.0.1"), ip("10.0.0.2"));
        let first = limits.admit(a).unwrap();
        let _second = limits.admit(a).unwrap();
        assert_eq!(limits.admit(a).unwrap_err(), TooManyHandshakes::FromOne { limit: 2, ip: a });
        let _third = limits.admit(b).unwrap();
        assert_eq!(limits.admit(b).unwrap_err(), TooManyHandshakes::InAll { limit: 3 });
        drop(first);
        assert_eq!(limits.waiting(), 2);
        let _again = limits.clone().admit(a).unwrap();
        assert!(limits.admit(b).is_err());
        drop((_second, _third, _again));
        assert!(limits.waiting() == 0 && lock(&limits.open).by_ip.is_empty());
    }
}
