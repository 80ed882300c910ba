//! Lossy pixels beside JPEG: bytes, luma PSNR and speed on clips and photographs.
//!
//!     cargo bench -p panto-server --bench lossy [-- raw.rgb …]
//!
//! Arguments are further clips of 640 × 360 pixels of 3 bytes, as `ffmpeg -pix_fmt rgb24
//! -f rawvideo` writes them.

mod clips;

use std::time::Duration;

use image::codecs::jpeg::JpegEncoder;
use panto_protocol::canvas::Canvas;
use panto_protocol::draw::{DrawCommand, SurfaceId, SurfaceResize};
use panto_protocol::entropy::{CommandModels, StreamDecoder, StreamEncoder};
use panto_protocol::geometry::Size;
use panto_protocol::pixel::{Picture, channels, rgb};
use panto_server::lossy::LossyEncoder;
use rustix::time::{ClockId, clock_gettime};

const FRAMES: usize = 48;

fn main() {
    measure("smooth", &clips::smooth(FRAMES));
    measure("noisy", &clips::noisy(FRAMES));
    for name in ["alpine-lake", "canyon", "nebula"] {
        let path = format!("{}/../assets/demo/{name}.png", env!("CARGO_MANIFEST_DIR"));
        let picture = image::open(&path).expect("a demo picture").to_rgb8();
        measure(name, &[picture_of(Size::new(picture.width(), picture.height()), picture.as_raw())]);
    }
    for path in std::env::args().skip(1).filter(|argument| !argument.starts_with('-')) {
        let bytes = std::fs::read(&path).expect("a clip");
        let frames = bytes.chunks_exact(clips::SIZE.area() as usize * 3);
        measure(&path, &frames.map(|frame| picture_of(clips::SIZE, frame)).collect::<Vec<_>>());
    }
}

/// What a way to code a clip came to.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    bytes: usize,
    luma_error: f64,
    error: f64,
    pixels: f64,
    encode: Duration,
    decode: Duration,
}

impl Sum {
    fn add(&mut self, wanted: &Picture, got: &Picture, bytes: usize) {
        self.bytes += bytes;
        self.pixels += wanted.size().area() as f64;
        for (a, b) in wanted.data().iter().zip(got.data()) {
            let (a, b) = (channels(*a), channels(*b));
            let [r, g, b] = [0, 1, 2].map(|i| f64::from(a[i]) - f64::from(b[i]));
            self.luma_error += (0.299 * r + 0.587 * g + 0.114 * b).powi(2);
            self.error += (r * r + g * g + b * b) / 3.0;
        }
    }

    fn decibels(&self, error: f64) -> f64 {
        10.0 * (255.0 * 255.0 * self.pixels / error.max(1.0)).log10()
    }

    fn luma(&self) -> f64 {
        self.decibels(self.luma_error)
    }

    fn print(&self, what: &str, frames: usize) {
        let bytes = self.bytes as f64 / frames as f64;
        let all = self.decibels(self.error);
        print!("  {what:9} {bytes:8.0} bytes a frame, luma {:5.2} dB, RGB {all:5.2} dB", self.luma());
        if self.encode > Duration::ZERO {
            let speed = |time: Duration| self.pixels / time.as_secs_f64() / 1e6;
            print!(", encode {:5.1}, decode {:5.1} Mpixel/s", speed(self.encode), speed(self.decode));
        }
        println!();
    }
}

fn measure(name: &str, clip: &[Picture]) {
    println!("{name}: {} frames", clip.len());
    let jpeg = [92, 77].map(|quality| {
        let sum = jpeg(clip, quality);
        sum.print(&format!("JPEG {quality}"), clip.len());
        sum
    });
    let steps = [4, 8, 12, 16, 20, 24, 32, 48, 64, 96].map(|step| {
        let sum = lossy(clip, step);
        sum.print(&format!("step {step}"), clip.len());
        sum
    });
    for (jpeg, quality) in jpeg.iter().zip([92, 77]) {
        // Between the two steps whose PSNR lies on both sides.
        let pair =
            steps.windows(2).find(|pair| pair[1].luma() <= jpeg.luma() && jpeg.luma() <= pair[0].luma());
        if let Some([above, below]) = pair {
            let part = (jpeg.luma() - below.luma()) / (above.luma() - below.luma());
            let bytes = below.bytes as f64 + part * (above.bytes as f64 - below.bytes as f64);
            println!("  at the luma PSNR of JPEG {quality}: {:.3} of its bytes", bytes / jpeg.bytes as f64);
        }
    }
}

/// JPEG 4:4:4, each frame for itself.
fn jpeg(clip: &[Picture], quality: u8) -> Sum {
    let mut sum = Sum::default();
    for picture in clip {
        let (size, mut coded) = (picture.size(), Vec::new());
        let bytes: Vec<u8> = picture.data().iter().flat_map(|p| channels(*p)).collect();
        JpegEncoder::new_with_quality(&mut coded, quality)
            .encode(&bytes, size.width, size.height, image::ExtendedColorType::Rgb8)
            .expect("memory can be written to");
        let decoded = image::load_from_memory(&coded).expect("what was just encoded").to_rgb8();
        sum.add(picture, &picture_of(size, decoded.as_raw()), coded.len());
    }
    sum
}

/// Whole frames as commands, entropy coded and decoded.
fn lossy(clip: &[Picture], step: u8) -> Sum {
    let canvas = || {
        let mut canvas = Canvas::new();
        let size = clip[0].size();
        canvas.apply(&SurfaceResize { id: SurfaceId::SCREEN, size }.into()).expect("a screen");
        canvas
    };
    let (mut shadow, mut shown) = (canvas(), canvas());
    let (mut sender, mut receiver) = (CommandModels::default(), CommandModels::default());
    let (mut encoder, mut sum) = (LossyEncoder::default(), Sum::default());
    for picture in clip {
        let start = used();
        let now = &shadow.surface(SurfaceId::SCREEN).expect("the screen").picture;
        let command: DrawCommand =
            encoder.encode(SurfaceId::SCREEN, picture.bounds(), picture, now, step).into();
        let mut stream = StreamEncoder::default();
        stream.push(&mut sender, &command, &shadow);
        let (coded, _) = stream.finish(&mut sender);
        sum.encode += used() - start;
        shadow.apply(&command).expect("a sound command");

        let start = used();
        let mut stream = StreamDecoder::new(&coded, &[]);
        let got = stream.next(&mut receiver, &shown).expect("an honest stream").expect("a command");
        shown.apply(&got).expect("a sound command");
        assert_eq!(stream.next(&mut receiver, &shown), Ok(None));
        sum.decode += used() - start;
        let got = &shown.surface(SurfaceId::SCREEN).expect("the screen").picture;
        assert_eq!(got, &shadow.surface(SurfaceId::SCREEN).expect("the screen").picture);
        sum.add(picture, got, coded.len());
    }
    sum
}

/// Processor time of this thread: other work on the machine does not count.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn picture_of(size: Size, bytes: &[u8]) -> Picture {
    let pixels = bytes.as_chunks::<3>().0.iter().map(|[r, g, b]| rgb(*r, *g, *b)).collect();
    Picture::from_pixels(size, pixels).expect("as many pixels")
}
