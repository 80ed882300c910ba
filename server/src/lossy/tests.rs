//! What the encoder decides is what a canvas then shows.

use panto_protocol::canvas::Canvas;
use panto_protocol::draw::{DrawCommand, LossyPixels, SurfaceId, SurfaceResize};
use panto_protocol::entropy::{CommandModels, StreamEncoder};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::lossy::Prediction;
use panto_protocol::pixel::{Picture, luma, rgb};

use super::LossyEncoder;

const SCREEN: SurfaceId = SurfaceId::SCREEN;
const SIZE: Size = Size::new(150, 90);

/// Soft waves, moved by (dx, dy) pixels.
fn waves(dx: i32, dy: i32) -> Picture {
    let wave = |v: i32| ((v.rem_euclid(64) - 32).abs() * 7) as u8;
    let pixel = |i: i32| {
        let (x, y) = (i % SIZE.width as i32 - dx, i / SIZE.width as i32 - dy);
        rgb(wave(x + y / 3), wave(x * y / 40), wave(2 * y - x))
    };
    Picture::from_pixels(SIZE, (0..SIZE.area() as i32).map(pixel).collect()).unwrap()
}

fn canvas(shown: &Picture) -> Canvas {
    let mut canvas = Canvas::new();
    canvas.apply(&SurfaceResize { id: SCREEN, size: SIZE }.into()).unwrap();
    canvas.write(SCREEN, Point::default(), shown.view()).unwrap();
    canvas
}

fn painted(command: LossyPixels, now: &Picture) -> (Picture, usize) {
    let (mut canvas, mut models) = (canvas(now), CommandModels::default());
    let command = DrawCommand::from(command);
    let mut stream = StreamEncoder::default();
    stream.push(&mut models, &command, &canvas);
    canvas.apply(&command).unwrap();
    (canvas.screen(), stream.finish(&mut models).0.len())
}

/// The mean squared difference of luma inside a rectangle.
fn error(a: &Picture, b: &Picture, rect: Rect) -> f64 {
    let (a, b) = (a.crop(rect), b.crop(rect));
    let squares = a.iter().zip(b.iter()).map(|(a, b)| (f64::from(luma(a)) - f64::from(luma(b))).powi(2));
    squares.sum::<f64>() / rect.area() as f64
}

#[test]
fn a_smaller_step_is_more_exact_and_larger() {
    let (target, now) = (waves(0, 0), Picture::new(SIZE, 0x40_80_c0));
    // Of odd size and place.
    let rect = Rect::new(7, 5, 131, 77);
    let mut before = (0.0, usize::MAX);
    for step in [4, 16, 64] {
        let command = LossyEncoder::default().encode(SCREEN, rect, &target, &now, step);
        let (shown, bytes) = painted(command, &now);
        let error = error(&shown, &target, rect);
        // An even error within the step would be a twelfth of its square, (step / 2)² / 12.
        assert!(error < f64::from(step).powi(2) / 24.0 + 1.0, "step {step}: {error}");
        assert!(error > before.0 && bytes < before.1, "step {step}: {error}, {bytes} bytes");
        before = (error, bytes);
        // Nothing else is touched.
        let mut rest = shown;
        rest.fill(rect, 0);
        let mut expected = now.clone();
        expected.fill(rect, 0);
        assert_eq!(rest, expected);
    }
}

#[test]
fn what_does_not_change_costs_nothing() {
    let picture = waves(0, 0);
    let command = LossyEncoder::default().encode(SCREEN, picture.bounds(), &picture, &picture, 1);
    assert!(command.macroblocks.iter().all(|m| m.prediction == Prediction::Still));
    let (shown, bytes) = painted(command, &picture);
    assert_eq!(shown, picture);
    assert!(bytes < 20, "{bytes} bytes");
}

#[test]
fn what_moves_is_found() {
    let (now, target) = (waves(0, 0), waves(5, -3));
    let inner = Rect::new(32, 32, 80, 32);
    let command = LossyEncoder::default().encode(SCREEN, inner, &target, &now, 12);
    let is_found = |m: &panto_protocol::lossy::Macroblock| {
        m.vector().is_some_and(|v| (v.x + 20).abs() <= 1 && (v.y - 12).abs() <= 1)
    };
    let found = command.macroblocks.iter().filter(|m| is_found(m)).count();
    assert!(found >= command.macroblocks.len() / 2, "{:?}", command.macroblocks);
    let (shown, bytes) = painted(command, &now);
    let (_, alone) =
        painted(LossyEncoder::default().encode(SCREEN, inner, &target, &Picture::new(SIZE, 0), 12), &now);
    assert!(error(&shown, &target, inner) < 6.0);
    assert!(bytes * 2 < alone, "{bytes} bytes, {alone} without the picture before");
}

#[test]
fn dots_are_told_as_samples_and_waves_as_frequencies() {
    let now = Picture::new(SIZE, 0x80_80_80);
    let mut dots = now.clone();
    for i in 0..400 {
        dots.fill(Rect::new(i * 37 % 150, i * 61 % 90, 1, 1), 0xf0_f0_f0);
    }
    // Luma's coded blocks, and those of them that are told as samples.
    let count = |target: &Picture| {
        let command = LossyEncoder::default().encode(SCREEN, now.bounds(), target, &now, 16);
        let luma = |bits: u8| (bits & 0b1111).count_ones();
        command
            .macroblocks
            .iter()
            .fold((0, 0), |(all, part), m| (all + luma(m.coded), part + luma(m.untransformed)))
    };
    let (all, samples) = count(&dots);
    assert!(all >= 100 && 10 * samples > 9 * all, "{samples} of {all}");
    let (all, samples) = count(&waves(0, 0));
    assert!(all >= 100 && 4 * samples < all, "{samples} of {all}");
}

#[test]
fn what_is_searched_is_what_is_painted() {
    for step in [4, 40, 160] {
        let (mut encoder, mut now) = (LossyEncoder::default(), Picture::new(SIZE, 0x40_80_c0));
        for i in 0..4 {
            // Some of it stays, some moves, some is new.
            let mut target = waves(3 * i, i);
            target.fill(Rect::new(40 + i, 10, 30, 30), 0x20_60_f0);
            let rect = Rect::new(7, 5, 131, 77);
            let (command, shown) = encoder.search(SCREEN, rect, &target, &now, step);
            let painted = command.picture(&now);
            assert_eq!(shown.finish(&now, &command.macroblocks), painted, "step {step}, picture {i}");
            now.blit(rect.origin(), painted.view());
        }
    }
}

#[test]
fn the_same_twice_is_the_same() {
    let encode = |encoder: &mut LossyEncoder| {
        let mut now = Picture::new(SIZE, 0);
        let mut commands = Vec::new();
        for i in 0..3 {
            let command = encoder.encode(SCREEN, now.bounds(), &waves(2 * i, i), &now, 20);
            now = command.picture(&now);
            commands.push(command);
        }
        commands
    };
    assert_eq!(encode(&mut LossyEncoder::default()), encode(&mut LossyEncoder::default()));
}
