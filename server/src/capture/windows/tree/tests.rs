//! Events, and the order and places that they lead to.

use x11rb::protocol::xproto::{
    CirculateNotifyEvent, ConfigureNotifyEvent, CreateNotifyEvent, DestroyNotifyEvent, MapNotifyEvent,
    ReparentNotifyEvent, UnmapNotifyEvent,
};

use super::*;

const ROOT: Window = 1;

fn tree(windows: &[Window]) -> Tree {
    let child = |&w| Child::new(w, Point::new(w as i32, 0), Size::new(10, 10), 1);
    Tree::new(ROOT, windows.iter().map(child).collect(), 100)
}

fn order(tree: &Tree) -> Vec<Window> {
    tree.children().iter().map(|c| c.window).collect()
}

fn configure(window: Window, above_sibling: Window, x: i16, width: u16) -> Event {
    let (event, height, border_width) = (ROOT, 10, 1);
    Event::ConfigureNotify(ConfigureNotifyEvent {
        event,
        window,
        above_sibling,
        x,
        width,
        height,
        border_width,
        ..ConfigureNotifyEvent::default()
    })
}

fn map(window: Window) -> Event {
    Event::MapNotify(MapNotifyEvent { window, ..MapNotifyEvent::default() })
}

#[test]
fn stacking_follows_siblings() {
    let mut tree = tree(&[10, 11, 12, 13]);
    let check = |tree: &mut Tree, event: Event, expected: &[Window]| {
        tree.apply(&event, 200);
        assert_eq!(order(tree), expected, "{event:?}");
    };
    check(&mut tree, configure(10, 12, 0, 10), &[11, 12, 10, 13]);
    check(&mut tree, configure(13, x11rb::NONE, 0, 10), &[13, 11, 12, 10]);
    check(&mut tree, configure(12, 13, 0, 10), &[13, 12, 11, 10]);
    // Where it is already, and above a window nobody knows.
    check(&mut tree, configure(11, 12, 0, 10), &[13, 12, 11, 10]);
    check(&mut tree, configure(11, 99, 0, 10), &[13, 12, 11, 10]);
    let circulate = |window, place| {
        Event::CirculateNotify(CirculateNotifyEvent { window, place, ..CirculateNotifyEvent::default() })
    };
    check(&mut tree, circulate(12, Place::ON_TOP), &[13, 11, 10, 12]);
    check(&mut tree, circulate(10, Place::ON_BOTTOM), &[10, 13, 11, 12]);
    let create = CreateNotifyEvent { parent: ROOT, window: 14, ..CreateNotifyEvent::default() };
    check(&mut tree, Event::CreateNotify(create), &[10, 13, 11, 12, 14]);
    let away = ReparentNotifyEvent { parent: 14, window: 13, ..ReparentNotifyEvent::default() };
    check(&mut tree, Event::ReparentNotify(away), &[10, 11, 12, 14]);
    let back = ReparentNotifyEvent { parent: ROOT, window: 13, ..ReparentNotifyEvent::default() };
    check(&mut tree, Event::ReparentNotify(back), &[10, 11, 12, 14, 13]);
    let gone = DestroyNotifyEvent { window: 11, ..DestroyNotifyEvent::default() };
    check(&mut tree, Event::DestroyNotify(gone), &[10, 12, 14, 13]);
}

#[test]
fn old_and_made_up_news_are_none() {
    let mut tree = tree(&[10, 11]);
    tree.take_changed();
    tree.apply(&configure(10, 11, 5, 10), 99);
    let made_up = UnmapNotifyEvent { response_type: 0x80 | 18, window: 10, ..UnmapNotifyEvent::default() };
    tree.apply(&map(10), 100);
    assert!(tree.take_changed());
    tree.apply(&Event::UnmapNotify(made_up), 101);
    assert_eq!((order(&tree), tree.children()[0].mapped, tree.take_changed()), (vec![10, 11], true, false));
}

#[test]
fn what_is_covered_and_uncovered_is_disturbed() {
    let mut tree = tree(&[10, 11]);
    tree.apply(&configure(10, x11rb::NONE, 50, 20), 200);
    assert!(tree.take_disturbed().is_empty(), "it is not mapped");
    tree.apply(&map(10), 201);
    assert_eq!(tree.take_disturbed().bounds(), Rect::new(50, 0, 22, 12));
    tree.apply(&configure(10, x11rb::NONE, 70, 20), 202);
    assert_eq!(tree.take_disturbed().bounds(), Rect::new(50, 0, 42, 12));
    // Another place in the order covers nothing else.
    tree.apply(&configure(10, 11, 70, 20), 203);
    assert!(tree.take_disturbed().is_empty());
    tree.set_input_only(10);
    assert!(!tree.take_disturbed().is_empty() && !tree.children()[1].covers());
}

#[test]
fn a_pixmap_is_stale_after_map_and_resize() {
    let mut tree = tree(&[10]);
    let named = |sequence| Named {
        pixmap: 0,
        damage: 0,
        sequence,
        size: Size::new(22, 12),
        at: Point::new(10, 0),
        inner: Size::new(20, 10),
        border: 1,
        override_redirect: false,
        shape: None,
    };
    tree.apply(&map(10), 200);
    assert!(tree.children()[0].stale);
    tree.set_named(10, &named(210));
    assert_eq!((tree.children()[0].stale, tree.children()[0].place), (false, Rect::new(10, 0, 22, 12)));
    // The pixmap was named after this had been done.
    tree.apply(&configure(10, x11rb::NONE, 10, 15), 209);
    tree.apply(&configure(10, x11rb::NONE, 10, 20), 209);
    assert!(!tree.children()[0].stale);
    tree.apply(&configure(10, x11rb::NONE, 30, 20), 211);
    assert!(!tree.children()[0].stale, "a move changes no pixels");
    tree.apply(&configure(10, x11rb::NONE, 30, 21), 212);
    assert!(tree.children()[0].stale);
}
