//! Presenting by `softbuffer`: shared memory that the window system reads.

use std::num::NonZeroU32;
use std::sync::Arc;

use panto_protocol::geometry::{Rect, Region, Size};
use softbuffer::{Context, Surface};
use winit::event_loop::OwnedDisplayHandle;
use winit::window::Window;

use super::error::plain;
use super::present::{CPU_NAME, Present};
use super::scene::Scene;

pub(super) struct Cpu {
    surface: Surface<OwnedDisplayHandle, Arc<Window>>,
    size: Size,
    /// Damage of the frame before, for window systems that alternate two buffers.
    before: Region,
}

impl Cpu {
    pub(super) fn open(window: Arc<Window>, display: OwnedDisplayHandle) -> Result<Self, String> {
        let context = Context::new(display).map_err(|e| plain(&e.to_string()))?;
        let surface = Surface::new(&context, window).map_err(|e| plain(&e.to_string()))?;
        Ok(Self { surface, size: Size::default(), before: Region::new() })
    }
}

impl Present for Cpu {
    fn name(&self) -> &str {
        CPU_NAME
    }

    fn present(&mut self, scene: &Scene, damage: &Region) -> Result<(), String> {
        let size = scene.size();
        let (Some(width), Some(height)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else {
            return Ok(());
        };
        let failed = |e: softbuffer::SoftBufferError| plain(&e.to_string());
        if size != self.size {
            self.surface.resize(width, height).map_err(failed)?;
            self.size = size;
        }
        let mut buffer = self.surface.buffer_mut().map_err(failed)?;
        let mut part = damage.clone();
        match buffer.age() {
            1 => {}
            2 => part.add_region(&self.before),
            // An older or new buffer holds nothing of use.
            _ => part = Rect::of_size(size).into(),
        }
        let stride = size.width as usize;
        let mut rects = Vec::with_capacity(part.rects().len());
        for r in part.rects() {
            let r = r.intersection(&Rect::of_size(size));
            let (Some(w), Some(h)) = (NonZeroU32::new(r.width()), NonZeroU32::new(r.height())) else {
                continue;
            };
            for y in r.top..r.bottom {
                let row = y as usize * stride;
                scene.paint_row(y, r.left, &mut buffer[row + r.left as usize..row + r.right as usize]);
            }
            rects.push(softbuffer::Rect { x: r.left as u32, y: r.top as u32, width: w, height: h });
        }
        self.before = damage.clone();
        buffer.present_with_damage(&rects).map_err(failed)
    }
}
