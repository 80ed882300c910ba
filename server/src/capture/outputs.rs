//! RANDR: which monitors there are, and other screen sizes.

use panto_protocol::geometry::{Rect, Size};
use x11rb::connection::Connection;
use x11rb::connection::RequestConnection;
use x11rb::errors::ReplyError;
use x11rb::protocol::randr::{self, ConnectionExt as _, ModeFlag, ModeInfo, SetConfig};
use x11rb::protocol::xproto::{ConnectionExt as _, Window};
use x11rb::rust_connection::RustConnection;

use super::CaptureError;

/// Modes that we made are named so, followed by their size.
const MODE_PREFIX: &str = "panto-";

/// The root window's size now (that in the connection setup is as old as the connection).
pub(super) fn screen_size(conn: &RustConnection, root: Window) -> Result<Size, CaptureError> {
    let geometry = conn.get_geometry(root)?.reply()?;
    Ok(Size::new(geometry.width.into(), geometry.height.into()))
}

/// The active monitors, clipped to the screen; the whole screen where RANDR is
/// missing, older than 1.5 or knows none.
pub(super) fn monitors(conn: &RustConnection, root: Window, screen: Size) -> Result<Vec<Rect>, CaptureError> {
    let bounds = Rect::of_size(screen);
    let whole = vec![bounds];
    if version(conn)? < (1, 5) {
        return Ok(whole);
    }
    let reply = match conn.randr_get_monitors(root, true)?.reply() {
        Ok(reply) => reply,
        Err(ReplyError::X11Error(_)) => return Ok(whole),
        Err(error) => return Err(error.into()),
    };
    let rects: Vec<Rect> = reply
        .monitors
        .iter()
        .map(|m| Rect::new(m.x.into(), m.y.into(), m.width.into(), m.height.into()).intersection(&bounds))
        .filter(|r| !r.is_empty())
        .collect();
    Ok(if rects.is_empty() { whole } else { rects })
}

/// The server's RANDR version, (0, 0) where there is none.
pub(super) fn version(conn: &RustConnection) -> Result<(u32, u32), CaptureError> {
    if conn.extension_information(randr::X11_EXTENSION_NAME)?.is_none() {
        return Ok((0, 0));
    }
    let version = conn.randr_query_version(1, 5)?.reply()?;
    Ok((version.major_version, version.minor_version))
}

/// The one output whose mode decides the screen's size.
struct Target {
    resources: randr::GetScreenResourcesCurrentReply,
    output: randr::Output,
    info: randr::GetOutputInfoReply,
    crtc: randr::Crtc,
    smallest: Size,
    largest: Size,
}

fn target(conn: &RustConnection, root: Window) -> Result<Target, CaptureError> {
    let no = |why| CaptureError::Resize { why };
    if version(conn)? < (1, 3) {
        return Err(no("the X server has no RANDR 1.3"));
    }
    let range = conn.randr_get_screen_size_range(root)?.reply()?;
    let resources = conn.randr_get_screen_resources_current(root)?.reply()?;
    let mut found = None;
    for &output in &resources.outputs {
        let info = conn.randr_get_output_info(output, resources.config_timestamp)?.reply()?;
        if info.connection != randr::Connection::CONNECTED {
            continue;
        }
        let crtc = if info.crtc != 0 { info.crtc } else { info.crtcs.first().copied().unwrap_or(0) };
        if crtc == 0 {
            continue;
        }
        if found.is_some() {
            // Rearranging somebody's several monitors is not ours to do.
            return Err(no("it spans several monitors"));
        }
        found = Some((output, info, crtc));
    }
    let (output, info, crtc) = found.ok_or(no("no output is connected"))?;
    Ok(Target {
        resources,
        output,
        info,
        crtc,
        smallest: Size::new(range.min_width.into(), range.min_height.into()),
        largest: Size::new(range.max_width.into(), range.max_height.into()),
    })
}

