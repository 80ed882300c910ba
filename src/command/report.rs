//! Pictures and figures written to files.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use panto_protocol::pixel::{Picture, channels};
use serde::Serialize;

/// Writes a picture as PNG.
pub fn save_picture(picture: &Picture, path: &Path) -> anyhow::Result<()> {
    let size = picture.size();
    anyhow::ensure!(!size.is_empty(), "no picture arrived, so {} was not written", path.display());
    let bytes: Vec<u8> = picture.data().iter().flat_map(|&p| channels(p)).collect();
    image::save_buffer_with_format(
        path,
        &bytes,
        size.width,
        size.height,
        image::ExtendedColorType::Rgb8,
        image::ImageFormat::Png,
    )
    .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes figures as one JSON object; `-` is stdout.
pub fn save_json(figures: &impl Serialize, path: &Path) -> anyhow::Result<()> {
    let mut json = serde_json::to_string_pretty(figures)?;
    json.push('\n');
    if path == Path::new("-") {
        return std::io::stdout().write_all(json.as_bytes()).context("cannot write to stdout");
    }
    std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))
}
