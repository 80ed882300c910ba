//! Encoding and decoding of full HD screens, beside plain LZ4 over the raw bytes.
//!
//! The target for `Effort::Fast` is half of plain LZ4's throughput or 300 Mpixel/s.
//! Sizes are printed first: they are exact, the times are not.

mod pictures;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use panto_protocol::encoding::{Compressor, Decoder, Effort, Encoder, Packing};
use panto_protocol::message::Depth;
use panto_protocol::pixel::Picture;
use panto_protocol::quantize::{Quantizer, downscale, scaled_size};

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let pictures = pictures::all(pictures::HD);
    for (name, picture) in &pictures {
        print_sizes(name, picture);
    }
    for (name, picture) in &pictures {
        encoding(&mut criterion, name, picture);
        quantizing(&mut criterion, name, picture);
    }
    criterion.final_summary();
}

fn raw(picture: &Picture) -> Vec<u8> {
    picture.data().iter().flat_map(|p| p.to_le_bytes()).collect()
}

fn print_sizes(name: &str, picture: &Picture) {
    let mut encoder = Encoder::new();
    let mut out = Vec::new();
    let bytes = raw(picture);
    println!("{name}: raw {} bytes, plain lz4 {}", bytes.len(), lz4_flex::block::compress(&bytes).len());
    for effort in Effort::ALL {
        for (what, side) in [("whole", u32::MAX), ("64 × 64", 64)] {
            let pieces = picture.bounds().grid(side.min(1 << 20));
            let mut total = 0;
            let mut packings: Vec<(&str, usize)> = Vec::new();
            for rect in pieces {
                out.clear();
                let encoded = encoder.encode(picture.crop(rect), effort, &mut out);
                total += encoded.bytes;
                match packings.iter_mut().find(|p| p.0 == encoded.packing.name()) {
                    Some(p) => p.1 += 1,
                    None => packings.push((encoded.packing.name(), 1)),
                }
            }
            println!("  {effort:?} {what}: {total} bytes, {packings:?}");
        }
    }
    for packing in Packing::ALL {
        for compressor in Compressor::ALL {
            out.clear();
            let done = encoder.encode_with(picture.view(), packing, compressor, Effort::Balanced, &mut out);
            if let Some(encoded) = done {
                println!("  {} {}: {} bytes", packing.name(), compressor.name(), encoded.bytes);
            }
        }
    }
}

fn encoding(criterion: &mut Criterion, name: &str, picture: &Picture) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(picture.size().area()));
    let mut out = Vec::new();
    let bytes = raw(picture);
    let mut space = vec![0; lz4_flex::block::get_maximum_output_size(bytes.len())];
    group.bench_function("plain lz4", |b| {
        b.iter(|| lz4_flex::block::compress_into(black_box(&bytes), &mut space));
    });
    let mut encoder = Encoder::new();
    let mut decoder = Decoder::new();
    let mut target = Picture::new(picture.size(), 0);
    for effort in Effort::ALL {
        group.bench_function(format!("encode {effort:?}"), |b| {
            b.iter(|| {
                out.clear();
                encoder.encode(black_box(picture.view()), effort, &mut out)
            });
        });
        let bounds = target.bounds();
        group.bench_function(format!("decode {effort:?}"), |b| {
            b.iter(|| decoder.decode_into(black_box(&out), false, &mut target.crop_mut(bounds)));
        });
    }
    group.bench_function("encode Fast in 64 × 64", |b| {
        b.iter(|| {
            out.clear();
            for rect in picture.bounds().grid(64) {
                encoder.encode(black_box(picture.crop(rect)), Effort::Fast, &mut out);
            }
        });
    });
    group.finish();
}

/// Reducing whole screens: the target is 150 ms for a photograph at depth 8, 5 ms for flat screens.
fn quantizing(criterion: &mut Criterion, name: &str, picture: &Picture) {
    let mut group = criterion.benchmark_group(format!("{name} reduced"));
    group.throughput(Throughput::Elements(picture.size().area()));
    let mut target = Picture::new(picture.size(), 0);
    for depth in Depth::ALL {
        for dither in [false, true] {
            let quantizer = Quantizer { depth, dither };
            group.bench_function(format!("{} bits, dither {dither}", depth.bits()), |b| {
                b.iter(|| quantizer.quantize(black_box(picture), picture.bounds(), &mut target));
            });
        }
    }
    for divisor in [2, 4] {
        let mut target = Picture::new(scaled_size(picture.size(), divisor), 0);
        let bounds = target.bounds();
        group.bench_function(format!("1/{divisor}"), |b| {
            b.iter(|| downscale(black_box(picture), divisor, bounds, &mut target));
        });
    }
    group.finish();
}
