//! Every maximum that a peer's bytes are held to, with the arithmetic behind it.

/// Largest coordinate and largest side of any rectangle, in pixels: four 8K
/// screens side by side, and small enough that sums of a few stay far inside `i32`.
pub const MAX_COORDINATE: u32 = 32_768;

/// Pixels of one surface: 16,384 × 8,192. At four bytes a pixel this is 512 MiB,
/// which only a real eight-output desktop needs; [`MAX_CANVAS_PIXELS`] bounds the sum.
pub const MAX_SURFACE_PIXELS: u64 = 1 << 27;

/// Pixels of all surfaces and cached tiles together: 2^27 × 4 bytes = 512 MiB,
/// the most that a hostile server can make a viewer allocate for pictures.
pub const MAX_CANVAS_PIXELS: u64 = 1 << 27;

/// Surfaces that may exist at once.
pub const MAX_SURFACES: usize = 1024;

/// Windows that may exist at once.
pub const MAX_WINDOWS: usize = 1024;

/// Slots of the tile cache.
pub const MAX_TILE_SLOTS: u32 = 16_384;

/// Pixels of one cached tile: 256 × 256.
pub const MAX_TILE_PIXELS: u64 = 1 << 16;

/// Slots of the glyph cache.
pub const MAX_GLYPH_SLOTS: u32 = 65_536;

/// Pixels of one glyph: 128 × 128, larger text is drawn as pixels.
pub const MAX_GLYPH_PIXELS: u64 = 1 << 14;

/// Bytes of all glyph masks together (one byte a pixel): 64 MiB.
pub const MAX_GLYPH_CACHE_PIXELS: u64 = 1 << 26;

/// Glyphs that a viewer may offer from earlier sessions: the letters of a few fonts. With
/// [`MAX_OFFERED_TILES`] 3,840 bytes of hashes, which leaves 200 for the viewer's name in a
/// message of [`MAX_HANDSHAKE_MESSAGE`].
pub const MAX_OFFERED_GLYPHS: usize = 256;

/// Tiles that a viewer may offer from earlier sessions.
pub const MAX_OFFERED_TILES: usize = 224;

/// Side of a cursor picture in pixels; the largest that X servers are known to use is 256.
pub const MAX_CURSOR_SIDE: u32 = 512;

/// Cursor pictures kept at once.
pub const MAX_CURSOR_SLOTS: u32 = 64;

/// Rectangles, points or glyphs in one draw command.
pub const MAX_COMMAND_ITEMS: usize = 65_536;

/// Draw commands in one frame.
pub const MAX_FRAME_COMMANDS: usize = 1 << 20;

/// What the commands of one frame may cost in all ([`crate::draw::DrawCommand::cost`],
/// nearly pixels): 64 times the largest canvas, 10 to 30 seconds of painting. Without it a frame of a few hundred bytes could keep a viewer busy
/// for hours (65,536 copies of the whole screen).
pub const MAX_FRAME_PAINT: u64 = MAX_CANVAS_PIXELS * 64;

/// Decisions of a coded frame: up to a minute, at 30 to 140 ns for each that is mixed. Near
/// certainty one takes a 5700th of a bit, so a megabyte could otherwise keep a viewer busy for an hour.
pub const MAX_FRAME_DECISIONS: u32 = 1 << 29;

/// Pixels of one InlinePixels. Decoding keeps three copies of them; senders cut what is larger.
pub const MAX_INLINE_PIXELS: u64 = 1 << 20;

/// Bytes of one message on the draw channel: a whole 8K frame of raw
/// pixels (7,680 × 4,320 × 4 = 127 MiB) and some room.
pub const MAX_DRAW_MESSAGE: usize = 160 << 20;

/// Bytes of one message on any other channel. The largest is a cursor of
/// 512 × 512 × 4 = 1 MiB.
pub const MAX_MESSAGE: usize = 2 << 20;

/// Bytes of one message before the peer has authenticated.
pub const MAX_HANDSHAKE_MESSAGE: usize = 4096;

/// Bytes of payload in one chunk. At 2 Mbit/s a chunk of 4 KiB takes 16 ms, so
/// nothing urgent waits longer than about one display frame behind it.
pub const MAX_CHUNK: usize = 4096;

/// Control messages waiting for transmission when a ping comes. Each ping is answered,
/// so a peer that pings and never reads could otherwise make the queue of answers grow
/// without end; an honest one has a few waiting.
pub const MAX_QUEUED_CONTROL: usize = 1024;

/// Bytes of a name, password or ticket in the handshake.
pub const MAX_SECRET: usize = 1024;

/// Outputs (monitors) of a session.
pub const MAX_OUTPUTS: usize = 64;

/// Keys held down at once; keyboards have fewer keys than this.
pub const MAX_KEYS_DOWN: usize = 256;

/// Bytes of text in one key press or text commit.
pub const MAX_KEY_TEXT: usize = 1024;

/// Bytes of the JSON in a statistics reply.
pub const MAX_STATS_TEXT: usize = 64 << 10;
