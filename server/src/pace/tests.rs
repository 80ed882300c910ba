use super::*;

/// A link of `rate` bytes a second and `delay` of round trip, kept busy.
struct Busy {
    pacer: Pacer,
    now: Micros,
    link_free: Micros,
    /// When the acknowledgement of each frame arrives, and its bytes.
    flying: std::collections::VecDeque<(Micros, usize)>,
    /// The longest wait of a byte behind others so far.
    queue: Micros,
    delivered: u64,
}

impl Busy {
    fn new() -> Self {
        Self {
            pacer: Pacer::default(),
            now: Micros::ZERO,
            link_free: Micros::ZERO,
            flying: Default::default(),
            queue: Micros::ZERO,
            delivered: 0,
        }
    }

    fn run(&mut self, rate: u64, delay: Micros, time: Micros) {
        let end = self.now + time;
        while self.now < end {
            while let Some(&(at, bytes)) = self.flying.front().filter(|f| f.0 <= self.now) {
                self.flying.pop_front();
                self.delivered += bytes as u64;
                let acked = Acked { frames: 1, bytes, sent: Micros::ZERO, painting: Micros::ZERO };
                self.pacer.on_acked(&acked, self.flying.len(), at);
            }
            let in_flight = self.flying.iter().map(|f| f.1).sum();
            let pace = self.pacer.pace(self.now, self.flying.len(), in_flight, false);
            if pace == Pace::Now {
                let bytes = self.pacer.budget(Mode::Pixels, in_flight, self.now).bytes;
                self.pacer.on_sent(self.now, bytes, false);
                self.queue = self.queue.max(Micros(self.link_free.since(self.now).0));
                self.link_free = self.link_free.max(self.now) + Micros(bytes as u64 * 1_000_000 / rate);
                self.flying.push_back((self.link_free + delay, bytes));
            }
            self.now = self.now + Micros(500);
        }
    }
}

#[test]
fn a_viewer_that_never_acks_gets_a_bounded_amount() {
    let mut pacer = Pacer::default();
    let (mut frames, mut bytes, mut now) = (0, 0, Micros::ZERO);
    for _ in 0..10_000 {
        now = now + FRAME_INTERVAL;
        if pacer.pace(now, frames, bytes, false) == Pace::Now {
            frames += 1;
            let frame = pacer.budget(Mode::Pixels, bytes, now).bytes;
            bytes += frame;
            pacer.on_sent(now, frame, false);
        }
    }
    assert!(frames <= MAX_FRAMES && bytes <= 2 * FIRST_WINDOW, "{frames} frames, {bytes} bytes");
}

#[test]
fn links_are_filled_and_not_overfilled() {
    let links = [(32_000, 150), (250_000, 80), (625_000, 28), (1_125_000, 170), (125_000_000, 1)];
    for (rate, delay) in links {
        let mut busy = Busy::new();
        let delay = Micros::from_millis(delay);
        busy.run(rate, delay, Micros(5_000_000));
        (busy.delivered, busy.queue) = (0, Micros::ZERO);
        busy.run(rate, delay, Micros(5_000_000));
        // A link of gigabits holds more than may be on its way.
        let used = busy.delivered as f64 / (rate as f64 * 5.0);
        assert!(used > 0.85 || rate > 100_000_000 && used > 0.6, "{rate} B/s, {delay:?}: {used} used");
        // What may wait: a quarter of a round trip when more is looked for, and two frames.
        let frames = Micros(2 * MIN_FRAME.max((rate * 16 / 1000) as usize) as u64 * 1_000_000 / rate);
        let most = Micros(delay.0 / 4 + frames.0 + 5_000);
        assert!(busy.queue <= most, "{rate} B/s, {delay:?}: {:?} of queue", busy.queue);
    }
}

#[test]
fn a_link_that_changes_is_followed() {
    let delay = Micros::from_millis(80);
    let mut busy = Busy::new();
    busy.run(1_000_000, delay, Micros(5_000_000));
    busy.run(250_000, delay, Micros(5_000_000));
    busy.queue = Micros::ZERO;
    busy.run(250_000, delay, Micros(3_000_000));
    assert!(busy.queue < Micros(60_000), "{:?}", busy.queue);
    busy.run(1_000_000, delay, Micros(8_000_000));
    busy.delivered = 0;
    busy.run(1_000_000, delay, Micros(3_000_000));
    assert!(busy.delivered > 2_400_000, "{} bytes in 3 s", busy.delivered);
}

#[test]
fn sixty_frames_a_second_at_most() {
    let mut busy = Busy::new();
    busy.run(1_000_000, Micros(20_000), Micros(100_000));
    let mut pacer = busy.pacer;
    pacer.on_sent(Micros(100), 10, true);
    assert_eq!(pacer.pace(Micros(200), 1, 10, false), Pace::At(Micros(100) + FRAME_INTERVAL));
    assert_eq!(pacer.pace(Micros(100) + FRAME_INTERVAL, 1, 10, false), Pace::Now);
    // An answer need not wait so long.
    pacer.on_input(Micros(150));
    assert_eq!(pacer.pace(Micros(200), 1, 10, true), Pace::At(Micros(100) + ANSWER_INTERVAL));
    assert_eq!(pacer.pace(Micros(100) + ANSWER_INTERVAL, 1, 10, true), Pace::Now);
}

