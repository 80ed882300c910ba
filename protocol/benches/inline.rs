//! Inline pixels (the contextual coder) of full HD screens: a first picture, on a canvas
//! that shows nothing yet, with models that have seen the same kind of screen.
//!
//!     cargo bench -p panto-protocol --bench inline

mod pictures;

use criterion::{BatchSize, Criterion, Throughput};
use panto_protocol::canvas::Canvas;
use panto_protocol::draw::{DrawCommand, InlinePixels, SurfaceId, SurfaceResize};
use panto_protocol::entropy::{CommandModels, StreamDecoder, StreamEncoder};
use panto_protocol::pixel::Picture;

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let more = [("flat", pictures::flat(pictures::HD)), ("web page", pictures::web(pictures::HD))];
    for (name, picture) in pictures::all(pictures::HD).iter().chain(&more) {
        coding(&mut criterion, name, picture);
    }
    criterion.final_summary();
}

fn canvas(picture: &Picture) -> Canvas {
    let mut canvas = Canvas::new();
    canvas.apply(&SurfaceResize { id: SurfaceId::SCREEN, size: picture.size() }.into()).expect("a screen");
    canvas
}

/// In pieces as senders cut them.
fn commands(picture: &Picture) -> Vec<DrawCommand> {
    let put = |rect| {
        let pixels = picture.crop(rect).rows().flatten().copied().collect();
        InlinePixels { surface: SurfaceId::SCREEN, rect, pixels }.into()
    };
    picture.bounds().grid(256).map(put).collect()
}

fn code(models: &mut CommandModels, canvas: &Canvas, commands: &[DrawCommand]) -> Vec<u8> {
    let mut stream = StreamEncoder::default();
    for command in commands {
        stream.push(models, command, canvas);
    }
    stream.finish(models).0
}

fn coding(criterion: &mut Criterion, name: &str, picture: &Picture) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(picture.size().area()));
    let (commands, canvas) = (commands(picture), canvas(picture));
    let mut taught = CommandModels::default();
    code(&mut taught, &canvas, &commands[..commands.len() / 2]);
    let coded = code(&mut taught.clone(), &canvas, &commands);
    println!("{name}: {} bytes", coded.len());
    group.bench_function("encode", |b| {
        b.iter_batched(
            || taught.clone(),
            |mut models| code(&mut models, &canvas, &commands),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("decode", |b| {
        b.iter_batched(
            || taught.clone(),
            |mut models| {
                let mut stream = StreamDecoder::new(&coded, &[]);
                let mut decoded = 0;
                while stream.next(&mut models, &canvas).expect("an honest stream").is_some() {
                    decoded += 1;
                }
                assert_eq!(decoded, commands.len());
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}
