//! Figures with known answers: a source that changes one pixel at known times, links of
//! known rate and delay. The answers are computed here, not copied from a run.

use panto_compare::figures::Figures;
use panto_compare::link::{HEADERS, Profile};
use panto_compare::run::{Outcome, Pace, RunOptions, run};
use panto_compare::workload::{Synthetic, Workload};
use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{InputEvent, Mode, Settings, Wire};
use panto_protocol::pixel::{Picture, Pixels};
use panto_protocol::time::Micros;
use panto_protocol::wire::Writer;
use panto_server::scene::Scene;
use panto_server::trace::{Header, InputKind, Recorder};
use tempfile::TempDir;

/// What happens in a synthetic trace.
#[derive(Clone, Copy)]
enum Happening {
    /// A pixel gets a colour that was nowhere before.
    Pixel,
    /// The film's next picture: a square in a colour of its own.
    Film,
    Key,
}

const CLIP: Rect = Rect::new(100, 40, 32, 32);

/// A trace of a black 200 × 100 screen on which this happens, at times in milliseconds.
fn trace(happenings: &[(u64, Happening)], end: u64) -> (TempDir, Workload) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("known.trace");
    let mut scene = Scene::new(Size::new(200, 100));
    let header = Header { title: "known".into(), ..Header::default() };
    let mut recorder = Recorder::create(&path, header, 1, &scene).unwrap();
    let mut n = 0;
    for &(ms, what) in happenings {
        let at = Micros::from_millis(ms);
        match what {
            Happening::Key => recorder.input(InputKind::Key, at),
            Happening::Film => {
                n += 1;
                let square = Picture::new(CLIP.size(), 0x0002_0202 * n as u32);
                scene.pixels(SurfaceId::SCREEN, CLIP.origin(), square.view()).unwrap();
                recorder.observe(&scene, at);
            }
            Happening::Pixel => {
                n += 1;
                let place = Point::new(n * 7 % 200, n * 3 % 100);
                let color = [0x00ff_0000 + n as u32];
                let pixel = Pixels::new(Size::new(1, 1), 1, &color).unwrap();
                scene.pixels(SurfaceId::SCREEN, place, pixel).unwrap();
                recorder.observe(&scene, at);
            }
        }
    }
    recorder.finish(Micros::from_millis(end)).unwrap();
    let workload = Workload::trace(&path).unwrap();
    (dir, workload)
}

fn go(workload: &Workload, link: &str, pace: Pace) -> Figures {
    go_as(Wire::Coded, workload, link, pace)
}

fn go_as(wire: Wire, workload: &Workload, link: &str, pace: Pace) -> Figures {
    let settings = Settings { mode: Mode::Pixels, wire, ..Settings::default() };
    let options = RunOptions { settings, link: link.parse().unwrap(), pace, ..RunOptions::default() };
    let Outcome { figures, error, .. } = run(workload, &options, &mut |_| true);
    assert!(error.is_none(), "{error:?}");
    figures
}

/// Bytes that came down between two times, s.
fn bytes_between(figures: &Figures, from: f64, to: f64) -> u64 {
    let until = |t| figures.bytes_over_time.iter().take_while(|(at, _)| *at <= t).last().map_or(0, |p| p.1);
    until(to) - until(from)
}

/// Milliseconds that a message of `bytes` takes as one segment at 1 Mbit/s.
fn transmission_ms(bytes: u64) -> f64 {
    ((bytes + HEADERS) * 8) as f64 / 1e3
}

/// Ten changes, half a second apart: each is sent alone.
fn apart() -> Vec<(u64, Happening)> {
    (0..10).map(|i| (500 * i + 500, Happening::Pixel)).collect()
}

#[test]
fn the_first_picture_takes_two_round_trips() {
    let (_dir, workload) = trace(&apart(), 6_000);
    // TCP's handshake; then hello up, and welcome and picture down.
    let figures = go(&workload, "rtt=40ms", Pace::Recorded);
    assert_eq!(figures.first_picture_ms, Some(80.0));
    // The work begins when the picture is there; the last change's picture is 20 ms later.
    assert_eq!(figures.exact_after_rest_ms, Some(20.0));
}

#[test]
fn freshness_is_delay_and_transmission() {
    let (_dir, workload) = trace(&apart(), 6_000);
    // Plain, where a pixel takes bytes enough to be timed.
    let figures = go_as(Wire::Plain, &workload, "down=1mbit,up=1mbit,rtt=40ms", Pace::Recorded);
    let began = figures.first_picture_ms.unwrap() / 1e3;
    let freshness = figures.freshness_ms.as_ref().unwrap();
    assert_eq!(freshness.samples().len(), 10);
    for (i, sample) in freshness.samples().iter().enumerate() {
        let at = began + 0.5 * (i + 1) as f64;
        // The digest follows 150 ms later.
        let bytes = bytes_between(&figures, at, at + 0.1);
        assert!((10..60).contains(&bytes), "{bytes} for a pixel");
        let expected = 20.0 + transmission_ms(bytes);
        assert!((sample - expected).abs() < 0.002, "change {i}: {sample}, expected {expected}");
    }
    assert_eq!((figures.events, figures.events_delivered), (Some(10), Some(10)));
}