#[test]
fn a_pause_of_the_viewer_is_no_slow_link_for_long() {
    let mut busy = Busy::new();
    busy.run(10_000_000, Micros(5_000), Micros(1_000_000));
    let (mut pacer, mut now) = (busy.pacer, busy.now);
    // It is asleep for twenty seconds, then acknowledges one frame after the other.
    for _ in 0..3 {
        pacer.on_sent(now, 4_000, false);
        now = now + Micros(20_000_000);
        pacer.on_acked(
            &Acked { frames: 1, bytes: 4_000, sent: Micros::ZERO, painting: Micros::ZERO },
            0,
            now,
        );
    }
    pacer.on_sent(now, 100_000, false);
    now = now + Micros(12_000);
    pacer.on_acked(&Acked { frames: 1, bytes: 100_000, sent: Micros::ZERO, painting: Micros::ZERO }, 0, now);
    assert_eq!(pacer.pace(now + FRAME_INTERVAL, 0, 0, false), Pace::Now);
}

#[test]
fn answers_go_where_bulk_must_wait() {
    let mut busy = Busy::new();
    busy.run(250_000, Micros(80_000), Micros(3_000_000));
    let (mut pacer, now) = (busy.pacer, busy.now);
    let window = pacer.window();
    assert_eq!(pacer.pace(now + Micros(10_000), 5, window, true), Pace::OnAck);
    pacer.on_input(now);
    let (then, budget) = (now + Micros(10_000), pacer.budget(Mode::Pixels, window, now));
    assert_eq!(pacer.pace(then, 5, window, true), Pace::Urgent);
    assert!(pacer.urgent(budget).urgent && pacer.urgent(budget).bytes <= 4_000);
    // Nothing has changed: there is no answer yet.
    assert_eq!(pacer.pace(then, 5, window, false), Pace::OnAck);
    // Answers do not fill the link either.
    assert_eq!(pacer.pace(then, 5, 2 * window, true), Pace::OnAck);
}

#[test]
fn a_trickle_does_not_lower_the_rate() {
    let mut busy = Busy::new();
    busy.run(250_000, Micros(80_000), Micros(3_000_000));
    let (mut pacer, mut now) = (busy.pacer, busy.now);
    let before = pacer.rate();
    for _ in 0..100 {
        pacer.on_sent(now, 100, true);
        now = now + Micros(81_000);
        pacer.on_acked(&Acked { frames: 1, bytes: 100, sent: Micros::ZERO, painting: Micros::ZERO }, 0, now);
    }
    assert_eq!(pacer.rate(), before);
}

#[test]
fn a_film_finds_the_links_rate_while_the_viewer_paints() {
    // 100 Mbit/s and 10 ms; the viewer takes 20 ms for a picture, and says so.
    let found = |says: bool| {
        let (mut pacer, mut now) = (Pacer::default(), Micros::ZERO);
        let painting = Micros(20_000);
        for i in 0..100 {
            // Something small comes first, and shows the round trip.
            let (bytes, paints) = if i == 0 { (1_400, Micros::ZERO) } else { (90_000, painting) };
            pacer.on_sent(now, bytes, true);
            let at = now + Micros(10_000 + bytes as u64 * 2 / 25) + paints;
            let painting = if says { paints } else { Micros::ZERO };
            pacer.on_acked(&Acked { frames: 1, bytes, sent: now, painting }, 0, at);
            now = now + Micros(41_667);
        }
        pacer.rate().expect("known by now")
    };
    assert!((11_000_000..14_000_000).contains(&found(true)), "{}", found(true));
    assert!(found(false) < 4_000_000, "{}", found(false));
}

#[test]
fn a_long_film_does_not_seem_to_have_a_faster_link() {
    let (mut pacer, mut now) = (Pacer::default(), Micros::ZERO);
    // Twenty seconds: longer than round trips are remembered.
    for i in 0..480 {
        let bytes = if i == 0 { 1_400 } else { 90_000 + i % 7 * 900 };
        pacer.on_sent(now, bytes, true);
        let left = now + Micros(15_000 + i as u64 % 5 * 1_000);
        pacer.on_encoded(left);
        pacer.on_encoded(left + Micros(9_000));
        let painting = Micros(if i == 0 { 0 } else { 7_000 });
        let at = left + Micros(10_000 + bytes as u64 * 2 / 25) + painting;
        pacer.on_acked(&Acked { frames: 1, bytes, sent: now, painting }, 0, at);
        now = now + Micros(41_667);
        let rate = pacer.rate().unwrap_or(0);
        assert!(rate < 14_000_000, "{rate} after {i}");
        assert!(i < 100 || rate > 11_000_000, "{rate} after {i}");
    }
}
