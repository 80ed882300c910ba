#!/usr/bin/env python3
"""Makes fonts/*.png, fonts/*.txt, demo/*.png from Debian's DejaVu fonts and arithmetic.

Needs the Debian packages python3-pil, python3-numpy and fonts-dejavu-core:

    python3 assets/make_assets.py [fonts] [icons] [pictures]

Fonts: one grey atlas for each face and a text file of metrics. Coverage is
rounded to 16 levels (multiples of 17), which the wire packs in half a byte.
Pictures: fractal landscapes and a nebula. Every strip of 20 rows has 256
colours of its own: thousands in a picture, one byte a pixel on the wire.
"""

import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).resolve().parent
DEJAVU = Path("/usr/share/fonts/truetype/dejavu")

# The order decides the glyph slots: what is used most comes first.
CHARS = [chr(c) for c in range(0x20, 0x7F)]
CHARS += list("–—…•✓→←↑↓×·°€“”‘’─│├└█▌✗⏎éüßäöÄÖÜ")
CHARS += [chr(c) for c in range(0xA1, 0x100) if c != 0xAD and chr(c) not in CHARS]
CHARS += ["\ufffd"]

FACES = [
    ("mono-13", "DejaVuSansMono.ttf", 13),
    ("sans-13", "DejaVuSans.ttf", 13),
    ("sans-bold-13", "DejaVuSans-Bold.ttf", 13),
]


