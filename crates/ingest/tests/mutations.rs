//! The fuzz targets on every build: the seeds of `fuzz/corpus`, broken in thousands of ways that are the same each time. Each parser
//! comes back, and none takes long. `fuzz/README.md` says how to look further.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ingest::fuzz::TARGETS;

/// Mutants of each seed.
const EACH: u64 = 80;
/// Longest that one may take, on a machine that is busy with other things: each takes microseconds.
const LONGEST: Duration = Duration::from_secs(60);

/// Marsaglia's xorshift: the same numbers everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// A seed with a few bytes changed, cut out, doubled, put in from another, or set to what breaks sums.
fn mutant(seed: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut out = seed.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(out.len());
        let end = (at + 1 + numbers.below(16)).min(out.len());
        match numbers.below(7) {
            0 if !out.is_empty() => out[at] = numbers.next() as u8,
            1 if !out.is_empty() => out[at] ^= 1 << numbers.below(8),
            2 => out.truncate(at),
            3 => drop(out.drain(at..end)),
            4 => {
                let part = out[at..end].to_vec();
                for _ in 0..numbers.below(64) {
                    out.splice(at..at, part.iter().copied());
                }
            }
            5 if !other.is_empty() => {
                let from = numbers.below(other.len());
                let part = &other[from..(from + 32).min(other.len())];
                out.splice(at..end, part.iter().copied());
            }
            _ => {
                let extreme: [&[u8]; 6] =
                    [&[0xff; 4], &[0; 4], &[0xff; 8], b"-1", b"99999999999999999999", b"\xc3\x28"];
                out.splice(at..end, extreme[numbers.below(6)].iter().copied());
            }
        }
    }
    out.truncate(1 << 16);
    out
}

#[test]
fn every_parser_comes_back_from_what_is_broken() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, parse) in TARGETS {
        let mut files: Vec<PathBuf> = fs::read_dir(corpus.join(name))
            .unwrap_or_else(|e| panic!("no seeds of {name}: {e}"))
            .map(|e| e.unwrap().path())
            .collect();
        files.sort();
        let seeds: Vec<Vec<u8>> = files.iter().map(|f| fs::read(f).unwrap()).collect();
        assert!(!seeds.is_empty(), "no seeds of {name}");
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        for (seed, file) in seeds.iter().zip(&files) {
            parse(seed);
            for n in 0..EACH {
                let mutant = mutant(seed, &seeds[numbers.below(seeds.len())], &mut numbers);
                let clock = Instant::now();
                // So that the bytes can be looked at.
                let fine = std::panic::catch_unwind(|| parse(&mutant));
                assert!(
                    fine.is_ok(),
                    "{name}: mutant {n} of {}: {:?}",
                    file.display(),
                    String::from_utf8_lossy(&mutant)
                );
                assert!(
                    clock.elapsed() < LONGEST,
                    "{name}: mutant {n} of {} took {:?}",
                    file.display(),
                    clock.elapsed()
                );
            }
        }
    }
}
