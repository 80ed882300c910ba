//! Links with known answers.

use super::*;

/// Sends `bytes` down at once on a new connection; when each byte count had arrived.
fn send(profile: &Profile, bytes: usize, seed: u64) -> (Vec<(Micros, usize)>, Link) {
    let mut link = Link::new(profile, seed);
    let id = link.open(Micros::ZERO);
    let data: Vec<u8> = (0..bytes).map(|i| (i * 7 % 251) as u8).collect();
    let (mut written, mut got, mut arrivals) = (0, Vec::new(), Vec::new());
    let mut now = Micros::ZERO;
    while got.len() < bytes {
        let n = link.room(id, Direction::Down).min(bytes - written);
        link.write(id, Direction::Down, &data[written..written + n], now);
        written += n;
        now = link.next_event().expect("something happens until all has arrived");
        assert!(now < Micros::from_millis(3_600_000), "stuck at {}", got.len());
        link.advance(now);
        if link.read(id, Direction::Down, &mut got) > 0 {
            arrivals.push((now, got.len()));
        }
    }
    assert_eq!(got, data, "a stream arrives whole and in order");
    (arrivals, link)
}

fn profile(text: &str) -> Profile {
    text.parse().unwrap()
}

#[test]
fn one_segment_takes_its_transmission_and_the_delay() {
    // 1 Mbit/s, 40 ms: the handshake's round trip, 100 bytes and their headers, half a round trip.
    let (arrivals, link) = send(&profile("down=1mbit,up=1mbit,rtt=40ms"), 100, 1);
    let transmission = (100 + HEADERS) * 8;
    assert_eq!(arrivals, [(Micros(40_000 + transmission + 20_000), 100)]);
    assert_eq!(link.packets(Direction::Down), 1);
}

#[test]
fn a_long_transfer_fills_the_link() {
    for name in ["fibre", "cable", "4g", "satellite", "dsl", "modem"] {
        let p = Profile::named(name).unwrap();
        // Twenty seconds of the link, so that the beginning weighs little.
        let bytes = p.down.rate_bps as usize / 8 * 20;
        let (arrivals, _) = send(&p, bytes, 1);
        let seconds = arrivals.last().unwrap().0.0 as f64 / 1e6;
        let share = bytes as f64 * 8.0 / p.down.rate_bps as f64 / seconds;
        // The rest is headers (3.5 %) and slow start; the satellite also loses a packet of ten thousand.
        let least = if name == "satellite" { 0.2 } else { 0.8 };
        assert!((least..0.97).contains(&share), "{name}: {share:.3}");
    }
}

#[test]
fn slow_start_does_not_end_early() {
    // 8 Mbit/s and 100 ms hold 67 segments: ten double to that in three round trips, and
    // 2 MB take little more than their transmission.
    let (arrivals, _) = send(&profile("down=8mbit,up=8mbit,rtt=100ms"), 2_000_000, 1);
    let seconds = arrivals.last().unwrap().0.0 as f64 / 1e6;
    assert!((2.07..2.6).contains(&seconds), "{seconds}");
}

#[test]
fn loss_costs_time_and_no_bytes() {
    let good = send(&profile("down=10mbit,up=10mbit,rtt=50ms"), 2_000_000, 3).0.last().unwrap().0;
    let (arrivals, link) = send(&profile("down=10mbit,up=10mbit,rtt=50ms,loss=2%"), 2_000_000, 3);
    let bad = arrivals.last().unwrap().0;
    assert!(bad.0 > 2 * good.0, "{good:?} without, {bad:?} with loss");
    let segments = 2_000_000u64.div_ceil(MSS);
    let again = link.packets(Direction::Down) - segments;
    assert!((segments / 100..segments / 20).contains(&again), "{again} of {segments} sent again");
}

#[test]
fn a_lost_tail_is_sent_again() {
    // Of one-segment messages some are lost with nothing behind them: only timers help.
    let p = profile("down=10mbit,up=10mbit,rtt=50ms,loss=20%");
    for seed in 0..50 {
        send(&p, 500, seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_link() {
    let p = Profile::named("train").unwrap();
    assert_eq!(send(&p, 3_000_000, 5).0, send(&p, 3_000_000, 5).0);
    assert_ne!(send(&p, 3_000_000, 5).0, send(&p, 3_000_000, 6).0);
}

#[test]
fn a_reader_that_does_not_read_stops_the_sender() {
    let mut link = Link::new(&Profile::named("lan").unwrap(), 1);
    let id = link.open(Micros::ZERO);
    let mut written = 0;
    for ms in 0..60_000 {
        let n = link.room(id, Direction::Down);
        link.write(id, Direction::Down, &vec![0; n], Micros::from_millis(ms));
        written += n;
    }
    assert!((4 << 20..16 << 20).contains(&written), "{written}");
}

#[test]
fn connections_share_the_link() {
    let mut link = Link::new(&profile("down=8mbit,up=8mbit,rtt=10ms,queue=64kB"), 1);
    let ids = [link.open(Micros::ZERO), link.open(Micros::ZERO)];
    let mut got = [0usize; 2];
    for ms in 0..20_000 {
        let now = Micros::from_millis(ms);
        link.advance(now);
        for (id, got) in ids.iter().zip(&mut got) {
            let n = link.room(*id, Direction::Down);
            link.write(*id, Direction::Down, &vec![0; n], now);
            *got += link.read(*id, Direction::Down, &mut Vec::new());
        }
    }
    let sum = got[0] + got[1];
    assert!((16_000_000..20_000_000).contains(&sum), "{got:?}");
    assert!(got[0].min(got[1]) * 4 > sum, "neither starves: {got:?}");
}
