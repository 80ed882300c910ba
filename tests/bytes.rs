//! Bytes of the demo desktop's script: exact, the same in every run, so asserted on.

use panto_compare::figures::Figures;
use panto_compare::run::{RunOptions, run};
use panto_compare::workload::Workload;
use panto_protocol::geometry::Size;
use panto_protocol::message::{Depth, Mode, Settings, Wire};

fn play(mode: Mode, depth: Depth) -> Figures {
    played(Settings { mode, depth, ..Settings::default() })
}

fn played(settings: Settings) -> Figures {
    over("none", settings)
}

fn over(link: &str, settings: Settings) -> Figures {
    let options = RunOptions { settings, link: link.parse().unwrap(), ..RunOptions::default() };
    let outcome = run(&Workload::demo(Size::new(1280, 800)), &options, &mut |_| true);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    outcome.figures
}

#[test]
fn commands_are_twenty_times_smaller_and_few_colours_smaller_than_many() {
    // Pixels as VNC has them: each rectangle compressed by itself.
    let plain =
        |depth| played(Settings { mode: Mode::Pixels, depth, wire: Wire::Plain, ..Settings::default() });
    let (pixels, fewer, few) = (plain(Depth::D24), plain(Depth::D16), plain(Depth::D8));
    let commands = play(Mode::Commands, Depth::D24);
    assert!(commands.bytes_down * 20 <= pixels.bytes_down, "{} {}", commands.bytes_down, pixels.bytes_down);
    assert!(fewer.bytes_down * 10 <= pixels.bytes_down * 9, "{} {}", fewer.bytes_down, pixels.bytes_down);
    assert!(few.bytes_down * 10 <= pixels.bytes_down * 9, "{} {}", few.bytes_down, pixels.bytes_down);
    // Where bytes are what takes time, and nothing is shown roughly.
    let slow = |mode, exact| over("cable", Settings { mode, exact, ..Settings::default() });
    let (hybrid, alone) = (slow(Mode::Hybrid, true), slow(Mode::Commands, false));
    assert!(hybrid.bytes_down <= alone.bytes_down, "{} {}", hybrid.bytes_down, alone.bytes_down);
    let work = |f: &Figures| f.bytes_down - f.first_picture_bytes.unwrap();
    assert!(work(&hybrid) <= work(&alone), "{} {}", work(&hybrid), work(&alone));
    // Coded, pixels take a third of that at most.
    let coded = play(Mode::Pixels, Depth::D24);
    assert!(coded.bytes_down * 3 <= pixels.bytes_down, "{} {}", coded.bytes_down, pixels.bytes_down);
    for other in [&commands, &hybrid, &coded] {
        assert_eq!(pixels.digest, other.digest);
    }
}

#[test]
fn two_runs_give_the_same_figures() {
    let exact = |mut f: Figures| {
        (f.server_cpu_s, f.viewer_cpu_s) = (None, None);
        f
    };
    assert_eq!(exact(play(Mode::Commands, Depth::D24)), exact(play(Mode::Commands, Depth::D24)));
}

#[test]
fn a_desktop_is_exact_at_any_size() {
    // Windows lie half or wholly outside of small screens.
    for size in [Size::new(16, 16), Size::new(100, 100), Size::new(333, 77), Size::new(640, 480)] {
        let played = |mode| {
            let options =
                RunOptions { settings: Settings { mode, ..Settings::default() }, ..RunOptions::default() };
            let outcome = run(&Workload::demo(size), &options, &mut |_| true);
            assert!(outcome.error.is_none(), "{size:?} {mode:?}: {:?}", outcome.error);
            assert_eq!(outcome.figures.exact, Some(true), "{size:?} {mode:?}");
            outcome.figures.digest
        };
        let [pixels, commands, hybrid] = [Mode::Pixels, Mode::Commands, Mode::Hybrid].map(played);
        assert!(pixels == commands && pixels == hybrid, "{size:?}");
    }
}
