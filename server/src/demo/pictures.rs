//! A picture viewer.

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Picture, rgb};

use super::font::Face;
use super::pen::Pen;

const FILES: [(&str, &[u8]); 4] = [
    ("alpine-lake.png", include_bytes!("../../../assets/demo/alpine-lake.png")),
    ("nebula.png", include_bytes!("../../../assets/demo/nebula.png")),
    ("canyon.png", include_bytes!("../../../assets/demo/canyon.png")),
    ("northern-lake.png", include_bytes!("../../../assets/demo/northern-lake.png")),
];

/// Rows that share a palette in the embedded pictures.
const STRIP: u32 = 20;

/// Height of the line below the picture.
pub(super) const CAPTION: u32 = 24;

/// Size of the embedded pictures.
pub(super) const PICTURE: Size = Size::new(400, 260);

pub(super) struct Pictures {
    size: Size,
    shown: usize,
}

impl Pictures {
    pub(super) fn new(size: Size) -> Self {
        Self { size, shown: 0 }
    }

    pub(super) fn draw(&mut self, pen: &mut Pen<'_>) {
        let (name, png) = FILES[self.shown];
        pen.picture(Point::default(), &decode(png), STRIP);
        let top = PICTURE.height as i32;
        pen.fill(Rect::new(0, top, self.size.width, CAPTION), rgb(34, 36, 46));
        pen.text(
            Face::Sans,
            Point::new(10, top + 4),
            rgb(190, 194, 208),
            &format!("{name}   {} of {}   click for the next", self.shown + 1, FILES.len()),
        );
    }

    pub(super) fn click(&mut self, pen: &mut Pen<'_>) {
        self.shown = (self.shown + 1) % FILES.len();
        self.draw(pen);
    }
}

fn decode(png: &[u8]) -> Picture {
    // An embedded picture that is no PNG is a broken build, which tests find.
    let image = image::load_from_memory_with_format(png, image::ImageFormat::Png)
        .expect("an embedded picture is a PNG")
        .into_rgb8();
    let data = image.pixels().map(|p| rgb(p.0[0], p.0[1], p.0[2])).collect();
    Picture::from_pixels(Size::new(image.width(), image.height()), data).unwrap_or_default()
}
