//! The course of a run, the same for all peers: far side, relay, near side, first
//! picture, work, last picture, figures.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use panto_protocol::canvas::digest;
use panto_protocol::time::Micros;

use crate::figures::Figures;
use crate::person::{Eye, Person, PersonError};
use crate::script::{Script, Step};
use crate::work::Work;

use super::probe::Probe;
use super::process::{Ground, Process};
use super::screen::{self, Hands, Screen};
use super::settle::Expected;
use super::stage::{Far, NO_SHARED_MEMORY, Stage};
use super::task::{SLICE, STILL, Task};
use super::usage::Usage;
use super::watch::Watch;
use super::way::Program;
use super::{Options, Peer, PeerError, Setting, installed, port};

/// How long an input may go unanswered before it is tried again, beyond what the link
/// makes it wait.
const ANSWER_PATIENCE: Duration = Duration::from_millis(200);

pub(super) fn run(
    setting: Setting,
    work: &Work,
    options: &Options,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&str),
) -> Result<Figures, PeerError> {
    installed::check(setting.peer, &options.path)?;
    let task = Task { setting, work, options, stop };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(PeerError::system("starting threads for the relay"))?;
    let _inside = runtime.enter();
    progress("starts");
    let stage = Stage::set(&task)?;
    let mut figures = stage.play(&task, progress)?;
    if setting.peer == Peer::X11 && figures.error.is_none() {
        progress("does the same without a link, to compare with");
        figures.exact = task.compare(figures.digest.as_deref());
    }
    Ok(figures)
}

/// Whoever looks and acts while a run goes on.
#[derive(Default)]
struct Cast {
    work: Option<Process>,
    near: Option<Eye>,
    far: Option<Eye>,
    person: Option<Person>,
}

