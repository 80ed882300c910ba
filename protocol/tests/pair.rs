//! Both connection machines against each other, in virtual time.

mod link;

use link::{Dice, Pair, returning, viewer, welcome};
use panto_protocol::canvas::{ContentHash, Digest};
use panto_protocol::connection::{
    ACK_TIMEOUT, AUTH_TIMEOUT, Acked, Channel, ClientConfig, ClientEvent, ConnectionError, HANDSHAKE_TIMEOUT,
    KEEPALIVE, Mux, PEER_TIMEOUT, ServerConnection, ServerEvent,
};
use panto_protocol::geometry::Point;
use panto_protocol::message::{
    AuthMethods, Bye, ByeReason, ClientControl, ClientHello, InputEvent, Offer, ServerControl, ServerHello,
    Settings, VERSION,
};
use panto_protocol::time::Micros;
use panto_protocol::wire::{MAX_CHUNK, MAX_OFFERED_GLYPHS, MAX_OFFERED_TILES};
use proptest::prelude::*;

const LATENCY: Micros = Micros::from_millis(50);

fn pair() -> Pair {
    Pair::new(viewer(), LATENCY, 0, 1)
}

fn wire(message: &[u8]) -> Vec<u8> {
    let mut mux = Mux::default();
    mux.push(Channel::Control, message.to_vec());
    let mut out = Vec::new();
    while mux.poll_chunk(&mut out) {}
    out
}

#[test]
fn a_handshake_with_a_proof_takes_two_round_trips() {
    let mut pair = pair();
    let ServerEvent::Hello(hello) = pair.server_event() else { panic!() };
    assert_eq!((hello.name.as_str(), hello.resume, pair.now), ("viewer", None, LATENCY));
    pair.server.demand("server", AuthMethods::PASSWORD, pair.now);
    let ClientEvent::Demand(hello) = pair.client_event() else { panic!() };
    assert_eq!((hello.name.as_str(), hello.methods), ("server", AuthMethods::PASSWORD));
    pair.client.authenticate(AuthMethods::PASSWORD, "wrong".to_owned(), pair.now);
    let ServerEvent::Auth(auth) = pair.server_event() else { panic!() };
    assert_eq!((auth.method, auth.secret.as_str()), (AuthMethods::PASSWORD, "wrong"));
    pair.server.retry("wrong password", pair.now);
    assert_eq!(pair.client_event(), ClientEvent::Retry("wrong password".to_owned()));
    pair.client.authenticate(AuthMethods::PASSWORD, "right".to_owned(), pair.now);
    let ServerEvent::Auth(auth) = pair.server_event() else { panic!() };
    assert_eq!(auth.secret, "right");
    pair.server.welcome(welcome(false), 0, Vec::new(), pair.now);
    assert_eq!(pair.client_event(), ClientEvent::Welcome(Box::new(welcome(false))));
    // Two round trips, and one more for the wrong proof.
    assert_eq!(pair.now, Micros(6 * LATENCY.0));
    assert!(pair.server.is_open() && pair.client.is_open());
}

#[test]
fn without_a_proof_one_round_trip_is_enough() {
    let mut pair = pair();
    pair.open();
    assert_eq!(pair.now, Micros(2 * LATENCY.0));
}

#[test]
fn a_server_refuses_for_good() {
    let mut pair = pair();
    let ServerEvent::Hello(_) = pair.server_event() else { panic!() };
    pair.server.close(ByeReason::Busy, "too many viewers");
    pair.pass(Micros::from_millis(200));
    let bye = Bye { reason: ByeReason::Busy, text: "too many viewers".to_owned() };
    assert_eq!(pair.client_error.map(|(_, e)| e), Some(ConnectionError::Bye(bye)));
    assert_eq!(pair.server.poll_timeout(), None);
}

#[test]
fn versions_that_differ_are_told_to_both() {
    let error = ConnectionError::Version { theirs: VERSION + 1, ours: VERSION };
    let hello = ClientHello {
        version: VERSION + 1,
        name: String::new(),
        resume: None,
        settings: Settings::default(),
        offer: Offer::default(),
    };
    // The rest of another version's hello may be laid out in any way.
    let message = [&ClientControl::Hello(hello).encode()[..], b"unknown"].concat();
    let mut server = ServerConnection::new(Micros::ZERO);
    assert_eq!(server.feed(&wire(&message), Micros::ZERO), Err(error.clone()));
    assert!(server.is_closed());
    // Its goodbye names the reason.
    let mut out = Vec::new();
    server.poll_transmit(&mut out, usize::MAX);
    let mut client = pair().client;
    let Err(ConnectionError::Bye(bye)) = client.feed(&out, Micros::ZERO) else { panic!() };
    assert_eq!(bye.reason, ByeReason::Version);

    let hello = ServerHello { version: VERSION + 1, name: String::new(), methods: AuthMethods::NONE };
    let message = wire(&ServerControl::Hello(hello).encode());
    assert_eq!(pair().client.feed(&message, Micros::ZERO), Err(error));
}

