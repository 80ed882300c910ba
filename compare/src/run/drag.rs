//! How soon a dragged window is where the pointer is, on a slow link.

use std::collections::VecDeque;

use panto_protocol::draw::WindowId;
use panto_protocol::geometry::{Point, Size};
use panto_protocol::message::{InputEvent, Mode, Settings};
use panto_viewer::stats::Latency;

use super::*;
use crate::figures::Distribution;

/// The demo's editor: where its content is, and a place of its title bar.
const EDITOR: WindowId = WindowId(8);
const GRIP: Point = Point::new(900, 412);

/// Motions of the drag, 16 ms apart.
const MOTIONS: i32 = 120;

/// From each motion to the window's being shown at its new place, ms, in order.
fn drag(local_moves: bool, link: &str) -> Vec<f64> {
    let settings = Settings { mode: Mode::Commands, ..Settings::default() };
    let options = RunOptions { settings, link: link.parse().unwrap(), local_moves, ..RunOptions::default() };
    // When the desktop has come to rest by itself.
    let start = Micros::from_millis(20_000);
    let mut person = vec![
        (start, InputEvent::Pointer { position: GRIP }),
        (start, InputEvent::Button { button: 1, down: true }),
    ];
    let motion = |i: i32| GRIP.offset(-3 * i, (i * i / 90) - i);
    for i in 1..=MOTIONS {
        let at = start + Micros::from_millis(16 * i as u64);
        person.push((at, InputEvent::Pointer { position: motion(i) }));
    }
    let end = start + Micros::from_millis(16 * MOTIONS as u64 + 30);
    person.push((end, InputEvent::Button { button: 1, down: false }));

    let (mut gauge, mut server) = (Gauge::new(crate::quality::Marks::default(), true), ServerSide::default());
    let mut viewer = ViewerSide::new(&options);
    let mut link = Link::new(&options.link, options.seed);
    let connection = link.open(Micros::ZERO);
    let work = Work {
        performance: Workload::demo(Size::new(1280, 800)).perform().unwrap(),
        person: person.into_iter().peekable(),
        began: None,
        shift: Micros::ZERO,
        length: end,
    };
    let mut run = Run { options: &options, work, link: &mut link, connection, now: Micros::ZERO };
    let mut home = None;
    let mut waiting = VecDeque::new();
    let mut latencies = Vec::new();
    let mut motions = (1..=MOTIONS).peekable();
    loop {
        run.now_step(&mut server, &mut viewer, &mut gauge).unwrap();
        let shown = viewer.painting().screen().position(EDITOR);
        if let (Some(began), Some(place)) = (run.work.began, shown) {
            let home = *home.get_or_insert(place);
            let at = |i: &i32| began + start + Micros::from_millis(16 * *i as u64);
            while let Some(i) = motions.next_if(|i| at(i) <= run.now) {
                let to = motion(i);
                waiting.push_back((at(&i), home.offset(to.x - GRIP.x, to.y - GRIP.y)));
            }
            // Whoever is there was at all places before.
            let passed = waiting.iter().rposition(|(_, to)| *to == place).map_or(0, |i| i + 1);
            latencies.extend(waiting.drain(..passed).map(|(sent, _)| run.now.since(sent).as_millis_f64()));
        }
        if run.is_finished(&server, &viewer) {
            break;
        }
        run.now = run.next(&server, &viewer).expect("it ends").max(run.now);
    }
    assert!(viewer.has(&run.work.performance.scene().canvas().screen()));
    assert_eq!(viewer.digests_wrong(), 0);
    assert_eq!(latencies.len(), MOTIONS as usize, "every place was shown");
    latencies
}

fn percentiles(samples: Vec<f64>) -> Latency {
    Distribution::new(samples).expect("samples").percentiles()
}

#[test]
fn a_dragged_window_follows_in_the_next_frame_on_a_link_of_300_ms() {
    let waits = percentiles(drag(false, "rtt=300ms"));
    assert!(300.0 <= waits.p50 && waits.p50 < 340.0, "{waits:?}");
    let ahead = drag(true, "rtt=300ms");
    // Recognised with the second frame of moves, and from then on at once.
    let recognised = ahead.iter().position(|ms| *ms == 0.0).expect("recognised");
    println!("waiting {waits:?}; ahead from motion {recognised}: {:?}", percentiles(ahead.clone()));
    assert!(recognised <= 23, "only after {recognised} motions");
    assert!(ahead[recognised..].iter().all(|ms| *ms == 0.0), "{ahead:?}");
}

#[test]
fn a_dragged_window_follows_on_links_that_lose_and_delay() {
    for link in ["4g", "satellite", "dsl,jitter=20ms,loss=1%"] {
        let ahead = drag(true, link);
        let at_once = ahead.iter().filter(|ms| **ms == 0.0).count();
        println!("{link}: {at_once} of {MOTIONS} at once, {:?}", percentiles(ahead));
        assert!(at_once >= MOTIONS as usize / 2, "{link}: {at_once}");
    }
}
