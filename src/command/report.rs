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

/// Whether this file could be written, known before the work whose result it shall hold; `-` is stdout.
///
/// # Errors
///
/// If it could not. No file is left that was not there.
pub fn check_output(path: &Path) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return Ok(());
    }
    let opened = match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(_) => std::fs::remove_file(path),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::OpenOptions::new().append(true).open(path).map(drop)
        }
        Err(error) => Err(error),
    };
    opened.with_context(|| format!("cannot write {}", path.display()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_checked_and_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        std::fs::write(&old, "kept").unwrap();
        for path in [&old, &new, Path::new("-")] {
            check_output(path).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "kept");
        assert!(!new.exists());
        let nowhere = dir.path().join("nowhere/file");
        let error = check_output(&nowhere).unwrap_err().to_string();
        assert!(error.contains("cannot write") && error.contains("nowhere"), "{error}");
        assert!(check_output(dir.path()).is_err(), "a directory");
    }
}
