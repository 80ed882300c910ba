//! Surfaces and windows as the scene has them, and the fewest commands that bring
//! them to what is wanted. Knows no connection.

use panto_protocol::draw::{
    DrawCommand, SurfaceCreate, SurfaceDestroy, SurfaceId, SurfaceResize, WindowCreate, WindowDestroy,
    WindowId, WindowMap, WindowMove, WindowStack,
};
use panto_protocol::geometry::{Point, Size};
use x11rb::protocol::xproto::Window;

/// How a window shall be in the scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub window: Window,
    pub position: Point,
    pub size: Size,
    pub alpha: bool,
    pub mapped: bool,
}

/// The scene's windows, each with a surface of the same number.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// From the lowest to the highest.
    have: Vec<(u32, Wanted)>,
}

impl Layout {
    /// The surface of a window.
    pub(super) fn surface(&self, window: Window) -> Option<SurfaceId> {
        self.get(window).map(|(id, _)| SurfaceId(*id))
    }

    /// Where the scene has a window.
    pub(super) fn position(&self, window: Window) -> Option<Point> {
        self.get(window).map(|(_, have)| have.position)
    }

    fn get(&self, window: Window) -> Option<&(u32, Wanted)> {
        self.have.iter().find(|(_, have)| have.window == window)
    }

    /// Commands that make the scene's windows those of `wanted`, in stacking order from
    /// the lowest. One that only moved costs one command, as does one that was raised.
    pub(super) fn bring(&mut self, wanted: &[Wanted]) -> Vec<DrawCommand> {
        let mut commands = Vec::new();
        // Numbers are given out anew from the next time on, so that none changes its
        // meaning among these commands.
        let mut used: Vec<u32> = self.have.iter().map(|(id, _)| *id).collect();
        self.have.retain(|(id, have)| {
            let stays = wanted.iter().any(|w| w.window == have.window && w.alpha == have.alpha);
            if !stays {
                commands.push(WindowDestroy { id: WindowId(*id) }.into());
                commands.push(SurfaceDestroy { id: SurfaceId(*id) }.into());
            }
            stays
        });
        for want in wanted {
            if self.get(want.window).is_none() {
                let id = (1..).find(|id| !used.contains(id)).unwrap_or(u32::MAX);
                used.push(id);
                let (surface, window) = (SurfaceId(id), WindowId(id));
                commands.push(SurfaceCreate { id: surface, size: want.size, alpha: want.alpha }.into());
                commands.push(WindowCreate { id: window, surface, position: want.position }.into());
                self.have.push((id, Wanted { mapped: false, ..want.clone() }));
            }
        }
        self.stack(wanted, &mut commands);
        for ((id, have), want) in self.have.iter_mut().zip(wanted) {
            if have.size != want.size {
                commands.push(SurfaceResize { id: SurfaceId(*id), size: want.size }.into());
            }
            if have.position != want.position {
                commands.push(WindowMove { id: WindowId(*id), position: want.position }.into());
            }
            if have.mapped != want.mapped {
                commands.push(WindowMap { id: WindowId(*id), mapped: want.mapped }.into());
            }
            *have = want.clone();
        }
        commands
    }

    /// Brings the same windows into the wanted order by moving as few as possible: those
    /// of a longest run that is in order already stay.
    fn stack(&mut self, wanted: &[Wanted], commands: &mut Vec<DrawCommand>) {
        let place = |window: Window| wanted.iter().position(|w| w.window == window).unwrap_or(usize::MAX);
        let order: Vec<usize> = self.have.iter().map(|(_, have)| place(have.window)).collect();
        let stay = longest_rising(&order);
        for (index, want) in wanted.iter().enumerate() {
            if stay.contains(&index) {
                continue;
            }
            let Some(from) = self.have.iter().position(|(_, have)| have.window == want.window) else {
                continue;
            };
            let moved = self.have.remove(from);
            // Above the one that is below it in the end; all below are in place by now.
            let below = index.checked_sub(1).map(|i| wanted[i].window);
            let to = below
                .and_then(|below| self.have.iter().position(|(_, have)| have.window == below))
                .map_or(0, |i| i + 1);
            commands.push(WindowStack { id: WindowId(moved.0), index: to as u32 }.into());
            self.have.insert(to, moved);
        }
    }
}

