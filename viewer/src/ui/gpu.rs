//! Presenting by `pixels`: a texture of the window's size, one texel a pixel.
//!
//! Texture and surface are plain 8-bit formats without sRGB decoding and nothing is
//! blended, so the bytes pass through unchanged, whatever the GPU's arithmetic.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use panto_protocol::geometry::{Rect, Region, Size};
use pixels::wgpu::{self, CompositeAlphaMode, DeviceType, PresentMode, TextureFormat};
use pixels::{Pixels, PixelsBuilder, SurfaceTexture};
use winit::window::Window;

use super::error::plain;
use super::inner::Inner;
use super::present::Present;
use super::scene::Scene;

/// The texture's bytes are blue, green, red, alpha: a pixel's `u32` in little endian.
const TEXTURE: TextureFormat = TextureFormat::Bgra8Unorm;

pub(super) struct Gpu {
    inner: Arc<Inner>,
    pixels: Pixels<'static>,
    size: Size,
    name: String,
    row: Vec<u32>,
    errors: Arc<Errors>,
}

/// What wgpu reports later than where it went wrong; by default it would end the process.
#[derive(Debug, Default)]
struct Errors {
    any: AtomicBool,
    first: Mutex<String>,
}

impl Gpu {
    /// `emulated`: take a GPU emulated on the CPU too.
    pub(super) fn open(window: Arc<Window>, size: Size, emulated: bool) -> Result<Self, String> {
        if !emulated && !has_device() {
            return Err("no GPU device here".to_owned());
        }
        let backends = wgpu::Backends::from_env().unwrap_or(wgpu::Backends::PRIMARY);
        let (width, height) = (size.width.max(1), size.height.max(1));
        let inner = Arc::new(Inner::open(window, Size::new(width, height))?);
        let format = surface_format(&inner, backends, emulated)?;
        let surface = SurfaceTexture::new(width, height, Arc::clone(&inner));
        let pixels = PixelsBuilder::new(width, height, surface)
            .wgpu_backend(backends)
            .texture_format(TEXTURE)
            .surface_texture_format(format)
            .render_texture_format(format)
            .blend_state(wgpu::BlendState::REPLACE)
            .alpha_mode(CompositeAlphaMode::Auto)
            // The newest picture at the next refresh, instead of up to three old ones first.
            .present_mode(PresentMode::Mailbox)
            .build()
            .map_err(|e| plain(&e.to_string()))?;
        let errors = Arc::<Errors>::default();
        let sink = Arc::clone(&errors);
        pixels.device().on_uncaptured_error(Arc::new(move |e: wgpu::Error| sink.put(&e.to_string())));
        let info = pixels.adapter().get_info();
        let name = format!("pixels on {}", info.name);
        Ok(Self { inner, pixels, size: Size::new(width, height), name, row: Vec::new(), errors })
    }
}

impl Present for Gpu {
    fn name(&self) -> &str {
        &self.name
    }

    fn present(&mut self, scene: &Scene, damage: &Region) -> Result<(), String> {
        let size = scene.size();
        let mut part = damage;
        let all = Rect::of_size(size).into();
        if size != self.size {
            self.inner.resize(size)?;
            let resized = self.pixels.resize_surface(size.width, size.height);
            let resized = resized.and_then(|()| self.pixels.resize_buffer(size.width, size.height));
            resized.map_err(|e| plain(&e.to_string()))?;
            self.size = size;
            part = &all;
        }
        let frame = self.pixels.frame_mut();
        for r in part.rects() {
            let r = r.intersection(&Rect::of_size(size));
            if r.is_empty() {
                continue;
            }
            self.row.resize(r.width() as usize, 0);
            for y in r.top..r.bottom {
                scene.paint_row(y, r.left, &mut self.row);
                let start = (y as usize * size.width as usize + r.left as usize) * 4;
                let bytes = frame[start..start + self.row.len() * 4].as_chunks_mut().0;
                for (to, &from) in bytes.iter_mut().zip(&self.row) {
                    *to = (from | 0xff00_0000).to_le_bytes();
                }
            }
        }
        self.pixels.render().map_err(|e| plain(&e.to_string()))?;
        self.errors.take()
    }
}

impl Errors {
    fn put(&self, message: &str) {
        tracing::debug!(message, "wgpu error");
        let mut first = self.first.lock().unwrap_or_else(|e| e.into_inner());
        if first.is_empty() {
            *first = plain(message);
        }
        self.any.store(true, Ordering::Release);
    }

    fn take(&self) -> Result<(), String> {
        if !self.any.swap(false, Ordering::Acquire) {
            return Ok(());
        }
        Err(std::mem::take(&mut self.first.lock().unwrap_or_else(|e| e.into_inner())))
    }
}

/// A surface format that keeps the bytes as they are.
///
/// `pixels` would take an sRGB format, or one that the surface lacks, and panic.
fn surface_format(
    inner: &Arc<Inner>,
    backends: wgpu::Backends,
    emulated: bool,
) -> Result<TextureFormat, String> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let surface = instance.create_surface(Arc::clone(inner)).map_err(|e| plain(&e.to_string()))?;
    let adapter = wait(instance.request_adapter(&wgpu::RequestAdapterOptions {
        compatible_surface: Some(&surface),
        ..Default::default()
    }))
    .map_err(|_| "no adapter found (Vulkan needs libvulkan1 and a driver)".to_owned())?;
    let info = adapter.get_info();
    let real = matches!(
        info.device_type,
        DeviceType::DiscreteGpu | DeviceType::IntegratedGpu | DeviceType::VirtualGpu
    );
    if !real && !emulated {
        return Err(format!("{} is no real GPU", info.name));
    }
    let formats = surface.get_capabilities(&adapter).formats;
    [TextureFormat::Bgra8Unorm, TextureFormat::Rgba8Unorm]
        .into_iter()
        .find(|f| formats.contains(f))
        .ok_or_else(|| format!("{} offers no plain 8-bit format", info.name))
}

/// Whether looking for a GPU is worth it: loading every Vulkan driver takes a tenth
/// of a second and a hundred megabytes.
fn has_device() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let nodes = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    nodes.into_iter().any(|n| n.file_name().to_string_lossy().starts_with("renderD"))
        || ["/dev/nvidiactl", "/dev/dxg"].iter().any(|p| std::path::Path::new(p).exists())
}

/// Runs a future of wgpu's to its end; on native platforms they are ready at once.
fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}
