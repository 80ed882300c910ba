//! What to send to one viewer: the difference between its shadow and the scene,
//! said in the commands that its mode allows.
//!
//! ```text
//!   journal ─► replay (source's commands) ─┐
//!                                          ├─► frame ─► shadow painted, bytes out
//!   scene ─► target ─► residual (pixels) ──┘
//! ```
//!
//! A mode is nothing but a set of allowed commands ([`Planner::tools`]): the viewer
//! never learns of it.

mod compare;
mod frame;
mod layout;
mod lossy;
mod pieces;
mod price;
mod replay;
mod residual;
mod sharing;
mod target;
mod text;
mod tiers;
mod usage;

use panto_protocol::canvas::{Canvas, Digest, PaintError, digest};
use panto_protocol::draw::{DrawCommand, SurfaceId, SurfaceResize};
use panto_protocol::encoding::{Decoder, Encoder};
use panto_protocol::entropy::CommandModels;
use panto_protocol::geometry::{Point, Rect, Region};
use panto_protocol::message::{Depth, FrameBody, Mode, Offer, Scale, Settings, Wire};
use panto_protocol::time::Micros;

use crate::scene::{Change, Scene, Since};
use frame::FrameBuilder;
use replay::{Dirty, Replay};
use residual::{Job, Residual, Tools};
use target::Target;

pub use compare::differences;
pub(crate) use compare::differences_apart;
pub use frame::Frame;

/// How much one frame may hold, and for which link it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes after which no further rectangle is begun.
    pub bytes: usize,
    /// The link's rate, bytes a second, if the choice of descriptions may depend on it.
    pub rate: Option<u64>,
    /// The time.
    pub now: Micros,
    /// Whether only what can be an answer to an input is to be sent: small differences, and
    /// those near the pointer. The rest is left over.
    pub urgent: bool,
}

impl Budget {
    /// Everything at once, in the fewest bytes.
    pub const UNLIMITED: Budget = Budget { bytes: usize::MAX, rate: None, now: Micros::ZERO, urgent: false };
}

/// What planners of one scene that take turns need only once.
#[derive(Default)]
pub struct Scratch {
    /// Memory to encode and decode rectangles with, a few pictures' worth. It holds nothing
    /// from one plan to the next.
    encoder: Encoder,
    payload: Vec<u8>,
    decoder: Decoder,
    /// The scene at other depths and scales, as far as anyone wants it.
    targets: Vec<Target>,
}

impl Scratch {
    /// Forgets what none of these planners wants.
    pub fn tidy<'a>(&mut self, planners: impl Iterator<Item = &'a Planner> + Clone) {
        self.targets.retain(|target| planners.clone().any(|planner| planner.target.is_like(target)));
    }
}

/// Plans the frames of one viewer, or of several that get the same, and keeps their shadow.
///
/// A clone goes on for some of them alone: nothing of what they have or know is lost.
#[derive(Clone)]
pub struct Planner {
    settings: Settings,
    shadow: Canvas,
    target: Target,
    residual: Residual,
    dirty: Dirty,
    /// Journal position up to which changes are taken into account.
    position: u64,
    /// Whether the shadow shows windows as surfaces; if not, surface 0 is all.
    windows: bool,
    /// Whether shadow and scene must be compared as a whole before the next frame.
    unsynced: bool,
    /// Whether the viewer's pixels and caches are to be forgotten first.
    wipe: bool,
    focus: Option<Point>,
    /// What coded frames have taught both ends; absent only while a frame is made.
    models: Option<Box<CommandModels>>,
    /// Whether the next frame must tell the viewer to forget models and caches.
    fresh: bool,
    /// Whether the viewer has offered anything.
    offered: bool,
}

