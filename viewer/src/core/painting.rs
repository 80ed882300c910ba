//! What arrives, painted and measured. No I/O, and time is an argument, so a real
//! viewing and a simulated one are the same code.

use panto_protocol::canvas::Digest;
use panto_protocol::connection::ClientConnection;
use panto_protocol::geometry::Region;
use panto_protocol::message::{InputEvent, Offer, is_fresh};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;

use super::dragging::Dragging;
use super::{FrameError, Latencies, Library, Painted, Screen};
use crate::stats::Stages;

/// What a viewer has painted, and how long everything took.
#[derive(Debug, Default)]
pub struct Painting {
    screen: Screen,
    dragging: Dragging,
    latencies: Latencies,
    began: Micros,
    /// When the first whole picture was painted.
    first_picture: Option<Micros>,
    frames: u64,
    commands: u64,
    /// Sums over the frames that answered inputs.
    answers: u64,
    decode: u64,
    paint: u64,
    /// Frames painted when a digest was last compared.
    digested: Option<u64>,
    /// A digest that came before the frame that it is about.
    early: Option<(u64, Digest)>,
    /// What is kept from one session to the next, if anything is.
    library: Option<Library>,
    /// What of it the last hello has offered.
    offered: Option<Library>,
}

/// What a digest said of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the server's picture, pixel for pixel.
    Right,
    /// It is not: a bug.
    Wrong,
}

/// A frame that was painted.
#[derive(Debug)]
pub struct PaintedFrame {
    /// What it said of itself.
    pub painted: Painted,
    /// Pixels of the picture that changed.
    pub damage: Region,
    /// Whether the picture agrees with a digest that was waiting for this frame.
    pub verdict: Option<Verdict>,
}

impl Painting {
    /// An empty picture of a viewing that began now.
    pub fn new(began: Micros) -> Self {
        Self { began, ..Self::default() }
    }

    /// A new session begins: an empty canvas, and what was offered may be recalled. Figures
    /// go on.
    pub fn begin(&mut self) {
        self.learn();
        self.screen.clear();
        if let Some(offered) = &self.offered {
            self.screen.lend(offered);
        }
        self.dragging.reset();
    }

    /// Keeps glyphs and tiles from now on, beside those of earlier sessions.
    pub fn set_library(&mut self, library: Library) {
        self.library = Some(library);
    }

    /// What is to be offered in the hello of a session that may begin now.
    pub fn offer(&mut self) -> Offer {
        self.learn();
        self.offered.clone_from(&self.library);
        self.offered.as_ref().map(Library::offer).unwrap_or_default()
    }

    /// What is kept up to now, if anything is to be.
    pub fn library(&mut self) -> Option<&Library> {
        self.learn();
        self.library.as_ref()
    }

    /// Keeps nothing of what there is: it may be why the picture is wrong.
    pub fn forget_library(&mut self) {
        self.library = None;
    }

    fn learn(&mut self) {
        if let Some(library) = &mut self.library {
            library.learn(self.screen.canvas());
        }
    }

    /// Whether a window that the person drags is shown where the pointer is before the
    /// server says so. It is, unless told otherwise.
    pub fn set_local_moves(&mut self, on: bool) {
        self.dragging.set_enabled(on);
    }

    /// Tints the picture by how each area is sent. Returns whether [`Painting::show`] has
    /// something to do.
    pub fn explain(&mut self, on: bool) -> bool {
        self.screen.explain(on)
    }

    /// A new connection: what was on its way is lost. Returns whether [`Painting::show`] has
    /// something to do.
    pub fn reconnected(&mut self) -> bool {
        self.latencies.reset();
        (self.digested, self.early) = (None, None);
        self.stop_moving()
    }

    /// Shows every window where the server has it, until another one is dragged. Returns
    /// whether [`Painting::show`] has something to do.
    pub fn stop_moving(&mut self) -> bool {
        self.dragging.reset();
        !self.screen.moved().is_empty()
    }

    /// An input event was sent. Returns whether [`Painting::show`] has something to do.
    pub fn input_sent(&mut self, event: &InputEvent, now: Micros) -> bool {
        self.latencies.sent(now);
        self.dragging.sent(event, self.screen.canvas(), now);
        self.dragging.moved() != self.screen.moved()
    }

    /// When to call [`Painting::handle_timeout`]; ask again after every other call.
    pub fn poll_timeout(&self) -> Option<Micros> {
        self.dragging.poll_timeout()
    }

    /// Time has passed. Returns whether [`Painting::show`] has something to do.
    pub fn handle_timeout(&mut self, now: Micros) -> bool {
        self.dragging.handle_timeout(self.screen.canvas(), now);
        self.dragging.moved() != self.screen.moved()
    }

    /// Brings `picture`, which is always the same, up to date without a frame: after input,
    /// after a timeout, after a change of what is shown. Returns what changed in it.
    pub fn show(&mut self, picture: &mut Picture) -> Region {
        self.screen.show(self.dragging.moved(), picture)
    }

