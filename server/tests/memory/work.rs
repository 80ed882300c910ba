//! What happens on the screen: text, scrolling, a photograph, a film.

use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Point, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;

use crate::pictures::{letters, photograph};
use crate::room::Room;

/// Largest part of the screen that [`photograph`] shows, here and there.
pub const LARGE: Size = Size::new(240, 160);

const PAGE: Size = Size::new(400, 240);
const FILM: Size = Size::new(128, 96);

/// Shows a picture on the flat screen.
pub fn show(room: &mut Room, at: Point, picture: &Picture) {
    room.change(|scene| scene.pixels(SurfaceId::SCREEN, at, picture.view()).expect("a screen"));
}

/// A second and a half of work, other in every round; `look` after each kind.
pub fn round(room: &mut Room, round: u32, mut look: impl FnMut(&Room)) {
    let ms = Micros::from_millis;
    let text = letters(Size::new(PAGE.width, 2 * PAGE.height), round, false);
    for line in 0..4 {
        let mut page = Picture::new(PAGE, 0x00ff_ffff);
        page.blit(Point::new(0, -16 * line), text.view());
        show(room, Point::new(20, 20), &page);
        room.pass(ms(80));
    }
    look(room);
    let place = Point::new((round as i32 * 97) % 800, (round as i32 * 53) % 480);
    show(room, place, &photograph(LARGE, round, 0));
    room.pass(ms(300));
    look(room);
    for picture in 0..6 {
        show(room, Point::new(700, 560), &photograph(FILM, 1000 + round, 2 * picture));
        room.pass(ms(40));
    }
    look(room);
    room.pass(ms(600));
    look(room);
}
