//! A full-screen terminal (1280 × 800) that scrolls by a line: what one update costs from
//! the new picture to the frame's bytes, and from the bytes to the viewer's picture. At 60
//! updates a second one core has 16.7 ms for each.
//!
//!     cargo bench -p panto-server --bench planning

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use panto_protocol::canvas::Canvas;
use panto_protocol::draw::{DrawCommand, SurfaceId};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{FrameDecoder, FrameHeader, Mode, Settings};
use panto_protocol::pixel::{Color, Picture, blend};
use panto_protocol::wire::DecodeError;
use panto_server::plan::{Budget, Planner};
use panto_server::scene::Scene;

const SIZE: Size = Size::new(1280, 800);
const CELL: Size = Size::new(9, 15);

/// Updates of one run; the first ones teach.
const UPDATES: u32 = 90;
const TAUGHT: u32 = 30;

fn random(seed: u32) -> u32 {
    let x = (seed ^ 0x9e37_79b9).wrapping_mul(0x85eb_ca6b);
    (x ^ x >> 13).wrapping_mul(0xc2b2_ae35) >> 8
}

/// Letter-like blots: strokes of two pixels, smooth ones with grey edges.
fn letter(kind: u32, smooth: bool) -> Picture {
    let mut cell = Picture::new(CELL, 0x00ff_ffff);
    for stroke in 0..4 {
        let r = random(kind * 16 + stroke);
        let (x, y, long) = ((r % 6) as i32, (r / 8 % 8) as i32, 2 + r / 64 % 5);
        let stroke =
            if r.is_multiple_of(2) { Rect::new(x + 1, y + 2, 2, long) } else { Rect::new(1, y + 2, long, 1) };
        cell.fill(stroke, 0);
        if smooth {
            let edge: Color = blend(0, 0x00ff_ffff, (60 + r / 512 % 130) as u8);
            cell.fill(Rect::new(stroke.left, stroke.bottom, 1, 1), edge);
        }
    }
    cell
}

/// The terminal after so many lines: words of a vocabulary, as a log has them.
fn page(letters: &[Picture], lines: u32) -> Picture {
    let mut page = Picture::new(SIZE, 0x00ff_ffff);
    let rows = SIZE.height / CELL.height;
    for row in 0..rows {
        let line = lines + row;
        let mut column = 0;
        let mut word = 0;
        while column < 60 + random(line) % 80 {
            let pick = random(line * 31 + word) % 400;
            for i in 0..2 + pick % 8 {
                let letter = &letters[(random(pick * 16 + i) % 90) as usize];
                let at = Point::new((column * CELL.width) as i32, (row * CELL.height) as i32);
                page.blit(at, letter.view());
                column += 1;
            }
            (column, word) = (column + 1, word + 1);
        }
    }
    page
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("scrolling terminal 1280x800");
    group.sample_size(10);
    for smooth in [false, true] {
        let letters: Vec<Picture> = (0..90).map(|kind| letter(kind, smooth)).collect();
        let pages: Vec<Picture> = (0..=UPDATES).map(|n| page(&letters, n)).collect();
        let name = if smooth { "smooth" } else { "bitmap" };
        let settings = Settings { mode: Mode::Commands, ..Settings::default() };
        let update = |scene: &mut Scene, planner: &mut Planner, n: u32| {
            scene.pixels(SurfaceId::SCREEN, Point::default(), pages[n as usize].view()).expect("a surface");
            planner.plan(scene, Budget::UNLIMITED).expect("within limits").expect("a change")
        };
        let mut bytes = 0;
        group.bench_function(format!("{name}: {} updates planned", UPDATES - TAUGHT), |b| {
            b.iter_batched(
                || {
                    let (mut scene, mut planner) = (Scene::new(SIZE), Planner::new(settings));
                    (0..TAUGHT).for_each(|n| drop(update(&mut scene, &mut planner, n)));
                    (scene, planner)
                },
                |(mut scene, mut planner)| {
                    bytes = (TAUGHT..UPDATES).map(|n| update(&mut scene, &mut planner, n).body.len()).sum();
                },
                BatchSize::PerIteration,
            );
        });
        println!("{name}: {} bytes an update", bytes / (UPDATES - TAUGHT) as usize);
        let (mut scene, mut planner) = (Scene::new(SIZE), Planner::new(settings));
        let frames: Vec<Vec<u8>> = (0..UPDATES)
            .map(|n| update(&mut scene, &mut planner, n).message(FrameHeader::default()))
            .collect();
        group.bench_function(format!("{name}: {UPDATES} updates painted"), |b| {
            b.iter(|| {
                let (mut canvas, mut decoder) = (Canvas::new(), FrameDecoder::default());
                let paint = |canvas: &mut Canvas, command: DrawCommand, _| -> Result<(), DecodeError> {
                    canvas.apply(&command).expect("an honest frame");
                    Ok(())
                };
                for frame in &frames {
                    decoder.decode(frame, &mut canvas, paint).expect("an honest frame");
                }
                assert_eq!(canvas.screen(), pages[UPDATES as usize - 1]);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