    /// Paints a frame, brings `picture` up to date and acknowledges. `clock` is asked
    /// before decoding, between decoding and composing, and afterwards.
    ///
    /// # Errors
    ///
    /// The connection must be given up then.
    pub fn frame(
        &mut self,
        frame: &[u8],
        connection: &mut ClientConnection,
        picture: &mut Picture,
        mut clock: impl FnMut() -> Micros,
    ) -> Result<PaintedFrame, FrameError> {
        let began = clock();
        if is_fresh(frame) {
            // The canvas is about to forget what the library would keep.
            self.learn();
        }
        let painted = self.screen.paint(frame)?;
        let decoded = clock();
        self.dragging.painted(painted.inputs, self.screen.canvas(), decoded);
        let damage = self.show(picture);
        let done = clock();
        let count = connection.painted(done);
        if self.latencies.painted(painted.inputs, done) {
            self.answers += 1;
            self.decode += decoded.since(began).0;
            self.paint += done.since(decoded).0;
        }
        self.frames += 1;
        self.commands += painted.commands;
        if painted.settled {
            self.first_picture.get_or_insert(done);
        }
        let due = self.early.filter(|(frames, _)| *frames == count);
        let verdict = due.and_then(|(frames, digest)| {
            self.early = None;
            self.check(frames, digest, connection)
        });
        Ok(PaintedFrame { painted, damage, verdict })
    }

    /// Compares the picture with the server's digest after `frames` frames; `None` if there
    /// is nothing to say yet, or any more.
    pub fn check(&mut self, frames: u64, digest: Digest, connection: &ClientConnection) -> Option<Verdict> {
        let painted = connection.frames_painted();
        if frames != painted {
            // The control channel overtakes frames: hold it until its moment. One of
            // the past says nothing.
            self.early = (frames > painted).then_some((frames, digest));
            return None;
        }
        // One digest a frame is all that an honest server sends; each costs a whole picture.
        if self.digested.replace(frames) == Some(frames) {
            return None;
        }
        if self.screen.digest() != digest {
            return Some(Verdict::Wrong);
        }
        // Only whole pictures are digested: what was repaired by no command was right already.
        self.screen.settled();
        Some(Verdict::Right)
    }

    /// What is painted.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Frames painted.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Draw commands painted.
    pub fn commands(&self) -> u64 {
        self.commands
    }

    /// Latencies from inputs to their pictures.
    pub fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// From the beginning to the first whole picture.
    pub fn first_picture(&self) -> Option<Micros> {
        self.first_picture.map(|at| at.since(self.began))
    }

    /// Where the latencies went, in the mean, given the server's part of it. `None` before
    /// the first answer.
    pub fn stages(&self, capture: f64, encode: f64, queue: f64) -> Option<Stages> {
        let total = self.latencies.mean_ms()?;
        let mean = |sum: u64| sum as f64 / 1e3 / self.answers.max(1) as f64;
        let (decode, paint) = (mean(self.decode), mean(self.paint));
        // What is not accounted for elsewhere was on the wire.
        let network = (total - capture - encode - queue - decode - paint).max(0.0);
        Some(Stages { network, capture, encode, queue, decode, paint })
    }
}

#[cfg(test)]
mod tests {
    use panto_protocol::connection::ClientConfig;
    use panto_protocol::draw::{DrawCommand, LossyPixels, SurfaceId, SurfaceResize};
    use panto_protocol::geometry::{Rect, Size};
    use panto_protocol::lossy::Macroblock;
    use panto_protocol::message::FrameHeader;
    use panto_protocol::wire::Writer;

    use super::*;

    #[test]
    fn a_right_digest_ends_what_is_rough_and_a_wrong_one_does_not() {
        let config = ClientConfig {
            name: String::new(),
            settings: Default::default(),
            resume: None,
            offer: Offer::default(),
        };
        let connection = ClientConnection::new(config, Micros::ZERO);
        let (id, rect) = (SurfaceId::SCREEN, Rect::new(0, 0, 16, 16));
        let macroblocks = vec![Macroblock::default()];
        let commands: [DrawCommand; 2] = [
            SurfaceResize { id, size: Size::new(32, 16) }.into(),
            LossyPixels { surface: id, rect, step: 9, macroblocks, levels: Vec::new() }.into(),
        ];
        let mut frame = Writer::new();
        FrameHeader::default().encode(&mut frame);
        commands.iter().for_each(|c| c.encode(&mut frame));
        let frame = frame.finish();
        for (wrong, verdict, share) in [(1, Verdict::Wrong, 0.5), (0, Verdict::Right, 1.0)] {
            let mut painting = Painting::new(Micros::ZERO);
            painting.screen.paint(&frame).unwrap();
            assert_eq!(painting.screen.exact_share(), Some(0.5));
            let digest = Digest(painting.screen.digest().0 ^ wrong);
            assert_eq!(painting.check(0, digest, &connection), Some(verdict));
            assert_eq!(painting.screen.exact_share(), Some(share));
        }
    }
}
