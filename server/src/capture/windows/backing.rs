//! A window's pixels as the X server keeps them: its named pixmap, what was damaged,
//! and its shape.

use std::collections::HashSet;
use std::time::Instant;

use panto_protocol::geometry::{Point, Rect, Region, Size};
use x11rb::connection::{Connection, SequenceNumber};
use x11rb::errors::ReplyError;
use x11rb::protocol::composite::ConnectionExt as _;
use x11rb::protocol::damage::{ConnectionExt as _, Damage, ReportLevel};
use x11rb::protocol::shape::{ConnectionExt as _, SK};
use x11rb::protocol::xproto::{ConnectionExt as _, Pixmap, Rectangle, Setup, Visualid, Window, WindowClass};

use super::super::CaptureError;
use super::super::server::Server;

/// What is held of a window.
#[derive(Debug, Default)]
pub(super) struct Backing {
    /// Its pixels as of the last naming; `None` while it is not mapped.
    pub pixmap: Option<Pixmap>,
    /// Size of the pixmap, border included; kept when the pixmap is gone.
    pub size: Size,
    /// From the pixmap's first pixel to the window's: its border.
    pub border: i32,
    /// Visible pixels of the pixmap; `None` is all.
    pub shape: Option<Region>,
    pub damage: Option<Damage>,
    /// The damage object has something.
    pub damaged: bool,
    /// All pixels are to be read.
    pub whole: bool,
    /// The window was unmapped since its pixels were read.
    pub hidden: bool,
    /// Nothing is read before this.
    pub held: Option<Instant>,
    /// How often in a row its pixmap was refused.
    pub refusals: u32,
}

/// What came of asking for a window's pixmap.
#[derive(Debug)]
pub(super) enum Naming {
    /// It has one, and is so.
    Named(Named),
    /// It shows nothing, ever.
    InputOnly,
    /// Its pixels have another form than the screen's.
    OtherFormat,
    /// It is unmapped by now, or has none.
    Refused,
    /// There is no such window any more.
    Gone,
}

/// A named pixmap and its window.
#[derive(Debug)]
pub(super) struct Named {
    pub pixmap: Pixmap,
    pub damage: Damage,
    /// Request that named it.
    pub sequence: SequenceNumber,
    /// Size of the pixmap.
    pub size: Size,
    /// The window's position with border, its size without, and the border's width.
    pub at: Point,
    pub inner: Size,
    pub border: u16,
    /// Whether window managers leave it alone: menus, tooltips.
    pub override_redirect: bool,
    pub shape: Option<Region>,
}

/// Visuals whose pixels look as those of the screen, but for the top byte.
pub(super) fn visuals(setup: &Setup, screen: usize) -> HashSet<Visualid> {
    let bits = |depth: u8| {
        setup.pixmap_formats.iter().find(|f| f.depth == depth).map(|f| (f.bits_per_pixel, f.scanline_pad))
    };
    let Some(screen) = setup.roots.get(screen) else { return HashSet::new() };
    let all = || screen.allowed_depths.iter().flat_map(|d| d.visuals.iter().map(move |v| (d.depth, v)));
    let Some((_, root)) = all().find(|(_, v)| v.visual_id == screen.root_visual) else {
        return HashSet::new();
    };
    all()
        .filter(|(depth, v)| {
            bits(*depth) == bits(screen.root_depth)
                && (v.red_mask, v.green_mask, v.blue_mask) == (root.red_mask, root.green_mask, root.blue_mask)
        })
        .map(|(_, v)| v.visual_id)
        .collect()
}

