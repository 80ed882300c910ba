//! Finding what changed in a 1920 × 1080 frame, against `memcpy` of that frame.
//!
//!     cargo bench -p panto-server --bench differences

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use panto_protocol::geometry::{Rect, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_server::demo::Desktop;
use panto_server::infer::Motion;
use panto_server::infer::text::TextFinder;
use panto_server::plan::differences;
use panto_server::scene::Scene;
use std::hint::black_box;

const SIZE: Size = Size::new(1920, 1080);

/// The demo desktop, and how it looks two seconds later.
fn screens() -> (Picture, Picture) {
    let mut scene = Scene::new(SIZE);
    let mut desktop = Desktop::new(&mut scene, Micros::ZERO);
    let before = scene.canvas().screen();
    while let Some(at) = desktop.next_tick().filter(|at| *at < Micros(2_000_000)) {
        desktop.tick(&mut scene, at);
    }
    (before, scene.canvas().screen())
}

/// Pixels that are all different.
fn noise(seed: u32) -> Picture {
    let pixel = |i: u32| (i ^ seed.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b) >> 8;
    let data = (0..SIZE.area() as u32).map(pixel).collect();
    Picture::from_pixels(SIZE, data).expect("as many pixels as the size has")
}

fn bench(c: &mut Criterion) {
    let (before, after) = screens();
    let same = before.clone();
    let all = before.bounds().into();
    let mut one = before.clone();
    one.fill(Rect::new(900, 500, 9, 15), 0x00ff_0000);
    let mut group = c.benchmark_group("differences 1080p");
    group.throughput(Throughput::Bytes(SIZE.area() * 4));
    let mut copy = before.clone();
    group.bench_function("memcpy", |b| b.iter(|| copy.data_mut().copy_from_slice(black_box(after.data()))));
    group.bench_function("nothing changed", |b| b.iter(|| differences(black_box(&before), &same, &all)));
    group.bench_function("a letter changed", |b| b.iter(|| differences(black_box(&before), &one, &all)));
    group.bench_function("a desktop changed", |b| b.iter(|| differences(black_box(&before), &after, &all)));
    let changed = differences(&before, &after, &all).into_iter().collect();
    group.bench_function("moves searched", |b| {
        b.iter(|| Motion::default().find(black_box(&before), &after, &changed, 128));
    });
    // A film over the whole screen: nothing moved, and that must be a cheap answer.
    let (film, next) = (noise(1), noise(2));
    group.bench_function("no moves in noise", |b| {
        b.iter(|| Motion::default().find(black_box(&film), &next, &all, 128));
    });
    let rects: Vec<Rect> = vec![film.bounds()];
    group.bench_function("no text in noise", |b| {
        b.iter(|| TextFinder::new().find(0, black_box(&next), &film, &rects));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
