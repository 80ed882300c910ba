//! What lets one planner plan for several viewers: whether they have the same picture, and
//! how what differs otherwise is forgotten.

use panto_protocol::canvas::{Canvas, Library};

use super::Planner;

impl Planner {
    /// Whether nothing was planned yet and nothing was offered: so all such planners with
    /// equal settings are the same.
    pub fn is_pristine(&self) -> bool {
        self.models.is_none()
            && self.shadow.screen_size().is_empty()
            && self.shadow.windows().is_empty()
            && !self.offered
    }

    /// Whether the viewers of both have the same picture in the same windows. Looks at every
    /// pixel.
    pub fn shows_the_same(&self, other: &Self) -> bool {
        self.settings == other.settings
            && self.windows == other.windows
            && same_pixels(&self.shadow, &other.shadow)
    }

    /// Makes whoever [`Planner::shows_the_same`] alike: forgets models, caches, offers and
    /// experience. The next frame is a fresh one ([`super::Frame::fresh`]); pixels stay.
    pub fn forget(&mut self) {
        self.residual.forget();
        self.offered = false;
        self.models = None;
        self.shadow.forget_caches();
        *self.shadow.library_mut() = Library::default();
        self.fresh = true;
    }

    /// Whether the next frame is a fresh one anyway.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }
}

fn same_pixels(a: &Canvas, b: &Canvas) -> bool {
    a.windows() == b.windows()
        && a.surfaces().count() == b.surfaces().count()
        && a.surfaces().all(|(id, surface)| b.surface(id).is_ok_and(|other| other == surface))
}