/// The values of a longest rising subsequence.
fn longest_rising(values: &[usize]) -> Vec<usize> {
    // `ends[n]` is where a run of n + 1 values ends, with the smallest value possible.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(values.len());
    for (i, value) in values.iter().enumerate() {
        let n = ends.partition_point(|&end| values[end] < *value);
        before.push(n.checked_sub(1).map(|n| ends[n]));
        match ends.get_mut(n) {
            Some(end) => *end = i,
            None => ends.push(i),
        }
    }
    let mut run = Vec::new();
    let mut at = ends.last().copied();
    while let Some(i) = at {
        run.push(values[i]);
        at = before[i];
    }
    run
}

#[cfg(test)]
mod tests {
    use panto_protocol::canvas::Canvas;
    use panto_protocol::geometry::Size;

    use super::*;

    fn wanted(window: Window) -> Wanted {
        let position = Point::new(window as i32 * 10, 0);
        Wanted { window, position, size: Size::new(8, 8), alpha: false, mapped: true }
    }

    /// Brings the layout to `wanted` and paints the commands; how many there were.
    fn check(layout: &mut Layout, canvas: &mut Canvas, wanted: &[Wanted]) -> usize {
        let commands = layout.bring(wanted);
        for command in &commands {
            canvas.apply(command).unwrap();
        }
        assert_eq!(canvas.windows().len(), wanted.len());
        for (have, want) in canvas.windows().iter().zip(wanted) {
            let surface = canvas.surface(have.surface).unwrap();
            assert_eq!(layout.surface(want.window), Some(have.surface));
            assert_eq!(layout.position(want.window), Some(have.position));
            let now = (have.position, have.mapped, surface.picture.size(), surface.alpha);
            assert_eq!(now, (want.position, want.mapped, want.size, want.alpha));
        }
        assert_eq!(canvas.surfaces().count(), 1 + wanted.len());
        commands.len()
    }

    #[test]
    fn few_commands_for_what_people_do() {
        let (mut layout, mut canvas) = (Layout::default(), Canvas::new());
        let mut windows: Vec<Wanted> = (1..=6).map(wanted).collect();
        check(&mut layout, &mut canvas, &windows);
        assert_eq!(check(&mut layout, &mut canvas, &windows), 0);
        windows[2].position.x += 1;
        assert_eq!(check(&mut layout, &mut canvas, &windows), 1);
        windows.rotate_left(1);
        assert_eq!(check(&mut layout, &mut canvas, &windows), 1, "raised");
        windows.rotate_right(1);
        assert_eq!(check(&mut layout, &mut canvas, &windows), 1, "lowered");
        windows.swap(1, 4);
        assert_eq!(check(&mut layout, &mut canvas, &windows), 2, "two changed places");
        windows[3].mapped = false;
        assert_eq!(check(&mut layout, &mut canvas, &windows), 1);
        windows[3].size = Size::new(9, 9);
        assert_eq!(check(&mut layout, &mut canvas, &windows), 1);
        windows.remove(3);
        assert_eq!(check(&mut layout, &mut canvas, &windows), 2);
        windows.reverse();
        assert_eq!(check(&mut layout, &mut canvas, &windows), windows.len() - 1);
        assert_eq!(check(&mut layout, &mut canvas, &[]), 2 * windows.len());
    }

    #[test]
    fn numbers_are_small_and_used_again_later() {
        let (mut layout, mut canvas) = (Layout::default(), Canvas::new());
        check(&mut layout, &mut canvas, &[wanted(1), wanted(2)]);
        // Not the number of the one that goes with the same commands.
        check(&mut layout, &mut canvas, &[wanted(1), wanted(3)]);
        assert_eq!(layout.surface(3), Some(SurfaceId(3)));
        check(&mut layout, &mut canvas, &[wanted(1), wanted(3), wanted(4)]);
        assert_eq!(layout.surface(4), Some(SurfaceId(2)));
        // A window that gets a shape gets a surface of another kind.
        check(&mut layout, &mut canvas, &[Wanted { alpha: true, ..wanted(1) }, wanted(3), wanted(4)]);
        assert_eq!(layout.surface(1), Some(SurfaceId(4)));
    }
}