/// Names the pixmaps of `windows` (with the damage objects they have, if any) anew, all
/// in one round trip. What damage objects hold is forgotten: all pixels are to be read.
pub(super) fn name(
    server: &Server,
    windows: &[(Window, Option<Damage>)],
    visuals: &HashSet<Visualid>,
) -> Result<Vec<(Window, Naming)>, CaptureError> {
    let conn = &server.conn;
    let mut asked = Vec::with_capacity(windows.len());
    for &(window, damage) in windows {
        let attributes = conn.get_window_attributes(window)?;
        let damage = match damage {
            Some(damage) => {
                conn.damage_subtract(damage, x11rb::NONE, x11rb::NONE)?.ignore_error();
                damage
            }
            None => {
                let damage = conn.generate_id()?;
                conn.damage_create(damage, window, ReportLevel::NON_EMPTY)?.ignore_error();
                damage
            }
        };
        let shape = if server.has_shape {
            conn.shape_select_input(window, true)?.ignore_error();
            // Without a shape the rectangles leave out a part of the border.
            Some((conn.shape_query_extents(window)?, conn.shape_get_rectangles(window, SK::BOUNDING)?))
        } else {
            None
        };
        let pixmap = conn.generate_id()?;
        let naming = conn.composite_name_window_pixmap(window, pixmap)?;
        let sequence = naming.sequence_number();
        naming.ignore_error();
        let inner = conn.get_geometry(window)?;
        let outer = conn.get_geometry(pixmap)?;
        asked.push((window, damage, pixmap, sequence, attributes, shape, inner, outer));
    }
    let mut answers = Vec::with_capacity(asked.len());
    for (window, damage, pixmap, sequence, attributes, shape, inner, outer) in asked {
        let attributes = known(attributes.reply())?;
        let rects = match shape {
            Some((extents, shape)) => {
                let shaped = known(extents.reply())?.is_some_and(|e| e.bounding_shaped);
                known(shape.reply())?.filter(|_| shaped).map(|s| s.rectangles)
            }
            None => None,
        };
        let (inner, outer) = (known(inner.reply())?, known(outer.reply())?);
        let answer = match (attributes, inner, outer) {
            (Some(attributes), ..) if attributes.class == WindowClass::INPUT_ONLY => Naming::InputOnly,
            (Some(attributes), ..) if !visuals.contains(&attributes.visual) => Naming::OtherFormat,
            (Some(attributes), Some(inner), Some(outer)) => {
                let size = Size::new(outer.width.into(), outer.height.into());
                let shape = rects.map(|rects| region(&rects, inner.border_width.into(), size));
                let whole = Rect::of_size(size);
                Naming::Named(Named {
                    pixmap,
                    damage,
                    sequence,
                    size,
                    at: Point::new(inner.x.into(), inner.y.into()),
                    inner: Size::new(inner.width.into(), inner.height.into()),
                    border: inner.border_width,
                    override_redirect: attributes.override_redirect,
                    shape: shape.filter(|shape| !shape.contains_rect(&whole)),
                })
            }
            (Some(_), Some(_), None) => Naming::Refused,
            _ => Naming::Gone,
        };
        if !matches!(answer, Naming::Named(_)) {
            conn.damage_destroy(damage)?.ignore_error();
            conn.free_pixmap(pixmap)?.ignore_error();
        }
        answers.push((window, answer));
    }
    Ok(answers)
}

/// Rectangles in a window's coordinates as a region of its pixmap.
fn region(rects: &[Rectangle], border: i32, size: Size) -> Region {
    let all = Rect::of_size(size);
    let rects = rects
        .iter()
        .map(|r| Rect::new(r.x.into(), r.y.into(), r.width.into(), r.height.into()).offset(border, border));
    rects.map(|r| r.intersection(&all)).collect()
}

/// An answer, if what was asked about is still there.
pub(super) fn known<T>(reply: Result<T, ReplyError>) -> Result<Option<T>, CaptureError> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Backing {
    /// Whether there is something to be read now.
    pub(super) fn is_due(&self) -> bool {
        (self.damaged || self.whole) && self.held.is_none_or(|at| at <= Instant::now())
    }

    /// Takes over what was named.
    pub(super) fn take(&mut self, server: &Server, named: &Named) -> Result<(), CaptureError> {
        self.release_pixmap(server)?;
        self.pixmap = Some(named.pixmap);
        self.size = named.size;
        self.border = named.border.into();
        self.shape.clone_from(&named.shape);
        self.damage = Some(named.damage);
        self.damaged = false;
        self.whole = true;
        self.refusals = 0;
        Ok(())
    }

    /// Gives the pixmap back to the server; size and shape stay.
    pub(super) fn release_pixmap(&mut self, server: &Server) -> Result<(), CaptureError> {
        if let Some(pixmap) = self.pixmap.take() {
            server.conn.free_pixmap(pixmap)?.ignore_error();
        }
        Ok(())
    }

    /// Gives everything back to the server and hears nothing of the window any more.
    pub(super) fn release(&mut self, server: &Server, window: Window) -> Result<(), CaptureError> {
        self.release_pixmap(server)?;
        if let Some(damage) = self.damage.take() {
            // All of these fail where the window is gone.
            server.conn.damage_destroy(damage)?.ignore_error();
            if server.has_shape {
                server.conn.shape_select_input(window, false)?.ignore_error();
            }
        }
        self.damaged = false;
        self.hidden = false;
        Ok(())
    }
}
