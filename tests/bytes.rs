//! Bytes of the demo desktop's script: exact, the same in every run, so asserted on.

use panto_compare::{Run, demo, run};
use panto_protocol::geometry::Size;
use panto_protocol::message::{Depth, Mode, Settings};

fn play(mode: Mode, depth: Depth) -> Run {
    let settings = Settings { mode, depth, ..Settings::default() };
    // Both ends' pictures are compared after every frame inside.
    run(demo(Size::new(1280, 800)), settings).expect("the pictures of both ends agree").0
}

#[test]
fn commands_are_twenty_times_smaller_and_few_colours_smaller_than_many() {
    let pixels = play(Mode::Pixels, Depth::D24);
    let few = play(Mode::Pixels, Depth::D8);
    let commands = play(Mode::Commands, Depth::D24);
    let hybrid = play(Mode::Hybrid, Depth::D24);
    assert!(commands.bytes_down * 20 <= pixels.bytes_down, "{} {}", commands.bytes_down, pixels.bytes_down);
    assert!(few.bytes_down * 10 <= pixels.bytes_down * 9, "{} {}", few.bytes_down, pixels.bytes_down);
    assert!(hybrid.bytes_down <= commands.bytes_down, "{} {}", hybrid.bytes_down, commands.bytes_down);
    assert_eq!(pixels.digest, commands.digest);
    assert_eq!(pixels.digest, hybrid.digest);
}

#[test]
fn two_runs_give_the_same_bytes() {
    let (a, b) = (play(Mode::Commands, Depth::D24), play(Mode::Commands, Depth::D24));
    let exact = |r: &Run| (r.first_picture_bytes, r.bytes_down, r.frames, r.updates, r.digest.clone());
    assert_eq!(exact(&a), exact(&b));
    assert_eq!(a.payload_bytes_by_kind, b.payload_bytes_by_kind);
}
