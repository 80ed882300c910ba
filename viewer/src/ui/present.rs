//! Bringing the scene's pixels into the window: by the GPU if there is one, else by the CPU.

use std::sync::Arc;

use panto_protocol::geometry::{Region, Size};
use winit::event_loop::OwnedDisplayHandle;
use winit::window::Window;

use super::cpu::Cpu;
use super::error::WindowError;
use super::gpu::Gpu;
use super::scene::Scene;

/// Which library shows the pixels. Both show exactly the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Renderer {
    /// `pixels` on a real GPU, else `softbuffer`: a GPU emulated on the CPU costs
    /// more than a core and is a tenth as fast.
    #[default]
    Auto,
    /// `pixels` (wgpu), on an emulated GPU too.
    Gpu,
    /// `softbuffer`.
    Cpu,
}

/// A way to show pixels in one window.
pub(super) trait Present {
    /// The library and what it runs on, for the statistics.
    fn name(&self) -> &str;

    /// Shows `scene`, of which only `damage` changed since the last call. The scene
    /// has the window's present size, which is not empty.
    fn present(&mut self, scene: &Scene, damage: &Region) -> Result<(), String>;
}

/// What [`Present::name`] says without a GPU.
pub(super) const CPU_NAME: &str = "softbuffer";

/// Opens the way that needs no GPU, to go on after one failed.
pub(super) fn open_cpu(
    window: &Arc<Window>,
    display: OwnedDisplayHandle,
) -> Result<Box<dyn Present>, WindowError> {
    match Cpu::open(Arc::clone(window), display) {
        Ok(p) => Ok(Box::new(p)),
        Err(reasons) => Err(WindowError::Present { reasons }),
    }
}

/// Opens the first way that works.
pub(super) fn open(
    window: &Arc<Window>,
    display: OwnedDisplayHandle,
    renderer: Renderer,
    size: Size,
) -> Result<Box<dyn Present>, WindowError> {
    let gpu = |emulated| -> Result<Box<dyn Present>, String> {
        match Gpu::open(Arc::clone(window), size, emulated) {
            Ok(p) => Ok(Box::new(p)),
            Err(e) => Err(format!("pixels (GPU): {e}")),
        }
    };
    let cpu = || -> Result<Box<dyn Present>, String> {
        match Cpu::open(Arc::clone(window), display) {
            Ok(p) => Ok(Box::new(p)),
            Err(e) => Err(format!("softbuffer (CPU): {e}")),
        }
    };
    let mut reasons = Vec::new();
    let opened = match renderer {
        Renderer::Gpu => gpu(true),
        Renderer::Cpu => cpu(),
        Renderer::Auto => gpu(false).or_else(|why| {
            tracing::debug!(%why, "no GPU for the window");
            reasons.push(why);
            cpu().or_else(|why| {
                reasons.push(why);
                gpu(true)
            })
        }),
    };
    match opened {
        Ok(present) => {
            tracing::debug!(renderer = present.name(), "window opened");
            Ok(present)
        }
        Err(why) => {
            reasons.push(why);
            Err(WindowError::Present { reasons: reasons.join(", ") })
        }
    }
}
