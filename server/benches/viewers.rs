//! What twenty viewers of one scene cost the server, beside one: planning, encoding and
//! delivering in CPU time, sockets and TLS apart. Half a minute of work on a screen of 1280 × 800,
//! in virtual time: a terminal scrolls, somebody types, a picture loads, a small video plays.
//!
//!     cargo bench -p panto-server --bench viewers

#[path = "../tests/handshake/mod.rs"]
mod handshake;
#[path = "../tests/viewers/room.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod room;

use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{Mode, Settings};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_server::scene::Scene;
use room::Room;

const SIZE: Size = Size::new(1280, 800);
const CELL: Size = Size::new(9, 15);
const MANY: usize = 20;

fn random(seed: u32) -> u32 {
    let x = (seed ^ 0x9e37_79b9).wrapping_mul(0x85eb_ca6b);
    (x ^ x >> 13).wrapping_mul(0xc2b2_ae35) >> 8
}

/// A letter-like blot.
fn letter(kind: u32) -> Picture {
    let mut cell = Picture::new(CELL, 0x00ff_ffff);
    for stroke in 0..4 {
        let r = random(kind * 16 + stroke);
        let (x, y, long) = ((r % 6) as i32, (r / 8 % 8) as i32, 2 + r / 64 % 5);
        let upright = r.is_multiple_of(2);
        cell.fill(if upright { Rect::new(x + 1, y + 2, 2, long) } else { Rect::new(1, y + 2, long, 1) }, 0);
    }
    cell
}

struct Desk {
    letters: Vec<Picture>,
    line: u32,
}

impl Desk {
    fn text(&self, size: Size, line: u32) -> Picture {
        let mut page = Picture::new(size, 0x00ff_ffff);
        for row in 0..size.height / CELL.height {
            for column in 0..(20 + random(line + row) % 60).min(size.width / CELL.width) {
                let word = random((line + row) * 31 + column / 6) % 400;
                if column % 6 < 5 {
                    let letter = &self.letters[(random(word * 16 + column % 6) % 90) as usize];
                    page.blit(
                        Point::new((column * CELL.width) as i32, (row * CELL.height) as i32),
                        letter.view(),
                    );
                }
            }
        }
        page
    }

    /// Something photographic: smooth, with grain.
    fn photo(size: Size, seed: u32) -> Picture {
        let pixels = (0..size.area() as u32).map(|i| {
            let (x, y) = (i % size.width, i / size.width);
            let grain = random(i ^ seed << 20) % 6;
            let channel = |a: u32, b: u32| (x * a + y * b + seed * 3 + grain) / 4 % 200 + 20;
            channel(1, 2) << 16 | channel(2, 1) << 8 | channel(1, 1)
        });
        Picture::from_pixels(size, pixels.collect()).expect("as many pixels")
    }
}

fn put(room: &mut Room, at: Point, picture: &Picture) {
    room.change(|scene| scene.pixels(SurfaceId::SCREEN, at, picture.view()).expect("a screen"));
}

/// The same for everyone.
fn work(room: &mut Room, desk: &mut Desk) {
    for second in 0..30 {
        match second % 6 {
            0 | 1 => {
                for _ in 0..30 {
                    desk.line += 1;
                    put(room, Point::new(20, 20), &desk.text(Size::new(720, 480), desk.line));
                    room.pass(Micros(33_000));
                }
            }
            2 | 3 => {
                for key in 0..8 {
                    let letter = &desk.letters[(random(second * 8 + key) % 90) as usize];
                    put(room, Point::new(30 + 9 * (second % 2 * 8 + key) as i32, 600), letter);
                    room.pass(Micros(125_000));
                }
            }
            4 => {
                put(room, Point::new(760, 20), &Desk::photo(Size::new(480, 360), second));
                room.pass(Micros(1_000_000));
            }
            _ => {
                for frame in 0..24 {
                    put(room, Point::new(800, 480), &Desk::photo(Size::new(320, 240), frame));
                    room.pass(Micros(41_000));
                }
            }
        }
    }
}

/// What a run cost.
struct Cost {
    /// CPU seconds until all had their first pictures and were taken in.
    entering: f64,
    /// CPU seconds of the work after that.
    working: f64,
    said: String,
}

/// So many viewers, who enter so long after each other.
fn run(mode: Mode, viewers: usize, apart: Micros) -> Cost {
    let mut desk = Desk { letters: (0..90).map(letter).collect(), line: 0 };
    let mut room = Room::new(Scene::new(SIZE), false);
    put(&mut room, Point::default(), &desk.text(SIZE, 5000));
    let settings = Settings { mode, ..Settings::default() };
    for _ in 0..viewers {
        room.enter(settings);
        if apart > Micros::ZERO {
            room.pass(apart);
        }
    }
    room.pass(Micros(6_000_000));
    let entering = room.served;
    work(&mut room, &mut desk);
    room.pass(Micros(1_000_000));
    let (sharing, bytes) = (room.sharing(), room.viewers[0].bytes / 1000);
    let said = format!("{} planned, {} shadows, {bytes} kB each", sharing.planned, sharing.planners);
    Cost { entering, working: room.served - entering, said }
}

fn main() {
    for mode in [Mode::Hybrid, Mode::Pixels] {
        let one = run(mode, 1, Micros::ZERO);
        println!("{}: one viewer {:.2} s + {:.2} s ({})", mode.name(), one.entering, one.working, one.said);
        for (name, apart) in [("at once", Micros::ZERO), ("one by one", Micros(300_000))] {
            let Cost { entering, working, said } = run(mode, MANY, apart);
            let ratio = (entering + working) / (one.entering + one.working);
            println!("  {MANY} {name}: {entering:.2} s + {working:.2} s ({said})");
            println!("    {ratio:.2} times as much; the work alone {:.2} times", working / one.working);
        }
    }
}