/// Whether [`request_size`] has a chance.
pub(super) fn can_resize(conn: &RustConnection, root: Window) -> Result<bool, CaptureError> {
    match target(conn, root) {
        Ok(target) => Ok(target.smallest != target.largest),
        Err(CaptureError::Resize { .. } | CaptureError::Request { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives the screen the size `wanted`, clamped to what the server allows (Xvfb:
/// up to its initial `-screen`), making a mode for it where there is none. Where
/// the server takes no new mode (real monitors), the largest existing one inside
/// `wanted` is used. Returns the size that the screen has afterwards.
pub fn request_size(conn: &RustConnection, root: Window, wanted: Size) -> Result<Size, CaptureError> {
    let target = target(conn, root)?;
    let clamp = |v: u32, min: u32, max: u32| v.max(min.max(1)).min(max.max(1)).min(u16::MAX.into());
    let wanted = Size::new(
        clamp(wanted.width, target.smallest.width, target.largest.width),
        clamp(wanted.height, target.smallest.height, target.largest.height),
    );
    if wanted == screen_size(conn, root)? {
        return Ok(wanted);
    }
    let (mode, size) = match ready_mode(conn, root, &target, wanted) {
        Ok(mode) => (mode, wanted),
        Err(CaptureError::Request { .. }) => existing_inside(&target, wanted)
            .ok_or(CaptureError::Resize { why: "the server takes no new mode and has none that fits" })?,
        Err(error) => return Err(error),
    };
    conn.grab_server()?;
    let switched = switch(conn, root, &target, mode, size);
    conn.ungrab_server()?;
    conn.flush()?;
    switched?;
    discard_unused(conn, &target, mode)?;
    screen_size(conn, root)
}

/// A mode of exactly `size` that the output may use.
fn ready_mode(conn: &RustConnection, root: Window, target: &Target, size: Size) -> Result<u32, CaptureError> {
    let fits = |mode: &&ModeInfo| Size::new(mode.width.into(), mode.height.into()) == size;
    if let Some(mode) = target.resources.modes.iter().filter(fits).find(|m| target.info.modes.contains(&m.id))
    {
        return Ok(mode.id);
    }
    if let Some(mode) = target.resources.modes.iter().find(fits) {
        conn.randr_add_output_mode(target.output, mode.id)?.check()?;
        return Ok(mode.id);
    }
    let name = format!("{MODE_PREFIX}{}x{}", size.width, size.height);
    let (width, height) = (size.width as u16, size.height as u16);
    // Only servers without a monitor take made-up modes, and those have no use for
    // timing. These numbers give 60 Hz without any blanking.
    let info = ModeInfo {
        width,
        height,
        dot_clock: size.width.saturating_mul(size.height).saturating_mul(60),
        hsync_start: width,
        hsync_end: width,
        htotal: width,
        vsync_start: height,
        vsync_end: height,
        vtotal: height,
        name_len: name.len() as u16,
        mode_flags: ModeFlag::from(0u32),
        ..ModeInfo::default()
    };
    let mode = conn.randr_create_mode(root, info, name.as_bytes())?.reply()?.mode;
    if let Err(error) = conn.randr_add_output_mode(target.output, mode)?.check() {
        conn.randr_destroy_mode(mode)?.ignore_error();
        return Err(error.into());
    }
    Ok(mode)
}

fn existing_inside(target: &Target, wanted: Size) -> Option<(u32, Size)> {
    target
        .resources
        .modes
        .iter()
        .filter(|mode| target.info.modes.contains(&mode.id))
        .map(|mode| (mode.id, Size::new(mode.width.into(), mode.height.into())))
        .filter(|(_, size)| size.width <= wanted.width && size.height <= wanted.height)
        .max_by_key(|(_, size)| size.area())
}

/// Switches the CRTC off, changes the screen and switches it on again: a CRTC
/// may at no time reach beyond the screen.
fn switch(
    conn: &RustConnection,
    root: Window,
    target: &Target,
    mode: u32,
    size: Size,
) -> Result<(), CaptureError> {
    let set = |mode: u32, outputs: &[randr::Output]| -> Result<SetConfig, CaptureError> {
        let reply = conn.randr_set_crtc_config(
            target.crtc,
            x11rb::CURRENT_TIME,
            target.resources.config_timestamp,
            0,
            0,
            mode,
            randr::Rotation::ROTATE0,
            outputs,
        )?;
        Ok(reply.reply()?.status)
    };
    let before = screen_size(conn, root)?;
    let old_mode = conn.randr_get_crtc_info(target.crtc, target.resources.config_timestamp)?.reply()?.mode;
    // 96 dots per inch, as most desktops assume: mm = pixels * 25.4 / 96.
    let mm = |pixels: u32| (pixels * 254 + 480) / 960;
    let resize = |size: Size| -> Result<(), CaptureError> {
        let (width, height) = (size.width as u16, size.height as u16);
        Ok(conn.randr_set_screen_size(root, width, height, mm(size.width), mm(size.height))?.check()?)
    };
    let attempt = || -> Result<(), CaptureError> {
        set(0, &[])?;
        resize(size)?;
        match set(mode, &[target.output])? {
            SetConfig::SUCCESS => Ok(()),
            _ => Err(CaptureError::Resize { why: "the server refused the new mode" }),
        }
    };
    attempt().inspect_err(|_| {
        // Leave the screen as it was: dark is the worst of all sizes.
        let _ = resize(before);
        if old_mode != 0 {
            let _ = set(old_mode, &[target.output]);
        }
    })
}

/// Removes the modes that earlier calls made, so that a window being dragged
/// larger leaves no trail of hundreds.
fn discard_unused(conn: &RustConnection, target: &Target, in_use: u32) -> Result<(), CaptureError> {
    let mut names = target.resources.names.as_slice();
    for mode in &target.resources.modes {
        let Some((name, rest)) = names.split_at_checked(mode.name_len.into()) else { break };
        names = rest;
        if name.starts_with(MODE_PREFIX.as_bytes()) && mode.id != in_use {
            conn.randr_delete_output_mode(target.output, mode.id)?.ignore_error();
            conn.randr_destroy_mode(mode.id)?.ignore_error();
        }
    }
    conn.flush()?;
    Ok(())
}