impl Planner {
    /// A planner for a viewer with an empty canvas.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            shadow: Canvas::new(),
            target: Target::new(&settings, true),
            residual: Residual::default(),
            dirty: Dirty::new(),
            position: 0,
            windows: false,
            unsynced: true,
            wipe: false,
            focus: None,
            models: None,
            fresh: false,
            offered: false,
        }
    }

    /// Settings in force.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Other settings from the next frame on.
    pub fn set_settings(&mut self, settings: Settings) {
        if settings != self.settings {
            self.settings = settings;
            self.unsynced = true;
        }
    }

    /// Sends everything again from the next frame on, trusting nothing that the viewer has.
    pub fn refresh(&mut self) {
        self.wipe = true;
        self.unsynced = true;
    }

    /// The viewer has kept these glyphs and tiles, which need not be sent again. A refresh
    /// forgets that: it trusts nothing that the viewer has.
    pub fn offer(&mut self, offer: &Offer) {
        self.residual.offer(offer);
        self.offered = *offer != Offer::default();
    }

    /// Estimates of time follow a clock, in nanoseconds since whenever. Without one they stay
    /// what they were measured to be elsewhere: plans are the same in every run then.
    pub fn calibrate(&mut self, clock: fn() -> u64) {
        self.residual.calibrate(clock);
    }

    /// Tells where on the screen the person just typed or pointed.
    pub fn set_focus(&mut self, focus: Option<Point>) {
        self.focus = focus;
    }

    /// What the viewer has when all frames are painted.
    pub fn shadow(&self) -> &Canvas {
        &self.shadow
    }

    /// Digest of what the viewer shows when all frames are painted.
    pub fn digest(&self) -> Digest {
        if self.shadow.is_flat()
            && let Ok(surface) = self.shadow.surface(SurfaceId::SCREEN)
        {
            return digest(surface.picture.view());
        }
        digest(self.shadow.screen().view())
    }

    /// Whether the viewer has all of the scene as of the last [`Planner::plan`].
    pub fn is_settled(&self) -> bool {
        !self.unsynced && self.dirty.values().all(Region::is_empty) && self.residual.rests_at().is_none()
    }

    /// Whether the scene changed since the last [`Planner::plan`], or something is left.
    pub fn is_due(&self, scene: &Scene) -> bool {
        !self.is_settled() || self.position != scene.position()
    }

    /// Whether the scene changed since the last [`Planner::plan`].
    pub fn has_news(&self, scene: &Scene) -> bool {
        self.position != scene.position()
    }

    /// Until when nothing is to be sent but the exact pixels of what is shown roughly, which
    /// has to rest first; `None` if something is to be sent now, or nothing at all.
    pub fn waits_until(&self, scene: &Scene) -> Option<Micros> {
        let only =
            !self.unsynced && self.position == scene.position() && self.dirty.values().all(Region::is_empty);
        self.residual.rests_at().filter(|_| only)
    }

    /// [`Planner::plan`] with memory that other planners use as well.
    ///
    /// # Errors
    ///
    /// Those of [`Planner::plan`].
    pub fn plan_with(
        &mut self,
        scratch: &mut Scratch,
        scene: &mut Scene,
        budget: Budget,
    ) -> Result<Option<Frame>, PaintError> {
        self.swap(scratch);
        let targets = &mut scratch.targets;
        let wanted = Target::new(&self.settings, !self.wants_windows(scene));
        if let Some(known) = targets.iter().position(|target| target.is_like(&wanted)) {
            self.target = targets.swap_remove(known);
        }
        let frame = self.plan(scene, budget);
        if !self.target.is_taken() && self.target.is_common() {
            targets.retain(|target| !target.is_like(&self.target));
            targets.push(self.target.take());
        }
        self.swap(scratch);
        frame
    }

    fn swap(&mut self, scratch: &mut Scratch) {
        self.residual.swap_encoder(&mut scratch.encoder, &mut scratch.payload);
        self.shadow.swap_decoder(&mut scratch.decoder);
    }

    /// Makes the next frame from the newest scene; `None` if there is nothing to send.
    ///
    /// # Errors
    ///
    /// Only if a limit of `wire/limits.rs` is exceeded; the shadow is of no more use then.
    pub fn plan(&mut self, scene: &mut Scene, budget: Budget) -> Result<Option<Frame>, PaintError> {
        let mut frame = match self.settings.wire {
            Wire::Plain => FrameBuilder::default(),
            Wire::Coded => FrameBuilder::coded(self.models.take().unwrap_or_default()),
        };
        let windows = self.wants_windows(scene);
        if !windows {
            scene.flatten();
        }
        if windows != self.windows || self.unsynced || self.target.is_taken() {
            self.sync(windows, scene, &mut frame)?;
        } else {
            self.follow(scene, budget, &mut frame)?;
        }
        self.position = scene.position();
        for (surface, held) in self.residual.take_rested(budget.now).unwrap_or_default() {
            self.dirty.entry(surface).or_default().add_region(&held);
        }
        self.settle(scene, budget, &mut frame)?;
        self.shadow.take_damage();
        let (mut frame, models) = frame.finish();
        self.models = models.or(self.models.take());
        if let Some(frame) = &mut frame {
            frame.fresh = std::mem::take(&mut self.fresh);
        }
        Ok(frame)
    }

    /// Whether windows are worth telling: the source knows them and the mode may.
    fn wants_windows(&self, scene: &Scene) -> bool {
        self.settings.mode != Mode::Pixels
            && self.settings.scale == Scale::Full
            && !scene.canvas().windows().is_empty()
    }

    fn tools(&self) -> Tools {
        // Plain, they would be the largest form of pixels instead of the smallest.
        let inline = self.settings.wire == Wire::Coded;
        let commands = Tools { copies: true, fills: true, tiles: true, text: inline, inline, lossy: false };
        match self.settings.mode {
            Mode::Pixels => {
                let copies = self.settings.copy_rect;
                Tools { copies, fills: false, tiles: false, text: false, ..commands }
            }
            Mode::Commands => commands,
            Mode::Hybrid | Mode::Auto => {
                let lossy = inline && !self.settings.exact && self.settings.is_lossless();
                Tools { lossy, ..commands }
            }
        }
    }

    /// Compares shadow and scene as wholes.
    fn sync(&mut self, windows: bool, scene: &Scene, frame: &mut FrameBuilder) -> Result<(), PaintError> {
        let target = Target::new(&self.settings, !windows);
        if !self.target.is_like(&target) {
            self.target = target;
        }
        self.target.catch_up(scene);
        self.dirty.clear();
        self.residual.look_anew();
        if std::mem::take(&mut self.wipe) {
            layout::wipe(&mut self.shadow, frame)?;
            self.residual.forget();
        }
        if windows {
            layout::mirror(scene.canvas(), &mut self.shadow, frame)?;
            for (id, surface) in scene.canvas().surfaces() {
                self.dirty.insert(id, surface.picture.bounds().into());
            }
        } else {
            layout::flatten(&mut self.shadow, frame)?;
            self.fit(scene, frame)?;
        }
        self.windows = windows;
        self.unsynced = false;
        Ok(())
    }

    /// Gives the flat screen its size; all of it is dirty if that is new.
    fn fit(&mut self, scene: &Scene, frame: &mut FrameBuilder) -> Result<(), PaintError> {
        let Some(size) = self.target.size(SurfaceId::SCREEN, scene) else { return Ok(()) };
        if self.shadow.screen_size() != size {
            frame.emit(&mut self.shadow, &SurfaceResize { id: SurfaceId::SCREEN, size }.into())?;
        }
        self.dirty.insert(SurfaceId::SCREEN, Rect::of_size(size).into());
        Ok(())
    }

    /// Takes the changes since the last frame into account.
    fn follow(&mut self, scene: &Scene, budget: Budget, frame: &mut FrameBuilder) -> Result<(), PaintError> {
        let Since::Changes(changes) = scene.since(self.position) else {
            return self.sync(self.windows, scene, frame);
        };
        // What was looked at and left over is as it was.
        if changes.clone().next().is_none() {
            return Ok(());
        }
        let mut changed = Dirty::new();
        if self.windows {
            let drawing = self.worth_replaying(changes.clone(), scene, budget);
            let mut replay = Replay {
                scene: scene.canvas(),
                quantizer: self.target.quantizer(),
                caches_current: true,
                drawing,
            };
            // What was left over from the last frame is as wrong as what changes now, and so is
            // what is shown roughly: a command may read it.
            changed = std::mem::take(&mut self.dirty);
            for (surface, held) in self.residual.take_held() {
                changed.entry(surface).or_default().add_region(&held);
            }
            replay.run(changes, &mut self.shadow, &mut changed, frame)?;
            // Tiles are never passed on at reduced depths: there is nothing to repair.
            self.unsynced = !replay.caches_current && self.target.quantizer().is_identity();
        } else {
            let screen = changed.entry(SurfaceId::SCREEN).or_default();
            for change in changes {
                screen.add_region(&change.screen);
                screen.simplify(64);
            }
            if self.target.size(SurfaceId::SCREEN, scene) != Some(self.shadow.screen_size()) {
                self.fit(scene, frame)?;
            }
        }
        self.target.catch_up(scene);
        for (surface, region) in changed {
            if self.target.size(surface, scene).is_none() {
                self.residual.forget_surface(surface);
                self.dirty.remove(&surface);
                continue;
            }
            let mut reach: Region =
                region.rects().iter().map(|&r| self.target.reach(surface, r, scene)).collect();
            reach.simplify(64);
            self.residual.changed(surface, &reach);
            self.dirty.entry(surface).or_default().add_region(&reach);
        }
        Ok(())
    }

    /// Whether the source's commands are the way to go. When a slow viewer has missed
    /// more drawing than the picture itself is worth, the newest pixels are; and `hybrid`
    /// takes whichever of the two is really smaller.
    fn worth_replaying<'c>(
        &mut self,
        changes: impl Iterator<Item = &'c Change> + Clone,
        scene: &Scene,
        budget: Budget,
    ) -> bool {
        let mut bytes = 0usize;
        for change in changes.clone() {
            bytes = bytes.saturating_add(change.command.as_deref().map_or(0, encoded_len));
            if bytes > budget.bytes.max(REPLAY_ALWAYS) {
                return false;
            }
        }
        let may_choose = matches!(self.settings.mode, Mode::Hybrid | Mode::Auto);
        if !may_choose || bytes < CHOOSE_FROM || !self.target.quantizer().is_identity() {
            return true;
        }
        let mut touched = Dirty::new();
        for change in changes {
            if change.command.as_deref().is_some_and(DrawCommand::is_structure) {
                // Pixels of a surface that the viewer does not have yet cannot be weighed.
                return true;
            }
            for &(surface, rect) in &change.touched {
                touched.entry(surface).or_default().add(rect);
            }
        }
        let mut pixels = 0;
        for (surface, region) in &touched {
            let (Some(target), Ok(shadow)) =
                (self.target.picture(*surface, scene), self.shadow.surface(*surface))
            else {
                return true;
            };
            if target.size() != shadow.picture.size() {
                return true;
            }
            pixels += self.residual.weigh(target, shadow, region, bytes - pixels);
            if pixels >= bytes {
                return true;
            }
        }
        false
    }

    /// Sends pixels until nothing is dirty or the budget is used up.
    fn settle(&mut self, scene: &Scene, budget: Budget, frame: &mut FrameBuilder) -> Result<(), PaintError> {
        let tools = self.tools();
        // The surface under the person's eye first.
        let mut order: Vec<SurfaceId> = self.dirty.keys().copied().collect();
        let focus = self.focus.map(|p| self.locate(p));
        order.sort_by_key(|&id| focus.is_none_or(|(surface, _)| surface != id));
        for id in order {
            let Some(target) = self.target.picture(id, scene) else {
                self.dirty.remove(&id);
                continue;
            };
            let Some(dirty) = self.dirty.get_mut(&id) else { continue };
            let job = Job {
                surface: id,
                target,
                alpha: self.shadow.surface(id)?.alpha,
                tools,
                rate: budget.rate,
                now: budget.now,
                urgent: budget.urgent,
                focus: focus.filter(|(surface, _)| *surface == id).map(|(_, p)| p),
                budget: budget.bytes,
                palette_cells: matches!(self.settings.depth, Depth::D8 | Depth::D4),
            };
            self.residual.settle(&job, dirty, &mut self.shadow, frame)?;
        }
        self.dirty.retain(|_, region| !region.is_empty());
        Ok(())
    }

    /// The surface shown at a point of the screen, and the point on it.
    fn locate(&self, p: Point) -> (SurfaceId, Point) {
        if !self.windows {
            let divisor = self.settings.scale.divisor() as i32;
            return (SurfaceId::SCREEN, Point::new(p.x / divisor, p.y / divisor));
        }
        for window in self.shadow.windows().iter().rev().filter(|w| w.mapped) {
            let local = p.offset(-window.position.x, -window.position.y);
            if self.shadow.surface(window.surface).is_ok_and(|s| s.picture.bounds().contains(local)) {
                return (window.surface, local);
            }
        }
        (SurfaceId::SCREEN, p)
    }
}