impl Task<'_> {
    /// Starts the workload's command, unless it was `started` before, and has the person follow the script.
    fn work(
        &self,
        script: &[Step],
        ground: &Ground,
        display: &str,
        person: &mut Person,
        started: &mut Option<Process>,
        died: impl Fn() -> bool,
    ) -> Result<(), PeerError> {
        let Some((command, arguments)) = self.work.command.split_first() else {
            return Err(PeerError::NoCommand { name: self.work.name.clone() });
        };
        let program = Program::new(command).args(arguments).on(display).env("XAUTHORITY", ground.authority());
        let process = match started {
            Some(process) => process,
            None => started.insert(ground.start(&program, "work")?),
        };
        let stop = || self.stop.load(Ordering::Relaxed) || died();
        match person.follow(&with_short_pauses(script), stop) {
            Ok(()) => Ok(()),
            Err(PersonError::Stopped) => Err(PeerError::Stopped),
            // Its program may have said why.
            Err(error @ PersonError::NoWindow { .. }) => process.watched().check().and(Err(error.into())),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the same work, done on a display without any link, ends with this picture;
    /// `None` if it does not end with the same picture twice.
    fn compare(&self, digest: Option<&str>) -> Option<bool> {
        let reference = self.reference().ok()?;
        if Some(reference.as_str()) == digest {
            return Some(true);
        }
        (self.reference().ok()? == reference).then_some(false)
    }

    /// The digest of the picture that the work ends with on a plain display.
    fn reference(&self) -> Result<String, PeerError> {
        let ground = Ground::new(self.options.path.clone())?;
        let screen = Screen::xvfb(&ground, self.work.size, NO_SHARED_MEMORY, self.options.patience)?;
        let hands = Hands::at(&screen.name())?;
        hands.paint_desktop()?;
        hands.point(self.middle())?;
        let mut person = Person::at(&screen.name(), &screen.name())?;
        let mut work = None;
        self.work(&self.work.script.steps, &ground, &screen.name(), &mut person, &mut work, || false)?;
        if !person.eye().wait_still(2 * STILL, self.options.patience) {
            return Err(PersonError::NeverStill { time: 2 * STILL }.into());
        }
        let digest = digest(person.eye().picture().view()).to_string();
        drop(work);
        Ok(digest)
    }
}

impl Stage {
    /// The run itself. Errors are of the time before there was anything to measure.
    fn play(mut self, task: &Task<'_>, progress: &mut dyn FnMut(&str)) -> Result<Figures, PeerError> {
        let Task { setting, work, options, .. } = *task;
        let (mode, flag) = super::mode_and_flag(setting.mode);
        let mut figures = Figures {
            workload: work.name.clone(),
            link: options.profile.name.clone(),
            system: setting.peer.name().into(),
            mode: mode.into(),
            copy_rect: flag == "copyrect",
            exact_only: flag == "exact",
            depth: 24,
            scale: 1,
            lossless: setting.is_lossless(),
            time: "live".into(),
            ..Figures::default()
        };
        let mut cast = Cast { near: Some(Eye::open(&self.place.near)?), ..Cast::default() };
        if let Some(Far::Screen(screen)) = &self.far {
            Hands::at(&screen.name())?.paint_desktop()?;
            cast.far = Some(Eye::open(&screen.name())?);
        }
        let (before, _) = parts(work);
        if !before.is_empty() {
            let Some(Far::Screen(screen)) = &self.far else {
                return Err(PeerError::NoFarDisplay { peer: setting.peer });
            };
            progress("prepares");
            let mut person = Person::at(&screen.name(), &screen.name())?;
            task.work(before, &self.ground, &screen.name(), &mut person, &mut cast.work, || false)?;
        }
        let began = Instant::now();
        if let Some(program) = setting.peer.way().viewer(&self.place) {
            self.viewer = Some(self.ground.start(&program, "near")?);
        }
        let watch = Watch::start(self.sides())?;
        let outcome = self.act(task, &watch, began, &mut cast, &mut figures, progress);
        // What went wrong is often only that a program is gone.
        let outcome = outcome.map_err(|error| watch.check().err().unwrap_or(error));

        let near = cast.person.as_ref().map(Person::eye).or(cast.near.as_ref());
        figures.input_to_pixel_ms = cast.person.as_ref().and_then(Person::latencies);
        let begun = cast.person.as_ref().and_then(Person::begun);
        if let (Some(far), Some(near), Some(begun)) = (&cast.far, near, begun)
            && let (Some(film), Some(shown)) = (far.take_tape(), near.take_tape())
            && let Some(film) = film.judge(&shown, Micros((begun - far.began()).as_micros() as u64))
        {
            figures.psnr_luma_db = film.psnr_luma_db;
            (figures.frames_played, figures.frames_offered) =
                (Some(film.frames_played), Some(film.frames_offered));
        }
        let (far_picture, far_changed) = cast.far.as_ref().map(|f| (f.picture(), f.last_change())).unzip();
        if let (Some(near), Ok(()) | Err(PeerError::TooLate { .. })) = (near, &outcome) {
            let picture = near.picture();
            figures.digest = Some(digest(picture.view()).to_string());
            figures.exact = far_picture.map(|far| far == picture);
            if let (Some(true), Some(shown), Some(changed)) =
                (figures.exact, near.last_change(), far_changed.flatten())
            {
                figures.exact_after_rest_ms =
                    Some(shown.saturating_duration_since(changed).as_secs_f64() * 1e3);
            }
            // nxagent does not always tell of a change: look at all of it before saying so.
            if figures.exact == Some(false) {
                figures.exact = Eye::open(&self.place.far).ok().map(|far| far.picture() == picture);
            }
        }
        let rested = near.and_then(Eye::last_change).unwrap_or(began);
        let seen = watch.finish();
        figures.error = outcome.err().map(|error| error.to_string());
        if setting.peer == Peer::X11 {
            // Its connections are those of the programs.
            cast.work = None;
        }
        let counts = self.close(task.rest());
        (figures.bytes_down, figures.bytes_up) = (counts.bytes_down, counts.bytes_up);
        (figures.packets_down, figures.packets_up) = (Some(counts.packets_down), Some(counts.packets_up));
        let since = |at: Instant| at.saturating_duration_since(began).as_secs_f64();
        if let Some((first, _)) = seen.bytes_down.first() {
            figures.duration_s = rested.saturating_duration_since(*first).as_secs_f64();
        }
        figures.bytes_over_time = seen.bytes_down.iter().map(|(at, bytes)| (since(*at), *bytes)).collect();
        if figures.bytes_over_time.last().is_some_and(|(_, bytes)| *bytes < counts.bytes_down) {
            figures.bytes_over_time.push((since(Instant::now()), counts.bytes_down));
        }
        let both = |usage: Option<Usage>| usage.map(|u| (u.cpu_s, u.memory_bytes)).unzip();
        (figures.server_cpu_s, figures.server_memory_bytes) = both(seen.server);
        (figures.viewer_cpu_s, figures.viewer_memory_bytes) = both(seen.viewer);
        Ok(figures)
    }

    /// What happens on the stage, from the viewer's start to the last picture.
    fn act(
        &self,
        task: &Task<'_>,
        watch: &Watch,
        began: Instant,
        cast: &mut Cast,
        figures: &mut Figures,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), PeerError> {
        let mut display = self.place.far.clone();
        match &self.far {
            Some(Far::Screen(_)) => {}
            Some(Far::Agent(_)) => {
                task.wait("the start of the far display", &self.programs(), || {
                    Ok(Hands::at(&self.place.far).is_ok())
                })?;
                Hands::at(&self.place.far)?.paint_desktop()?;
                cast.far = Some(Eye::open(&self.place.far)?);
            }
            None => {
                Hands::through(self.relay.address(), &self.ground)?.paint_desktop()?;
                display = format!("127.0.0.1:{}.0", port::display_at(self.relay.address()));
            }
        }
        let near = cast.near.take().expect("the near display is watched since before the viewer");
        let desktop = screen::desktop(task.work.size);
        let expected = cast.far.as_ref().map_or(Expected::Picture(&desktop), Expected::Same);
        let firsts = self.settle(task, watch, "the first picture", &near, &expected, Duration::ZERO)?;
        let since = |at: Instant| at.saturating_duration_since(began).as_secs_f64() * 1e3;
        figures.recognisable_ms = firsts.recognisable.map(since);
        figures.exact_ms = firsts.exact.map(since);
        let first = near.last_change().unwrap_or(began).saturating_duration_since(began);
        figures.first_picture_ms = Some(first.as_secs_f64() * 1e3);
        figures.first_picture_bytes = Some(self.relay.counts().bytes_down);
        drop(near);
        progress(&format!("shows the first picture after {} ms", first.as_millis()));

        let far = self.far.as_ref().map(|_| self.place.far.as_str());
        let way = task.setting.peer.way();
        let probe = Probe {
            near: Hands::at(&self.place.near)?,
            far: far.map(Hands::at).transpose()?,
            needs_click: way.needs_click(),
            needs_focus: way.needs_focus(),
            attempt: ANSWER_PATIENCE + task.rest(),
            patience: task.options.patience,
        };
        probe.run(task.middle(), || task.go_on().and_then(|()| watch.check())).map_err(
            |error| match error {
                PeerError::TooLate { what, within, .. } => {
                    PeerError::TooLate { what, within, words: watch.last_words() }
                }
                other => other,
            },
        )?;
        let person =
            Person::at_since(&self.place.near, &self.place.far, cast.far.as_ref().map_or(began, Eye::began))?;
        let person = cast.person.insert(person);
        person.mark(task.work.marks);
        if let (Some(far), Some(clip)) = (&cast.far, task.work.marks.clip) {
            far.tape(clip);
        }
        progress("works");
        let (_, script) = parts(task.work);
        task.work(script, &self.ground, &display, person, &mut cast.work, || watch.died())?;
        progress("comes to rest");
        let expected = cast.far.as_ref().map_or(Expected::Still, Expected::Same);
        self.settle(task, watch, "the last picture", person.eye(), &expected, task.rest())?;
        Ok(())
    }
}

/// What is done before the viewer connects, and afterwards.
fn parts(work: &Work) -> (&[Step], &[Step]) {
    let steps = &work.script.steps;
    let begin = steps.iter().position(|step| matches!(step, Step::Begin));
    steps.split_at(begin.filter(|_| work.connects_late).unwrap_or(0))
}

/// The same script with long pauses in parts, so that it can be stopped within them.
fn with_short_pauses(script: &[Step]) -> Script {
    let mut steps = Vec::with_capacity(script.len());
    for step in script {
        let Step::Pause(time) = step else {
            steps.push(step.clone());
            continue;
        };
        let mut rest = *time;
        while rest > SLICE {
            steps.push(Step::Pause(SLICE));
            rest -= SLICE;
        }
        steps.push(Step::Pause(rest));
    }
    Script { steps }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_in_parts_are_as_long() {
        let script = Script::parse("pause 120ms\ntype \"ab\" every 70ms\npause 2s").unwrap();
        let parts = with_short_pauses(&script.steps);
        assert_eq!(parts.duration(), script.duration());
        assert_eq!(parts.inputs(), script.inputs());
        assert!(parts.steps.iter().all(|s| !matches!(s, Step::Pause(time) if *time > SLICE)));
    }
}
