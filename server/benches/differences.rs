//! Finding what changed in a 1920 × 1080 frame, against `memcpy` of that frame.
//!
//!     cargo bench -p panto-server --bench differences

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use panto_protocol::geometry::{Rect, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_server::demo::Desktop;
use panto_server::infer::Motion;
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
    group.bench_function("moves searched", |b| {
        b.iter(|| Motion::default().find(black_box(&before), &after, &all));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