#[test]
fn input_to_pixel_is_the_sum_of_its_stages() {
    // The program answers each key after 7 ms.
    let keys = (0..20).flat_map(|i| [(400 * i + 300, Happening::Key), (400 * i + 307, Happening::Pixel)]);
    let (_dir, workload) = trace(&keys.collect::<Vec<_>>(), 9_000);
    let figures = go(&workload, "down=1mbit,up=1mbit,rtt=40ms", Pace::Recorded);
    let latencies = figures.input_to_pixel_ms.as_ref().unwrap();
    assert_eq!(latencies.samples().len(), 20);
    let key = InputEvent::Key { physical: 30, keysym: 0x61, down: true, text: "a".into() };
    let mut message = Writer::new();
    key.encode(&mut message);
    // Two bytes of chunk header.
    let up = message.len() as u64 + 2;
    let began = figures.first_picture_ms.unwrap() / 1e3;
    for (i, sample) in latencies.samples().iter().enumerate() {
        let at = began + 0.3 + 0.4 * i as f64;
        let down = bytes_between(&figures, at, at + 0.15);
        let expected = 20.0 + transmission_ms(up) + 7.0 + 20.0 + transmission_ms(down);
        assert!((sample - expected).abs() < 0.002, "key {i}: {sample}, expected {expected}");
    }
    let stages = figures.latency_stages_ms.unwrap();
    assert!((stages.capture - 7.0).abs() < 0.002, "{stages:?}");
    assert_eq!((stages.encode, stages.queue, stages.decode, stages.paint), (0.0, 0.0, 0.0, 0.0));
    assert!((stages.network - (latencies.mean() - 7.0)).abs() < 0.002, "{stages:?}");
}

#[test]
fn changes_are_late_by_the_way_of_the_input_before_them() {
    // A key at 1 s answered at once, then a change of its own accord at 2 s.
    let happenings = [(1000, Happening::Key), (1000, Happening::Pixel), (2000, Happening::Pixel)];
    let (_dir, workload) = trace(&happenings, 3_000);
    let figures = go(&workload, "rtt=100ms", Pace::Recorded);
    assert_eq!(figures.input_to_pixel_ms.as_ref().unwrap().samples(), [100.0]);
    // First picture at 200 ms; the key arrives 1,050 ms later, so the trace is 50 ms late from
    // then on; the last picture leaves at 200 + 2,000 + 50 ms, its digest 150 ms after that.
    assert!((figures.duration_s - 2.45).abs() < 1e-9, "{}", figures.duration_s);
}

#[test]
fn a_busy_screen_skips_and_slow_motion_does_not() {
    // 200 changes, 5 ms apart: a frame holds what came in 16 ms.
    let quick: Vec<_> = (0..200).map(|i| (1000 + 5 * i, Happening::Pixel)).collect();
    let (_dir, workload) = trace(&quick, 3_000);
    let figures = go(&workload, "rtt=10ms", Pace::Recorded);
    assert_eq!(figures.events, Some(200));
    let delivered = figures.events_delivered.unwrap();
    assert!((60..=64).contains(&delivered), "{delivered}");
    let fps = figures.delivered_fps.unwrap();
    assert!((60.0..=62.6).contains(&fps), "{fps}");
    let slow = go(&workload, "rtt=10ms", Pace::SlowMotion);
    assert_eq!((slow.events, slow.events_delivered), (Some(200), Some(200)));
    assert!(slow.duration_s > figures.duration_s && slow.bytes_down > figures.bytes_down);
    assert_eq!(slow.digest, figures.digest);
}

#[test]
fn a_film_without_loss_is_played_whole() {
    // A second at 25 pictures a second, then rest.
    let film: Vec<_> = (0..26).map(|i| (1000 + 40 * i, Happening::Film)).collect();
    let (_dir, mut workload) = trace(&film, 4_000);
    workload.mark_clip(Some(CLIP));
    let figures = go(&workload, "rtt=40ms", Pace::Recorded);
    assert_eq!((figures.psnr_luma_db, figures.frames_offered), (Some(100.0), Some(25.0)));
    assert_eq!(figures.frames_played.map(|f| f.round()), Some(25.0));
    assert_eq!(figures.lossy_share, Some(0.0));
    // Where nothing is marked, nothing is said.
    workload.mark_clip(None);
    let unmarked = go(&workload, "rtt=40ms", Pace::Recorded);
    assert_eq!((unmarked.psnr_luma_db, unmarked.frames_played), (None, None));
    assert_eq!((unmarked.bytes_down, unmarked.digest), (figures.bytes_down, figures.digest));
}

