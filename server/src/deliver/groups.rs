//! Who shares a planner with whom.
//!
//! ```text
//!   newcomer ─► alone ◄──────── too far behind, other settings, a refresh
//!                 │                               ▲
//!                 └── same settings, same picture ─► together: one plan for all
//! ```
//!
//! Viewers of one group are sent the same frames, each when its own link takes them; whoever
//! has been sent all of them plans the next. A viewer that falls behind goes on with a clone
//! of the planner, so that nobody waits for it and it is sent nothing that is out of date.
//! Groups with the same settings whose pictures have become the same are joined; what their
//! viewers have learned on different ways is forgotten ([`Planner::forget`]).
//!
//! Locks: the scene's first, then the one in here. Nobody needs to be told of a frame that
//! another viewer has planned: whatever makes a planner due (a change of the scene, something
//! left over) makes it due for all, so all are awake or will be by their own pacers.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use panto_protocol::canvas::{Digest, PaintError};
use panto_protocol::message::Settings;
use panto_protocol::time::Micros;

use super::group::{Group, PlannedFrame};
use crate::plan::{Budget, Planner, Scratch};
use crate::scene::Scene;

/// A newcomer is alone for so long: until its first picture is whole and its link known.
const ALONE: Micros = Micros::from_millis(1_000);

/// A group is made to forget what it has learned no more often than that.
const TOGETHER: Micros = Micros::from_millis(4_000);

/// The longest that a viewer which keeps falling behind is left alone; each time twice as long.
const LEFT_ALONE: Micros = Micros::from_millis(600_000);

/// All viewers of a scene, in groups that share a planner each.
#[derive(Default)]
pub struct Groups {
    state: Mutex<State>,
    /// Pictures that were taken of the scene so far, by all groups.
    pictures: AtomicU64,
}

/// How much is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sharing {
    /// Viewers.
    pub members: usize,
    /// Planners, each with one shadow.
    pub planners: usize,
    /// Frames planned so far.
    pub planned: u64,
    /// Times that a viewer fell behind and left its group.
    pub expelled: u64,
    /// Times that a group became part of another.
    pub joined: u64,
}

impl Groups {
    /// How much is shared now.
    pub fn sharing(&self) -> Sharing {
        let state = self.lock();
        Sharing { members: state.members.len(), planners: state.groups.len(), ..state.sharing }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while planning leaves a shadow that its digest will prove wrong.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Pictures taken so far: an input that arrives now is in none of them.
    pub(super) fn pictures(&self) -> u64 {
        self.pictures.load(Ordering::Acquire)
    }

    /// A picture is being taken now; its number.
    pub(super) fn take_picture(&self) -> u64 {
        self.pictures.fetch_add(1, Ordering::AcqRel) + 1
    }
}

/// A place among the viewers, until it is dropped.
pub(super) struct Membership {
    groups: Arc<Groups>,
    id: u64,
}

impl Membership {
    /// A place for a viewer whose canvas is the planner's shadow. It begins alone, but for
    /// others who have nothing either.
    pub(super) fn new(groups: Arc<Groups>, planner: Planner, now: Micros) -> Self {
        let id = groups.lock().join(planner, now);
        Self { groups, id }
    }

    pub(super) fn groups(&self) -> &Arc<Groups> {
        &self.groups
    }

    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn planner(&self) -> PlannerRef<'_> {
        PlannerRef { state: self.groups.lock(), id: self.id }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.groups.lock().leave(self.id);
    }
}

/// A viewer's planner; the others wait while it is looked at.
pub struct PlannerRef<'a> {
    state: MutexGuard<'a, State>,
    id: u64,
}

impl Deref for PlannerRef<'_> {
    type Target = Planner;

    fn deref(&self) -> &Planner {
        &self.state.group(self.id).planner
    }
}

/// One viewer.
struct Member {
    group: u64,
    /// Number of the frame that it is sent next.
    next: u64,
    /// What a frame for it may hold now.
    budget: Option<Budget>,
    /// Whether its link keeps it from being sent what there is.
    held: bool,
    /// Whether learning again costs its link no time that a person notices.
    fast: bool,
    /// For how long it is left alone when it falls behind.
    patience: Micros,
}

#[derive(Default)]
pub(super) struct State {
    groups: BTreeMap<u64, Group>,
    /// Invariant: each one's group is in `groups`, and no group is without members.
    members: BTreeMap<u64, Member>,
    next_id: u64,
    sharing: Sharing,
    /// For whichever group plans.
    scratch: Scratch,
}