/// Commands that give `shadow` the surfaces and windows of `scene`, all but pixels of
/// their own and new entries of caches; the shadow is painted with them.
pub(crate) fn mirror_commands(scene: &Canvas, shadow: &mut Canvas) -> Result<Vec<DrawCommand>, PaintError> {
    let mut frame = FrameBuilder::default();
    layout::mirror(scene, shadow, &mut frame)?;
    let Some(Frame { body: FrameBody::Plain(bytes), .. }) = frame.finish().0 else { return Ok(Vec::new()) };
    let mut reader = panto_protocol::wire::Reader::new(&bytes);
    let mut commands = Vec::new();
    while !reader.is_empty() {
        commands.push(DrawCommand::decode(&mut reader)?);
    }
    Ok(commands)
}

/// Bytes of drawing commands that are passed on whatever the budget: less than a
/// network packet or two are never worth a search for something smaller.
const REPLAY_ALWAYS: usize = 16 << 10;

/// Fewer bytes of commands than this are not worth weighing against pixels.
const CHOOSE_FROM: usize = 256;

fn encoded_len(command: &DrawCommand) -> usize {
    let mut out = panto_protocol::wire::Writer::new();
    command.encode(&mut out);
    out.len()
}

#[cfg(test)]
mod lossy_tests;
#[cfg(test)]
mod recall_tests;
#[cfg(test)]
mod tests;