#[test]
fn an_idle_connection_lives_on_few_bytes() {
    let mut pair = pair();
    pair.open();
    let before = pair.up.sent + pair.down.sent;
    pair.pass(Micros::from_millis(600_000));
    assert_eq!((&pair.server_error, &pair.client_error), (&None, &None));
    assert!(pair.server_events.is_empty());
    let bytes = pair.up.sent + pair.down.sent - before;
    // A ping and its answer every quarter of a minute or so, of at most ten bytes each.
    assert!((1..=2 * 40 * 20).contains(&bytes), "{bytes} bytes in ten minutes");
}

#[test]
fn a_dead_link_is_noticed_by_both() {
    let mut pair = pair();
    pair.open();
    pair.pass(Micros::from_millis(1000));
    let heard = pair.now;
    pair.client.send_refresh();
    pair.server.send_notice("last words");
    pair.pass(Micros::from_millis(100));
    pair.up.dead = true;
    pair.down.dead = true;
    pair.pass(Micros::from_millis(120_000));
    let error = ConnectionError::Timeout { what: "keep-alive" };
    let at = heard + LATENCY + PEER_TIMEOUT;
    assert_eq!(pair.server_error, Some((at, error.clone())));
    assert_eq!(pair.client_error, Some((at, error)));
}

#[test]
fn a_viewer_that_hears_but_is_not_heard_is_given_up() {
    let mut pair = pair();
    pair.open();
    pair.up.dead = true;
    pair.pass(Micros::from_millis(120_000));
    assert_eq!(
        pair.server_error,
        Some((LATENCY + PEER_TIMEOUT, ConnectionError::Timeout { what: "keep-alive" }))
    );
}

#[test]
fn a_viewer_that_never_acks_is_given_up() {
    let mut pair = pair();
    pair.open();
    pair.pass(Micros::from_millis(500));
    let sent = pair.now;
    pair.server.send_frame(vec![0], sent);
    // It answers pings all the time, so that it counts as alive.
    for _ in 0..100 {
        pair.client.ping(pair.now);
        pair.pass(Micros::from_millis(1000));
    }
    let error = ConnectionError::Timeout { what: "acknowledgement of a frame" };
    assert_eq!(pair.server_error, Some((sent + ACK_TIMEOUT, error)));
    // What it did not paint is kept for when it comes back.
    let (painted, unpainted) = pair.server.into_unpainted();
    assert_eq!((painted, unpainted.len()), (0, 1));
}

#[test]
fn a_slow_handshake_is_ended_in_time() {
    let hello = wire(
        &ClientControl::Hello(ClientHello {
            version: VERSION,
            name: "loris".repeat(20),
            resume: None,
            settings: Settings::default(),
            offer: Offer::default(),
        })
        .encode(),
    );
    let error = Err(ConnectionError::Timeout { what: "handshake" });
    let mut server = ServerConnection::new(Micros::ZERO);
    // A byte every second does not push the deadline.
    for (second, byte) in (0u64..).zip(&hello) {
        let now = Micros::from_millis(second * 1000);
        if now >= HANDSHAKE_TIMEOUT {
            break;
        }
        assert_eq!(server.feed(&[*byte], now), Ok(()));
        assert_eq!(server.handle_timeout(now), Ok(()));
        assert_eq!(server.poll_timeout(), Some(HANDSHAKE_TIMEOUT));
    }
    assert_eq!(server.handle_timeout(HANDSHAKE_TIMEOUT), error);

    // A password prompt may take longer, and its end is fixed as well.
    let mut server = ServerConnection::new(Micros::ZERO);
    assert_eq!(server.feed(&hello, Micros::ZERO), Ok(()));
    server.demand("server", AuthMethods::PASSWORD, Micros::ZERO);
    for second in 0..AUTH_TIMEOUT.0 / 1_000_000 {
        let now = Micros::from_millis(second * 1000);
        // A chunk of one byte each, never the last.
        assert_eq!(server.feed(&[0, 1, 2], now), Ok(()));
        assert_eq!(server.handle_timeout(now), Ok(()));
    }
    assert_eq!(server.handle_timeout(AUTH_TIMEOUT), error);
}

#[test]
fn a_silent_server_is_given_up() {
    let mut pair = pair();
    pair.down.dead = true;
    pair.pass(Micros::from_millis(60_000));
    assert_eq!(pair.client_error, Some((HANDSHAKE_TIMEOUT, ConnectionError::Timeout { what: "handshake" })));
}