#[test]
fn a_film_over_a_thin_line_is_played_in_part() {
    let mut film: Vec<_> = (0..26).map(|i| (1000 + 40 * i, Happening::Film)).collect();
    // A second film's worth of pictures, which no line of half a second can show one by one.
    film.extend((0..40).map(|i| (2040 + 5 * i, Happening::Film)));
    let (_dir, mut workload) = trace(&film, 4_000);
    workload.mark_clip(Some(CLIP));
    let figures = go(&workload, "rtt=40ms", Pace::Recorded);
    let (played, offered) = (figures.frames_played.unwrap(), figures.frames_offered.unwrap());
    assert_eq!(offered.round(), (65.0_f64 / 1.235).round());
    // At most one each 16 ms while there are more.
    assert!(played < offered * 0.75 && played > offered * 0.4, "{played} of {offered}");
    assert_eq!(figures.psnr_luma_db, Some(100.0), "what is shown is shown exactly");
}

#[test]
fn a_first_picture_that_comes_whole_is_recognisable_and_exact_at_once() {
    let (_dir, workload) = trace(&apart(), 6_000);
    let figures = go(&workload, "rtt=40ms", Pace::Recorded);
    assert_eq!((figures.recognisable_ms, figures.exact_ms), (Some(80.0), Some(80.0)));
    assert_eq!(figures.exact_after_rest_ms, Some(20.0));
}

#[test]
fn every_key_has_the_time_of_its_own_echo() {
    let workload = Workload::synthetic(Synthetic::Keys);
    // Slower than the keys follow one another: no first change after an input is its echo.
    let figures = go(&workload, "rtt=300ms", Pace::Recorded);
    let latencies = figures.input_to_pixel_ms.as_ref().unwrap();
    assert_eq!(latencies.samples().len(), 80);
    // The echo takes 1 to 5 ms, and the next frame may be waited for.
    assert!(latencies.samples().iter().all(|ms| (301.0..325.0).contains(ms)), "{:?}", latencies.samples());
    assert_eq!(figures.latency_stages_ms, None);
}

#[test]
fn computed_desktops_are_the_same_to_the_byte() {
    let exact = |what: Synthetic| {
        let settings = Settings { mode: Mode::Hybrid, ..Settings::default() };
        let link = "cable".parse().unwrap();
        // The beginning is enough, with film, keys and the first large picture.
        let limit = Micros::from_millis(4_000);
        let options = RunOptions { settings, link, limit, ..RunOptions::default() };
        let mut figures = run(&Workload::synthetic(what), &options, &mut |_| true).figures;
        (figures.server_cpu_s, figures.viewer_cpu_s) = (None, None);
        figures
    };
    for what in [Synthetic::Busy, Synthetic::Desktop] {
        let (a, b) = (exact(what), exact(what));
        assert!(a.bytes_down > 10_000 && a.recognisable_ms.is_some(), "{what:?}: {a:?}");
        assert_eq!(a, b, "{what:?}");
    }
}

#[test]
fn bytes_and_packets_add_up() {
    let (_dir, workload) = trace(&apart(), 6_000);
    // Plain, a change of one pixel takes ten bytes and more.
    let figures = go_as(Wire::Plain, &workload, "cable", Pace::Recorded);
    // Everything that arrived is in the last point.
    assert_eq!(figures.bytes_over_time.last().unwrap().1, figures.bytes_down);
    let first = figures.first_picture_bytes.unwrap();
    assert!(first > 0 && first < figures.bytes_down);
    // Each change and each digest is a packet of its own, after those of the beginning.
    let packets = figures.packets_down.unwrap();
    assert!((20..30).contains(&packets), "{packets}");
    let payload: u64 = figures.payload_bytes_by_kind.values().sum();
    assert!(payload < figures.bytes_down && payload > 10 * 10, "{payload}");
    assert_eq!(figures.exact, Some(true));
}

#[test]
fn two_runs_are_the_same_to_the_byte_on_every_link() {
    let (_dir, workload) = trace(&apart(), 6_000);
    for name in Profile::NAMES {
        let exact = |mut f: Figures| {
            // Processor time is measured, everything else is computed.
            (f.server_cpu_s, f.viewer_cpu_s) = (None, None);
            f
        };
        let (a, b) = (go(&workload, name, Pace::Recorded), go(&workload, name, Pace::Recorded));
        assert_eq!(exact(a), exact(b), "{name}");
    }
}

#[test]
fn a_run_beyond_its_limit_keeps_what_it_has() {
    let (_dir, workload) = trace(&apart(), 6_000);
    let options = RunOptions { limit: Micros::from_millis(1_750), ..RunOptions::default() };
    let outcome = run(&workload, &options, &mut |_| true);
    assert!(outcome.figures.error.as_deref().unwrap().contains("virtual time"));
    assert!(outcome.figures.bytes_down > 0 && outcome.figures.events == Some(3), "{:?}", outcome.figures);
    let stopped = run(&workload, &RunOptions::default(), &mut |_| false);
    assert!(stopped.figures.error.as_deref().unwrap().contains("stopped"));
}