def fonts():
    for name, file, size in FACES:
        font = ImageFont.truetype(str(DEJAVU / file), size, layout_engine=ImageFont.Layout.BASIC)
        ascent, descent = font.getmetrics()
        missing = np.asarray(mask(font, "\U0010ffff")[0])
        glyphs = []
        for char in CHARS:
            image, left, top = mask(font, char)
            if char not in " \u00a0" and np.array_equal(np.asarray(image), missing):
                continue
            # A glyph stays inside its own cell, so that a part of a line can be drawn again alone.
            left = max(left, 0)
            advance = max(round(font.getlength(char)), left + image.width)
            glyphs.append((char, image, left, top, advance))
        if "mono" in name:
            cell = round(font.getlength("m"))
            glyphs = [(c, i.crop((0, 0, min(i.width, cell), i.height)), min(l, cell - min(i.width, cell)), t, cell)
                      for c, i, l, t, _ in glyphs]
        side_x = max(g[1].width for g in glyphs) + 1
        side_y = max(g[1].height for g in glyphs) + 1
        atlas = Image.new("L", (16 * side_x, -(-len(glyphs) // 16) * side_y))
        lines = [
            f"# {file} {size}px by assets/make_assets.py: code point, place in the atlas, size, bearing, advance",
            f"ascent {ascent}",
            f"descent {descent}",
        ]
        for i, (char, image, left, top, advance) in enumerate(glyphs):
            x, y = i % 16 * side_x, i // 16 * side_y
            atlas.paste(image, (x, y))
            lines.append(f"{ord(char):04x} {x} {y} {image.width} {image.height} {left} {top} {advance}")
        atlas.save(HERE / "fonts" / f"{name}.png", optimize=True)
        (HERE / "fonts" / f"{name}.txt").write_text("\n".join(lines) + "\n")


def mask(font, char):
    """The glyph's coverage in 16 levels, cut to its ink, with its bearing from the baseline."""
    canvas = Image.new("L", (64, 64))
    ImageDraw.Draw(canvas).text((16, 32), char, font=font, fill=255, anchor="ls")
    levels = (np.asarray(canvas).astype(int) + 8) // 17 * 17
    canvas = Image.fromarray(levels.clip(0, 255).astype(np.uint8))
    box = canvas.getbbox()
    if box is None:
        return Image.new("L", (0, 0)), 0, 0
    return canvas.crop(box), box[0] - 16, box[1] - 32


def icons():
    """Sixteen by sixteen pixels each, drawn eight times as large."""
    k = 8
    sheet = Image.new("RGBA", (16 * 7, 16))

    def icon(i, paint):
        big = Image.new("RGBA", (16 * k, 16 * k))
        paint(ImageDraw.Draw(big))
        sheet.paste(big.resize((16, 16), Image.LANCZOS), (16 * i, 0))

    def s(*v):
        return [round(x * k) for x in v]

    def terminal(d):
        d.rounded_rectangle(s(0.5, 1.5, 15.4, 14.4), radius=2 * k, fill="#1d2430", outline="#8fa3bf", width=k)
        d.line(s(3.6, 5, 6.4, 7.8, 3.6, 10.6), fill="#7ee787", width=round(1.5 * k), joint="curve")
        d.line(s(8, 11, 12, 11), fill="#d5dde8", width=round(1.4 * k))

    def editor(d):
        d.polygon(s(2.5, 0.8, 10.2, 0.8, 13.4, 4, 13.4, 15.2, 2.5, 15.2), fill="#fdfdfb", outline="#7d8899")
        d.polygon(s(10.2, 0.8, 13.4, 4, 10.2, 4), fill="#c3ccd8")
        for y, end in ((4.4, 8.6), (6.8, 11.4), (9.2, 11.4), (11.6, 9.4)):
            d.line(s(4.6, y, end, y), fill="#4a7fc1", width=k)

    def picture(d):
        d.rounded_rectangle(s(0.6, 2, 15.4, 14), radius=1.5 * k, fill="#9ecbf0", outline="#5b6b80", width=k)
        d.ellipse(s(10, 3.8, 13, 6.8), fill="#ffd866")
        d.polygon(s(1.6, 13, 6.2, 6, 10.8, 13), fill="#3f6e4c")
        d.polygon(s(7.4, 13, 10.8, 8.4, 14.4, 13), fill="#57925f")

    def chart(d):
        d.rounded_rectangle(s(0.6, 1.6, 15.4, 14.4), radius=2 * k, fill="#16202b", outline="#6f8296", width=k)
        d.line(s(2.6, 10.6, 5.4, 7.2, 7.6, 9.6, 10.2, 4.6, 13.4, 8), fill="#4cc2ff", width=round(1.5 * k), joint="curve")

    def close(d):
        d.ellipse(s(0.6, 0.6, 15.4, 15.4), fill="#e5534b")
        d.line(s(5.2, 5.2, 10.8, 10.8), fill="white", width=round(1.6 * k))
        d.line(s(10.8, 5.2, 5.2, 10.8), fill="white", width=round(1.6 * k))

    def close_pale(d):
        d.ellipse(s(0.6, 0.6, 15.4, 15.4), fill="#8a919c70")
        d.line(s(5.2, 5.2, 10.8, 10.8), fill="#7a828d", width=round(1.4 * k))
        d.line(s(10.8, 5.2, 5.2, 10.8), fill="#7a828d", width=round(1.4 * k))

    def logo(d):
        # A pantograph: two arms joined in a lozenge, and the pen's dot.
        d.line(s(1.5, 13.5, 6, 3, 10.4, 13.2), fill="#ffb454", width=round(1.7 * k), joint="curve")
        d.line(s(5.6, 13.2, 10, 3, 14.4, 13.2), fill="#5ccfe6", width=round(1.7 * k), joint="curve")
        for x, y in ((6, 3), (10, 3)):
            d.ellipse(s(x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill="#f2f4f8")

    for i, paint in enumerate((terminal, editor, picture, chart, close, close_pale, logo)):
        icon(i, paint)
    sheet.save(HERE / "demo" / "icons.png", optimize=True)


WIDTH, HEIGHT = 400, 260


def noise(shape, cells, rng, octaves=8, ridged=False, gain=0.5):
    """Periodic value noise in octaves, 0 to 1."""
    total, weight, amplitude = np.zeros(shape), 0.0, 1.0
    ys, xs = np.meshgrid(np.arange(shape[0]) / shape[0], np.arange(shape[1]) / shape[1], indexing="ij")
    for _ in range(octaves):
        grid = rng.random((cells, cells))
        y, x = ys * cells, xs * cells
        y0, x0 = y.astype(int), x.astype(int)
        fy, fx = y - y0, x - x0
        fy, fx = fy * fy * fy * (fy * (fy * 6 - 15) + 10), fx * fx * fx * (fx * (fx * 6 - 15) + 10)
        y0, x0, y1, x1 = y0 % cells, x0 % cells, (y0 + 1) % cells, (x0 + 1) % cells
        value = (grid[y0, x0] * (1 - fx) + grid[y0, x1] * fx) * (1 - fy)
        value += (grid[y1, x0] * (1 - fx) + grid[y1, x1] * fx) * fy
        if ridged:
            value = 1 - np.abs(2 * value - 1)
            value = value * value
        total += amplitude * value
        weight += amplitude
        amplitude *= gain
        cells *= 2
    return total / weight


def rgb(hex_color):
    return np.array([int(hex_color[i:i + 2], 16) / 255 for i in (1, 3, 5)])


def mix(a, b, t):
    t = np.clip(t, 0, 1)[..., None]
    return a * (1 - t) + b * t


def smooth(low, high, x):
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def landscape(seed, sky_top, sky_low, sun, ground, water_level, camera, fog=0.00155, sun_color="#fff2d0", relief=170, clouds=0.5):
    """Looks over a fractal height field, column by column and from near to far, twice as large."""
    rng = np.random.default_rng(seed)
    n = 1024
    h = noise((n, n), 4, rng, ridged=True) * 0.75 + noise((n, n), 3, rng, octaves=4) * 0.4
    h = (h - h.min()) / (h.max() - h.min())
    h = h ** 1.6
    height = h * relief
    gy, gx = np.gradient(height)
    normal = np.dstack((-gx, -gy, np.full_like(h, 1.1)))
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    light = np.array(sun) / np.linalg.norm(sun)
    lit = np.clip(normal @ light, 0, 1)
    grain = noise((n, n), 64, rng, octaves=4)
    color = ground(height / relief, normal[..., 2], grain)
    color = color * (0.28 * rgb(sky_low) + 0.12 + lit[..., None] * rgb(sun_color) * 1.05)
    water = height < water_level
    height = np.where(water, water_level, height)

    w, hgt = WIDTH * 2, HEIGHT * 2
    horizon, eye, x0, y0, heading = camera
    horizon = horizon * hgt
    rows = (np.arange(hgt)[:, None] / hgt) * np.ones((1, w))
    sky = mix(rgb(sky_top), rgb(sky_low), (rows * hgt / horizon) ** 1.35)
    cols = np.arange(w)
    cloud = noise((512, 512), 5, rng, octaves=7)
    depth = 60 / np.clip(horizon + 14 - np.arange(hgt)[:, None], 4, None)
    u = (cols[None, :] / w - 0.5) * 90 * depth + 230
    v = 260 * depth * np.ones_like(u)
    shade = cloud[(v * 2.2).astype(int) % 512, (u * 2.2).astype(int) % 512]
    sky = mix(sky, mix(rgb("#ffffff") * 0.95, rgb(sky_low), rows * 0.9), smooth(0.5, 0.72, shade) * clouds)
    out = sky.copy()
    filled = np.full(w, hgt)
    angle = heading + (cols / w - 0.5) * 1.05
    dx, dy = np.sin(angle), np.cos(angle)
    z = 6.0
    haze = rgb(sky_low)
    row_index = np.arange(hgt)[:, None]
    while z < 1600:
        x, y = x0 + dx * z, y0 + dy * z
        xi, yi = np.floor(x).astype(int), np.floor(y).astype(int)
        fx, fy = x - xi, y - yi
        xa, ya, xb, yb = xi % n, yi % n, (xi + 1) % n, (yi + 1) % n
        top = (height[ya, xa] * (1 - fx) + height[ya, xb] * fx) * (1 - fy)
        top += (height[yb, xa] * (1 - fx) + height[yb, xb] * fx) * fy
        screen = (horizon + (eye - top) / z * hgt * 0.85).astype(int).clip(0, hgt)
        c = color[ya, xa]
        t = 1 - np.exp(-fog * max(z - 40, 0) - (fog * 0.55 * z) ** 2)
        wet = water[ya, xa]
        ripple = grain[(ya * 3) % n, (xa * 5) % n]
        mirror = sky[np.clip((2 * horizon - screen * 1.0).astype(int), 0, int(horizon) - 1), cols]
        c = np.where(wet[:, None], mirror * (0.58 + 0.3 * ripple[:, None]) + 0.05 * rgb(sky_top), c)
        c = c * (1 - t) + haze * t
        new = (row_index >= screen[None, :]) & (row_index < filled[None, :])
        ys, xs = np.nonzero(new)
        out[ys, xs] = c[xs]
        filled = np.minimum(filled, screen)
        z *= 1.0045
        z += 0.02
    return out


def alpine(height, up, grain):
    rock = mix(rgb("#6e6a66"), rgb("#494542"), grain)
    grass = mix(rgb("#5c7a33"), rgb("#2f4d22"), grain * 1.4 - 0.2)
    out = mix(grass, rock, smooth(0.2, 0.42, height + (0.8 - up) * 0.5))
    return mix(out, rgb("#f4f7fc") * np.ones_like(out), smooth(0.4, 0.56, height + (grain - 0.5) * 0.35) * smooth(0.36, 0.6, up))


def desert(height, up, grain):
    bands = 0.5 + 0.5 * np.sin(height * 90 + grain * 5)
    rock = mix(rgb("#a4492a"), rgb("#d98a55"), bands)
    sand = mix(rgb("#d9a066"), rgb("#b97a48"), grain)
    return mix(rock, sand, smooth(0.55, 0.86, up))


def fells(height, up, grain):
    heather = mix(rgb("#6b5a6e"), rgb("#43583a"), grain * 1.6 - 0.3)
    moss = mix(rgb("#88903c"), rgb("#566b2a"), grain)
    return mix(moss, heather, smooth(0.1, 0.4, height))


def nebula(seed):
    rng = np.random.default_rng(seed)
    h, w = HEIGHT * 2, WIDTH * 2
    n = 1024
    warp_x, warp_y = noise((n, n), 4, rng), noise((n, n), 4, rng)
    ys, xs = np.meshgrid(np.arange(h), np.arange(w), indexing="ij")

    def warped(cells, strength, **kw):
        field = noise((n, n), cells, rng, **kw)
        x = (xs + strength * (warp_x[ys, xs] - 0.5)).astype(int) % n
        y = (ys + strength * (warp_y[ys, xs] - 0.5)).astype(int) % n
        return field[y, x]

    gas, dust = warped(4, 420), warped(5, 520, ridged=True)
    red, blue, fine = warped(3, 300), warped(3, 360), warped(12, 240, ridged=True, octaves=6)
    centre = np.exp(-(((xs - w * 0.56) / (w * 0.34)) ** 2 + ((ys - h * 0.47) / (h * 0.42)) ** 2))
    glow = smooth(0.3, 0.75, gas * 0.75 + centre * 0.42)
    out = np.ones((h, w, 3)) * rgb("#070914") + glow[..., None] * 0.06
    out += (glow * smooth(0.3, 0.7, red))[..., None] * rgb("#e0467c") * 0.95
    out += (glow * smooth(0.35, 0.75, blue))[..., None] * rgb("#3f8fe0") * 0.85
    out += (glow ** 3 * smooth(0.2, 0.6, fine) * centre)[..., None] * rgb("#ffd9a8") * 1.1
    out *= (1 - 0.75 * smooth(0.3, 0.62, dust) * smooth(0.2, 0.8, glow))[..., None]
    sky = np.zeros((h, w))
    for _ in range(900):
        x, y = rng.integers(2, w - 2), rng.integers(2, h - 2)
        sky[y:y + 2, x:x + 2] += rng.random() ** 5 * 1.1 + 0.08
    big = np.zeros((h, w))
    for _ in range(14):
        x, y = rng.integers(20, w - 20), rng.integers(20, h - 20)
        power = 0.6 + rng.random()
        r2 = (xs - x) ** 2 + (ys - y) ** 2
        big += power * np.exp(-r2 / 7) + 0.12 * power * np.exp(-r2 / 160)
        big += 0.35 * power * np.exp(-np.abs(xs - x) / 6 - ((ys - y) / 1.0) ** 2)
        big += 0.35 * power * np.exp(-np.abs(ys - y) / 6 - ((xs - x) / 1.0) ** 2)
    tint = mix(rgb("#ffe6c4"), rgb("#cfe0ff"), blue)
    return out + sky[..., None] * tint + big[..., None] * tint


def pictures():
    scenes = {
        "alpine-lake": lambda: landscape(
            11, "#3f78b8", "#cfe1ee", (0.8, -0.25, 0.5), alpine, 36, (0.40, 82, 300, 120, 0.35), fog=0.0013),
        "canyon": lambda: landscape(
            5, "#4b4a86", "#f6b27a", (-0.9, 0.2, 0.32), desert, -1, (0.36, 150, 180, 640, 2.2),
            fog=0.0011, sun_color="#ffd2a0", clouds=0.65),
        "nebula": lambda: nebula(23),
        "northern-lake": lambda: landscape(
            42, "#29406e", "#f3c9b4", (0.6, 0.5, 0.35), fells, 62, (0.42, 92, 520, 60, 1.1),
            fog=0.0016, sun_color="#ffdcbc", relief=150, clouds=0.8),
    }
    for name, paint in scenes.items():
        values = np.clip(paint(), 0, 1) ** (1 / 1.12)
        image = Image.fromarray((values * 255 + 0.5).astype(np.uint8)).resize((WIDTH, HEIGHT), Image.LANCZOS)
        image = image.filter(ImageFilter.UnsharpMask(0.8, 40, 0))
        out = Image.new("RGB", image.size)
        for top in range(0, HEIGHT, 20):
            strip = image.crop((0, top, WIDTH, min(top + 20, HEIGHT)))
            out.paste(strip.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGB"), (0, top))
        out.save(HERE / "demo" / f"{name}.png", optimize=True)
        print(name, len(set(out.getdata())), "colours", (HERE / "demo" / f"{name}.png").stat().st_size, "bytes")


if __name__ == "__main__":
    for part in sys.argv[1:] or ["fonts", "icons", "pictures"]:
        {"fonts": fonts, "icons": icons, "pictures": pictures}[part]()