#[test]
fn nothing_urgent_waits_for_a_picture() {
    // One megabyte at 1 Mbit/s takes 8 seconds.
    let rate = 125_000;
    let mut pair = Pair::new(viewer(), LATENCY, rate, 3);
    pair.open();
    pair.server.send_frame(vec![7; 1_000_000], pair.now);
    pair.pass(Micros::from_millis(1000));
    pair.client.ping(pair.now);
    pair.client.send_input(&InputEvent::Pointer { position: Point::new(3, 4) });
    let ClientEvent::Pong { rtt } = pair.client_event() else { panic!() };
    let chunk = Micros((MAX_CHUNK as u64 + 16) * 1_000_000 / rate);
    assert!(rtt <= Micros(2 * LATENCY.0) + chunk + Micros::from_millis(1), "{rtt:?}");
    assert!(pair.server_events.iter().any(|(_, e)| matches!(e, ServerEvent::Input(_))));
    let ClientEvent::Frame(frame) = pair.client_event() else { panic!() };
    assert_eq!(frame.len(), 1_000_000);
}

#[test]
fn acknowledgements_tell_bytes_and_times() {
    let mut pair = pair();
    pair.open();
    let first = pair.now;
    pair.server.send_frame(vec![1; 100], first);
    pair.pass(Micros::from_millis(10));
    let second = pair.now;
    pair.server.send_frame(vec![2; 30], second);
    pair.server.send_digest(Digest(5));
    assert_eq!((pair.server.frames_in_flight(), pair.server.bytes_in_flight()), (2, 130));
    // The digest is urgent and comes first; it says how many frames it waits for.
    assert_eq!(pair.client_event(), ClientEvent::Frame(vec![1; 100]));
    assert_eq!(pair.client_event(), ClientEvent::Digest { frames: 2, digest: Digest(5) });
    assert_eq!(pair.client_event(), ClientEvent::Frame(vec![2; 30]));
    let arrived = pair.now;
    assert_eq!(pair.client.painted(arrived + Micros(7_250)), 1);
    let acked = Acked { frames: 1, bytes: 100, sent: first, painting: Micros(7_200) };
    assert_eq!(pair.server_event(), ServerEvent::Acked(acked));
    assert_eq!(pair.client.painted(arrived + Micros(20_000)), 2);
    let acked = Acked { frames: 2, bytes: 30, sent: second, painting: Micros(20_000) };
    assert_eq!(pair.server_event(), ServerEvent::Acked(acked));
    assert_eq!(pair.server.frames_in_flight(), 0);
}

#[test]
fn acknowledgements_go_together() {
    let mut pair = pair();
    pair.open();
    let sent = pair.now;
    for i in 0..20u8 {
        pair.server.send_frame(vec![i; 10], sent);
    }
    for _ in 0..20 {
        let ClientEvent::Frame(_) = pair.client_event() else { panic!() };
    }
    for n in 1..=20 {
        assert_eq!(pair.client.painted(pair.now), n);
    }
    let mut out = Vec::new();
    pair.client.poll_transmit(&mut out, usize::MAX);
    // Header and length of the chunk, the message's kind, the count and the time.
    assert_eq!(out.len(), 5);
    assert!(!pair.client.has_transmit());
}

#[test]
fn a_resumed_viewer_gets_what_it_did_not_paint() {
    let mut first = pair();
    first.open();
    for i in 0..4u8 {
        first.server.send_frame(vec![i; 3], first.now);
    }
    // All four arrive, two are painted, the second acknowledgement is lost.
    for _ in 0..4 {
        let ClientEvent::Frame(_) = first.client_event() else { panic!() };
    }
    first.client.painted(first.now);
    let ServerEvent::Acked(_) = first.server_event() else { panic!() };
    first.up.dead = true;
    first.client.painted(first.now);
    first.pass(Micros::from_millis(1000));
    let (painted, unpainted) = first.server.into_unpainted();
    assert_eq!((painted, unpainted.len()), (1, 3));

    let mut second = Pair::at(first.now, returning(first.client.frames_painted()), LATENCY, 0, 2);
    second.resume(painted, unpainted);
    assert_eq!((second.server.frames_painted(), second.server.frames_sent()), (2, 4));
    second.server.send_frame(vec![9], second.now);
    for expected in [vec![2; 3], vec![3; 3], vec![9]] {
        assert_eq!(second.client_event(), ClientEvent::Frame(expected));
        second.client.painted(second.now);
    }
    second.pass(LATENCY);
    assert_eq!((second.server.frames_painted(), second.server.frames_in_flight()), (5, 0));
}

