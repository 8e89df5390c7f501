//! A canvas of RGB pixels: blocks, text, discs of distance.

use font8x8::UnicodeFonts;
use image::{Rgb, RgbImage};

/// Side of a letter at scale 1, pixels.
pub(crate) const LETTER: u32 = 8;

/// Fills a rectangle, cut at the canvas.
pub(crate) fn block(canvas: &mut RgbImage, x: u32, y: u32, width: u32, height: u32, colour: Rgb<u8>) {
    for j in y..(y + height).min(canvas.height()) {
        for i in x..(x + width).min(canvas.width()) {
            canvas.put_pixel(i, j, colour);
        }
    }
}

/// Writes one line of text with its upper left corner at `(x, y)`. Letters without a glyph show as `?`.
pub(crate) fn text(canvas: &mut RgbImage, x: u32, y: u32, scale: u32, words: &str, colour: Rgb<u8>) {
    for (n, letter) in words.chars().enumerate() {
        let rows = glyph(letter).or_else(|| glyph('?')).unwrap_or([0; 8]);
        for (j, row) in rows.iter().enumerate() {
            for i in (0..LETTER).filter(|i| row >> i & 1 == 1) {
                let (left, top) = (x + (n as u32 * LETTER + i) * scale, y + j as u32 * scale);
                block(canvas, left, top, scale, scale, colour);
            }
        }
    }
}

fn glyph(letter: char) -> Option<[u8; 8]> {
    let letter = match letter {
        '–' | '—' | '−' => '-',
        '’' | '‘' => '\'',
        '“' | '”' => '"',
        '…' => '.',
        other => other,
    };
    font8x8::BASIC_FONTS.get(letter).or_else(|| font8x8::LATIN_FONTS.get(letter))
}

/// Width of a line of text, pixels.
pub(crate) fn text_width(words: &str, scale: u32) -> u32 {
    words.chars().count() as u32 * LETTER * scale
}

/// Breaks text between words into lines of at most `letters`; longer words are cut.
pub(crate) fn wrapped(words: &str, letters: usize) -> Vec<String> {
    let letters = letters.max(1);
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        let fits = lines.last().is_some_and(|l| l.chars().count() + 1 + rest.len() <= letters);
        if let Some(line) = lines.last_mut().filter(|_| fits) {
            line.push(' ');
            line.extend(rest);
            continue;
        }
        while rest.len() > letters {
            lines.push(rest.drain(..letters).collect());
        }
        lines.push(rest.into_iter().collect());
    }
    lines
}

/// Mixes `colour` into a pixel with weight 0..1.
pub(crate) fn mix(pixel: &mut Rgb<u8>, colour: Rgb<u8>, weight: f64) {
    for b in 0..3 {
        let v = f64::from(pixel[b]) * (1.0 - weight) + f64::from(colour[b]) * weight;
        pixel[b] = v.round().clamp(0.0, 255.0) as u8;
    }
}
