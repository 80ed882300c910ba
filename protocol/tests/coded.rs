//! The coded frames of `PROTOCOL.md` section 13.10: what the specification says is what the
//! code does, in both directions.

use panto_protocol::canvas::{Canvas, PaintError, digest};
use panto_protocol::draw::{DrawCommand, InlinePixels, SurfaceId, SurfaceResize};
use panto_protocol::entropy::{CommandModels, StreamEncoder};
use panto_protocol::geometry::{Rect, Size};
use panto_protocol::message::{FRESH_FRAME, FrameBody, FrameDecoder, FrameHeader, is_fresh};
use panto_protocol::wire::{DecodeError, Reader};

const SPECIFICATION: &str = include_str!("../../PROTOCOL.md");

/// A frame of the specification.
struct Vector {
    /// Names and plain forms.
    commands: Vec<(String, Vec<u8>)>,
    message: Vec<u8>,
    /// Of the screen after the frame.
    digest: String,
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|b| u8::from_str_radix(b, 16).expect("two hexadecimal digits")).collect()
}

fn vectors() -> Vec<Vector> {
    let section = SPECIFICATION.split("\n### 13.10 ").nth(1).expect("a section of vectors");
    section
        .split("\n**Frame ")
        .skip(1)
        .map(|frame| {
            let mut blocks =
                frame.split("```text\n").skip(1).map(|b| b.split("```").next().unwrap_or_default());
            let command = |line: &str| {
                let (name, fields) = line.split_once("  ").expect("a name and bytes");
                (name.to_owned(), bytes(fields))
            };
            let commands = blocks.next().expect("commands").lines().map(command).collect();
            let message = bytes(blocks.next().expect("a message"));
            let digest = frame.split("digest is `").nth(1).and_then(|d| d.split('`').next());
            Vector { commands, message, digest: digest.expect("a digest").to_owned() }
        })
        .collect()
}

/// Why a frame could not be painted.
#[derive(Debug)]
enum Broken {
    Bytes(DecodeError),
    Paint(#[expect(dead_code, reason = "printed when a test fails")] PaintError),
}

impl From<DecodeError> for Broken {
    fn from(error: DecodeError) -> Self {
        Self::Bytes(error)
    }
}

fn paint(
    decoder: &mut FrameDecoder,
    canvas: &mut Canvas,
    message: &[u8],
) -> Result<Vec<&'static str>, Broken> {
    let mut kinds = Vec::new();
    decoder.decode(message, canvas, |canvas, command, _| {
        canvas.apply(&command).map_err(Broken::Paint)?;
        kinds.push(command.kind());
        Ok::<_, Broken>(())
    })?;
    Ok(kinds)
}