#[test]
fn a_session_that_is_forgotten_starts_anew() {
    let mut pair = Pair::new(returning(77), LATENCY, 0, 2);
    let ServerEvent::Hello(hello) = pair.server_event() else { panic!() };
    assert_eq!(hello.resume.map(|t| t.painted), Some(77));
    pair.server.welcome(welcome(false), 0, Vec::new(), pair.now);
    let ClientEvent::Welcome(welcome) = pair.client_event() else { panic!() };
    assert!(!welcome.resumed);
    pair.server.send_frame(vec![1], pair.now);
    let ClientEvent::Frame(_) = pair.client_event() else { panic!() };
    assert_eq!(pair.client.painted(pair.now), 1);
    pair.pass(KEEPALIVE);
    assert_eq!((pair.server.frames_painted(), pair.server_error), (1, None));
}

#[test]
fn an_offer_arrives_with_the_hello_as_far_as_there_is_room() {
    let hashes = |n: usize| (0..n as u64).map(ContentHash).collect();
    let offer = Offer { glyphs: hashes(MAX_OFFERED_GLYPHS), tiles: hashes(MAX_OFFERED_TILES) };
    for (name, all) in [("n".repeat(200), true), ("n".repeat(1024), false)] {
        let config = ClientConfig { name: name.clone(), offer: offer.clone(), ..viewer() };
        let mut pair = Pair::new(config, LATENCY, 0, 1);
        let ServerEvent::Hello(hello) = pair.server_event() else { panic!() };
        assert_eq!((&hello.name, hello.offer == offer), (&name, all));
        assert_eq!(hello.offer.glyphs, offer.glyphs);
        assert_eq!(hello.offer.tiles, offer.tiles[..hello.offer.tiles.len()]);
        assert!(hello.offer.tiles.len() > 100);
        pair.server.welcome(welcome(false), 0, Vec::new(), pair.now);
        assert_eq!(pair.client_event(), ClientEvent::Welcome(Box::new(welcome(false))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Frames of all sizes over links of all kinds, connections lost at any moment
    /// and resumed: in the end every frame was painted once, in order.
    #[test]
    fn every_frame_is_painted_once(
        seed in any::<u64>(),
        latency in 0..200u64,
        rate in prop_oneof![Just(0u64), 2_000..2_000_000u64],
        frames in 1..60usize,
        drops in 0..5usize,
    ) {
        let mut dice = Dice::new(seed);
        let sizes: Vec<usize> = (0..frames)
            .map(|_| match dice.roll(8) {
                0 => 0,
                1 => dice.roll(20_000) as usize,
                _ => dice.roll(200) as usize,
            })
            .collect();
        let frame = |n: usize| vec![n as u8; sizes[n]];
        let latency = Micros::from_millis(latency);
        let mut pair = Pair::new(viewer(), latency, rate, seed);
        pair.open();
        let (mut given, mut painted, mut acked) = (0, Vec::new(), 0);
        let mut drops = drops;
        while painted.len() < frames || acked < frames as u64 {
            // The pacer's part: few frames on the way.
            while given < frames && pair.server.frames_in_flight() < 3 {
                pair.server.send_frame(frame(given), pair.now);
                given += 1;
            }
            let until = pair.now + Micros(dice.roll(300_000));
            let happened = pair.run(until, |p| !p.client_events.is_empty() || !p.server_events.is_empty());
            prop_assert!(pair.now < Micros::from_millis(3_600_000), "it takes for ever");
            prop_assert_eq!((&pair.server_error, &pair.client_error), (&None, &None));
            while let Some((_, event)) = pair.server_events.pop_front() {
                let ServerEvent::Acked(a) = event else { panic!("{event:?}") };
                prop_assert!(acked < a.frames && a.frames <= given as u64);
                acked = a.frames;
            }
            // Sometimes the viewer is busy, and frames wait at its door.
            if dice.roll(3) > 0 {
                while let Some((_, event)) = pair.client_events.pop_front() {
                    let ClientEvent::Frame(bytes) = event else { panic!("{event:?}") };
                    prop_assert_eq!(&bytes, &frame(painted.len()));
                    painted.push(bytes);
                    prop_assert_eq!(pair.client.painted(pair.now), painted.len() as u64);
                }
            }
            if drops > 0 && dice.roll(12) == 0 {
                drops -= 1;
                // What is on the way or waits at the door is gone.
                let (known, unpainted) = pair.server.into_unpainted();
                prop_assert_eq!(known, acked);
                prop_assert_eq!(known as usize + unpainted.len(), given);
                let config = returning(painted.len() as u64);
                pair = Pair::at(pair.now, config, latency, rate, seed ^ drops as u64);
                pair.resume(known, unpainted);
                acked = painted.len() as u64;
            }
            let _ = happened;
        }
        prop_assert_eq!(painted.len(), frames);
        prop_assert_eq!(pair.server.frames_in_flight(), 0);
        prop_assert_eq!((pair.server.held(), pair.client.held()), (0, 0));
    }
}
