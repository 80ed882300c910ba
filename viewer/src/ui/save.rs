//! Saving the remote picture as a file.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use panto_protocol::pixel::{Picture, channels};

/// Pictures of one folder that are counted; more are somebody's mistake.
const MAX_PICTURES: u32 = 10_000;

/// Writes the picture to the first of `panto-1.png`, `panto-2.png`, … that does not exist.
pub(super) fn save(picture: &Picture, folder: &Path) -> io::Result<PathBuf> {
    let (file, path) = create(folder)?;
    let bytes: Vec<u8> = picture.data().iter().flat_map(|&c| channels(c)).collect();
    let size = picture.size();
    PngEncoder::new(BufWriter::new(file))
        .write_image(&bytes, size.width, size.height, ExtendedColorType::Rgb8)
        .map_err(io::Error::other)?;
    Ok(path)
}

fn create(folder: &Path) -> io::Result<(File, PathBuf)> {
    for n in 1..=MAX_PICTURES {
        let path = folder.join(format!("panto-{n}.png"));
        // `create_new`: nothing is ever overwritten, not even between the look and the write.
        match File::create_new(&path) {
            Ok(file) => return Ok((file, path)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other("too many pictures in this folder"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::geometry::Size;

    #[test]
    fn counts_up_and_keeps_every_pixel() {
        let folder = std::env::temp_dir().join(format!("panto-save-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let picture = Picture::from_pixels(Size::new(2, 1), vec![0x0012_3456, 0x00ff_0080]).unwrap();
        assert_eq!(save(&picture, &folder).unwrap(), folder.join("panto-1.png"));
        let second = save(&picture, &folder).unwrap();
        assert_eq!(second, folder.join("panto-2.png"));
        let read = image::open(&second).unwrap().into_rgb8();
        assert_eq!(read.into_raw(), [0x12, 0x34, 0x56, 0xff, 0x00, 0x80]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
