//! Waiting until the near display shows what it shall, and when it first nearly did.

use std::time::{Duration, Instant};

use panto_protocol::pixel::Picture;

use crate::person::Eye;
use crate::quality::{RECOGNISABLE_DB, psnr_rgb};

use super::PeerError;
use super::stage::Stage;
use super::task::{SLICE, Task};
use super::watch::Watch;

/// Two displays that rest and still differ after this time will differ for good.
const RESIGNED: Duration = Duration::from_secs(5);

/// What a display shall show.
pub(super) enum Expected<'a> {
    /// What this one shows.
    Same(&'a Eye),
    Picture(&'a Picture),
    /// Anything that rests, while no bytes come.
    Still,
}

/// When a picture was first like another one.
#[derive(Debug, Default)]
pub(super) struct Firsts {
    pub recognisable: Option<Instant>,
    pub exact: Option<Instant>,
    /// Since when the picture is there that was looked at last.
    looked: Option<Instant>,
}

impl Firsts {
    /// Looks at a picture that is there since `at`; `true` if it is the same as `target`.
    fn look(&mut self, picture: &Picture, target: &Picture, at: Option<Instant>) -> bool {
        let same = picture == target;
        let since = at.unwrap_or_else(Instant::now);
        if same {
            self.exact.get_or_insert(since);
        }
        // Each picture once: it takes some milliseconds.
        if self.recognisable.is_none() && (self.looked != Some(since) || same) {
            self.looked = Some(since);
            let db = psnr_rgb(picture.view(), target.view());
            self.recognisable = db.is_some_and(|db| db >= RECOGNISABLE_DB).then_some(since);
        }
        same
    }
}

impl Stage {
    /// Waits until the near display shows what it shall, and has done so for `rest`. Where
    /// there is a `rest`, or the setting is lossy, it may also come to show something else for good.
    pub(super) fn settle(
        &self,
        task: &Task<'_>,
        watch: &Watch,
        what: &'static str,
        near: &Eye,
        expected: &Expected<'_>,
        rest: Duration,
    ) -> Result<Firsts, PeerError> {
        let within = task.options.patience;
        let began = Instant::now();
        let mut firsts = Firsts::default();
        let mut bytes = (began, self.relay.counts().bytes_down);
        while began.elapsed() < within {
            task.go_on()?;
            watch.check()?;
            let mut changes = vec![near.last_change()];
            let agrees = match expected {
                Expected::Same(far) => {
                    let target = far.picture();
                    let agrees = near.wait_for(SLICE, |picture, at| firsts.look(picture, &target, at));
                    changes = vec![near.last_change(), far.last_change()];
                    agrees
                }
                Expected::Picture(target) => {
                    near.wait_for(SLICE, |picture, at| firsts.look(picture, target, at))
                }
                Expected::Still => {
                    let now = self.relay.counts().bytes_down;
                    if now != bytes.1 {
                        bytes = (Instant::now(), now);
                    }
                    changes.push(Some(bytes.0));
                    true
                }
            };
            // Not what was still before this began: the last input may just have been made.
            let since = changes.into_iter().flatten().fold(began, Instant::max);
            let may_differ = !rest.is_zero() || !task.setting.is_lossless() && near.last_change().is_some();
            let resigned = may_differ && since.elapsed() >= rest + RESIGNED;
            if agrees && since.elapsed() >= rest || resigned {
                return Ok(firsts);
            }
            if agrees {
                std::thread::sleep(rest.saturating_sub(since.elapsed()).min(SLICE));
            }
        }
        let words = match expected {
            Expected::Same(far) => different(&near.picture(), &far.picture()),
            Expected::Picture(target) => different(&near.picture(), target),
            Expected::Still => String::new(),
        };
        Err(PeerError::TooLate { what, within, words: words + &watch.last_words() })
    }
}

/// How far two pictures are from being the same, as a part of a sentence.
fn different(near: &Picture, far: &Picture) -> String {
    if near.size() != far.size() {
        return format!(
            "; the near display has {}x{} pixels, the far one {}x{}",
            near.size().width,
            near.size().height,
            far.size().width,
            far.size().height
        );
    }
    let pixels = near.data().iter().zip(far.data()).filter(|(a, b)| a != b).count();
    format!("; {pixels} of {} pixels differ", near.data().len())
}