impl State {
    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn join(&mut self, planner: Planner, now: Micros) -> u64 {
        let settings = planner.settings();
        let alike = |group: &Group| group.planner.is_pristine() && group.planner.settings() == settings;
        let pristine = planner.is_pristine();
        let known = self.groups.iter().find(|(_, group)| pristine && alike(group)).map(|(&id, _)| id);
        let group = known.unwrap_or_else(|| {
            let id = self.new_id();
            self.groups.insert(id, Group::new(planner, now + ALONE));
            id
        });
        let next = self.groups[&group].end();
        let member = Member { group, next, budget: None, held: false, fast: false, patience: TOGETHER };
        let id = self.new_id();
        self.members.insert(id, member);
        id
    }

    fn leave(&mut self, id: u64) {
        if let Some(member) = self.members.remove(&id) {
            self.tidy(member.group);
        }
    }

    fn member(&mut self, id: u64) -> &mut Member {
        self.members.get_mut(&id).expect("a place is kept until it is dropped")
    }

    fn members_of(&self, group: u64) -> impl Iterator<Item = (u64, &Member)> {
        self.members.iter().filter(move |(_, member)| member.group == group).map(|(&id, member)| (id, member))
    }

    pub(super) fn group(&self, id: u64) -> &Group {
        &self.groups[&self.members[&id].group]
    }

    pub(super) fn group_mut(&mut self, id: u64) -> &mut Group {
        let group = self.members[&id].group;
        self.groups.get_mut(&group).expect("every member has a group")
    }

    /// Forgets frames that everyone was sent, and the group if it is left.
    fn tidy(&mut self, group: u64) {
        match self.members_of(group).map(|(_, member)| member.next).min() {
            Some(next) => self.groups.get_mut(&group).expect("every member has a group").trim(next),
            None => {
                self.groups.remove(&group);
                self.scratch.tidy(self.groups.values().map(|group| &group.planner));
            }
        }
    }

    pub(super) fn settings(&self, id: u64) -> Settings {
        self.group(id).planner.settings()
    }

    /// What is known of a member's link now.
    pub(super) fn note(&mut self, id: u64, budget: Budget, fast: bool) {
        let member = self.member(id);
        (member.budget, member.fast) = (Some(budget), fast);
    }

    /// Whether a member's link keeps it from being sent what there is.
    pub(super) fn hold(&mut self, id: u64, held: bool) {
        self.member(id).held = held;
    }

    /// Whether there are frames that a member was not sent yet.
    pub(super) fn is_behind(&self, id: u64) -> bool {
        self.group(id).get(self.members[&id].next).is_some()
    }

    /// Whether the scene changed since the last frame.
    pub(super) fn has_news(&self, id: u64, scene: &Scene) -> bool {
        self.group(id).planner.has_news(scene)
    }

    /// Until when there is nothing to be sent, though the viewer does not have all.
    pub(super) fn waits_until(&self, id: u64, scene: &Scene) -> Option<Micros> {
        self.group(id).planner.waits_until(scene).filter(|_| !self.is_behind(id))
    }

    /// Whether a member lacks anything.
    pub(super) fn is_due(&self, id: u64, scene: &Scene) -> bool {
        self.is_behind(id) || self.group(id).is_due(scene)
    }

    /// The next frame for a member, which it is sent now.
    pub(super) fn take(&mut self, id: u64) -> Option<Arc<PlannedFrame>> {
        let planned = Arc::clone(self.group(id).get(self.members[&id].next)?);
        self.member(id).next += 1;
        self.tidy(self.members[&id].group);
        Some(planned)
    }

    /// Plans a frame for a member that has been sent all others, and for its group.
    ///
    /// # Errors
    ///
    /// Those of [`Planner::plan`]: the viewer must be given up.
    pub(super) fn plan(
        &mut self,
        id: u64,
        scene: &mut Scene,
        picture: u64,
        now: Micros,
    ) -> Result<(), PaintError> {
        self.expel(self.members[&id].group, now);
        let Some(budget) = self.budget(id) else { return Ok(()) };
        let group = self.members[&id].group;
        let group = self.groups.get_mut(&group).expect("every member has a group");
        let before = group.end();
        group.plan(&mut self.scratch, scene, budget, picture, now)?;
        self.sharing.planned += group.end() - before;
        // Its settings may be others now.
        self.scratch.tidy(self.groups.values().map(|group| &group.planner));
        Ok(())
    }