fn of_screen(canvas: &Canvas) -> String {
    format!("{:032x}", digest(canvas.screen().view()).0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn commands_of_the_specification_become_its_messages() {
    let (mut models, mut canvas) = (CommandModels::default(), Canvas::new());
    let vectors = vectors();
    assert!(vectors.len() >= 2, "the second frame shows what the first one taught");
    for (n, vector) in vectors.iter().enumerate() {
        let mut stream = StreamEncoder::default();
        for (name, plain) in &vector.commands {
            let mut reader = Reader::new(plain);
            let command = DrawCommand::decode(&mut reader).expect("a command");
            assert!(reader.is_empty() && command.kind() == name, "frame {}: {name}", n + 1);
            stream.push(&mut models, &command, &canvas);
            canvas.apply(&command).expect("a command that can be painted");
        }
        let message = FrameBody::coded(stream, &mut models).message(FrameHeader { inputs: 0, settled: true });
        assert_eq!(hex(&message), hex(&vector.message), "frame {}", n + 1);
        assert_eq!(of_screen(&canvas), vector.digest, "frame {}", n + 1);
    }
}

#[test]
fn messages_of_the_specification_make_its_screens() {
    let (mut decoder, mut canvas) = (FrameDecoder::default(), Canvas::new());
    for (n, vector) in vectors().iter().enumerate() {
        let kinds = paint(&mut decoder, &mut canvas, &vector.message).expect("a frame");
        assert!(kinds.iter().eq(vector.commands.iter().map(|(name, _)| name)), "frame {}", n + 1);
        assert_eq!(of_screen(&canvas), vector.digest, "frame {}", n + 1);
    }
}

#[test]
fn plain_frames_in_between_teach_nothing() {
    let (mut decoder, mut canvas) = (FrameDecoder::default(), Canvas::new());
    for vector in vectors() {
        paint(&mut decoder, &mut canvas, &vector.message).expect("a frame");
        assert_eq!(of_screen(&canvas), vector.digest);
        // Surface 9 comes and goes: nothing that the next frame depends on.
        paint(&mut decoder, &mut canvas, &bytes("00 10 09 02 02 00 01 09 33 22 11 01 00 00 02 02 12 09"))
            .expect("a plain frame");
    }
}

#[test]
fn after_a_fresh_frame_everything_must_be_taught_again() {
    let (mut decoder, mut canvas) = (FrameDecoder::default(), Canvas::new());
    let all = vectors();
    for vector in &all {
        paint(&mut decoder, &mut canvas, &vector.message).expect("a frame");
    }
    let pixels = of_screen(&canvas);
    assert!(canvas.glyphs().next().is_some(), "the vectors define glyphs");
    assert!(is_fresh(&FRESH_FRAME) && !is_fresh(&all[0].message));
    assert_eq!(paint(&mut decoder, &mut canvas, &FRESH_FRAME).expect("a fresh frame"), [""; 0]);
    assert_eq!(of_screen(&canvas), pixels, "pixels stay");
    assert!(canvas.glyphs().next().is_none() && canvas.tiles().next().is_none());
    // Models that know nothing, and the pixels that are there: what a newcomer's would be.
    let (mut models, mut shadow, mut stream) =
        (CommandModels::default(), canvas.clone(), StreamEncoder::default());
    for (_, plain) in &all[0].commands {
        let command = DrawCommand::decode(&mut Reader::new(plain)).expect("a command");
        stream.push(&mut models, &command, &shadow);
        shadow.apply(&command).expect("a command that can be painted");
    }
    let again = FrameBody::coded(stream, &mut models).message(FrameHeader::default());
    paint(&mut decoder, &mut canvas, &again).expect("the first frame again");
    assert_eq!(of_screen(&canvas), of_screen(&shadow));
}

#[test]
fn bytes_behind_the_end_and_payloads_of_nobody_are_errors() {
    let first = &vectors()[0].message;
    let fails = |message: &[u8]| paint(&mut FrameDecoder::default(), &mut Canvas::new(), message).is_err();
    assert!(!fails(first));
    // Up to eight bytes are read ahead of what is needed; a ninth never is.
    assert!(fails(&[&first[..], &[0; 9]].concat()));
    let half = first.len() / 2;
    assert!(fails(&first[..half]));
    // Payloads apart are for coded frames (this is a fresh one, with an opcode 0), and each
    // belongs to a command.
    assert!(fails(&bytes("04 00")));
    let mut unused = StreamEncoder::default();
    let mut models = CommandModels::default();
    unused.push(
        &mut models,
        &DrawCommand::decode(&mut Reader::new(&bytes("11 00 04 04"))).unwrap(),
        &Canvas::new(),
    );
    let FrameBody::Coded { commands, .. } = FrameBody::coded(unused, &mut models) else { unreachable!() };
    assert!(!fails(&[&[0x02][..], &commands].concat()));
    assert!(fails(&[&[0x06, 0x01, 0xff][..], &commands].concat()));
}

#[test]
fn pixels_beyond_the_limit_are_refused() {
    let message = |width: u32, height: u32| {
        let (mut models, mut canvas, mut stream) =
            (CommandModels::default(), Canvas::new(), StreamEncoder::default());
        let size = Size::new(1025, 1024);
        let pixels = vec![7; (width * height) as usize];
        let rect = Rect::new(0, 0, width, height);
        for command in [
            DrawCommand::from(SurfaceResize { id: SurfaceId::SCREEN, size }),
            InlinePixels { surface: SurfaceId::SCREEN, rect, pixels }.into(),
        ] {
            stream.push(&mut models, &command, &canvas);
            canvas.apply(&command).expect("a command that can be painted");
        }
        FrameBody::coded(stream, &mut models).message(FrameHeader::default())
    };
    let result = |message: &[u8]| paint(&mut FrameDecoder::default(), &mut Canvas::new(), message);
    assert!(result(&message(1024, 1024)).is_ok());
    let refused = result(&message(1025, 1024));
    assert!(matches!(refused, Err(Broken::Bytes(DecodeError::TooLarge { .. }))), "{refused:?}");
}