    /// What a frame may hold that is for all who are in step: the least of each.
    fn budget(&self, id: u64) -> Option<Budget> {
        let member = &self.members[&id];
        let end = self.group(id).end();
        let in_step = self.members_of(member.group).filter(|(_, m)| !m.held && m.next == end);
        in_step.filter_map(|(_, m)| m.budget).fold(member.budget, |least, other| {
            least.map(|least| Budget {
                bytes: least.bytes.min(other.bytes),
                rate: least.rate.min(other.rate),
                ..least
            })
        })
    }

    /// Whoever is too far behind goes on without the group: all of them together.
    fn expel(&mut self, group: u64, now: Micros) {
        let from = &self.groups[&group];
        let end = from.end();
        let behind: Vec<u64> = self
            .members_of(group)
            .filter(|(_, m)| m.next < end && from.is_too_far_behind(m.next, m.held, now))
            .map(|(id, _)| id)
            .collect();
        for id in &behind {
            let member = self.member(*id);
            member.patience = Micros((2 * member.patience.0).min(LEFT_ALONE.0));
        }
        let patience = behind.iter().map(|id| self.members[id].patience).max().unwrap_or_default();
        self.sharing.expelled += behind.len() as u64;
        self.part(group, &behind, now + patience);
    }

    /// Members of a group get one of their own, with a clone of the planner.
    fn part(&mut self, group: u64, members: &[u64], ripe: Micros) {
        let Some(next) = members.iter().map(|id| self.members[id].next).min() else { return };
        let fork = self.groups[&group].fork(next, ripe);
        let id = self.new_id();
        self.groups.insert(id, fork);
        for member in members {
            self.member(*member).group = id;
        }
        self.tidy(group);
    }

    /// Leaves a member alone with its planner, which may be changed then.
    pub(super) fn alone(&mut self, id: u64) -> &mut Planner {
        let (group, next) = (self.members[&id].group, self.members[&id].next);
        if self.members_of(group).nth(1).is_some() {
            let ripe = self.groups[&group].ripe;
            self.part(group, &[id], ripe);
            debug_assert!(next <= self.group(id).end());
        }
        &mut self.group_mut(id).planner
    }

    /// Digest of what a member shows when it has painted all; `None` while it lacks anything.
    pub(super) fn digest(&mut self, id: u64) -> Option<Digest> {
        let behind = self.is_behind(id);
        let group = self.group_mut(id);
        (!behind && group.planner.is_settled()).then(|| group.digest())
    }

    /// Joins the member's group with others that have come to the same picture, if that is
    /// worth it. Otherwise, when to look again.
    pub(super) fn merge(&mut self, id: u64, scene: &Scene, now: Micros) -> Option<Micros> {
        let own = self.members[&id].group;
        let settings = self.settings(id);
        let alike = |group: &Group| group.planner.settings() == settings;
        // Mostly there is no other.
        self.groups.values().filter(|group| alike(group)).nth(1)?;
        let later = self.groups.values().filter(|group| alike(group)).map(|group| group.ripe);
        let later = later.filter(|ripe| now < *ripe).min();
        if !self.may_merge(own, scene, now) {
            return later;
        }
        let planner = &self.groups[&own].planner;
        let mut same: Vec<u64> = vec![own];
        for (&other, group) in &self.groups {
            let may = other != own && alike(group) && self.may_merge(other, scene, now);
            if may && group.planner.shows_the_same(planner) {
                same.push(other);
            }
        }
        // The largest stays; those that still wait for frames of their own do as well.
        let Some(&stays) = same.iter().max_by_key(|group| self.members_of(**group).count()) else {
            return later;
        };
        same.retain(|group| *group != stays && self.groups[group].is_sent());
        if same.is_empty() {
            return later;
        }
        let kept = self.groups.get_mut(&stays).expect("one of the groups");
        kept.planner.forget();
        kept.ripe = now + TOGETHER;
        let next = kept.end();
        for member in self.members.values_mut().filter(|member| same.contains(&member.group)) {
            (member.group, member.next) = (stays, next);
        }
        self.sharing.joined += same.len() as u64;
        for group in same {
            self.groups.remove(&group);
        }
        later
    }

    /// Whether a group's viewers have all of the scene, and links for which learning again is
    /// nothing. One that is about to do that anyway need not wait.
    fn may_merge(&self, id: u64, scene: &Scene, now: Micros) -> bool {
        let group = &self.groups[&id];
        (group.ripe <= now || group.planner.is_fresh())
            && !group.is_due(scene)
            && self.members_of(id).all(|(_, member)| member.fast)
    }
}
