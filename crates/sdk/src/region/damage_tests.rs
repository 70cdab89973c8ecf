//! Files that are not what was written: left out and named, or read as if nothing had happened, but never wrong without anybody noticing.
//!
//! The values of cells are covered by nothing: they change all the time. A change there is a wrong value; it is only tried that nothing else goes wrong.

use std::fs;

use super::folded::Folded;
use super::image::Image;
use super::settle::settle;
use super::testkit::{Counted, families, header, home, leave, region, to_bytes, totals};

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str, usually| std::env::var(name).map_or(usually, |n| n.parse().expect("a number"));
    let first = number("BELLWETHER_DAMAGE_FIRST", 0);
    first..first + number("BELLWETHER_DAMAGE_SEEDS", 250)
}

/// Something in every family, so much that several pages are filled.
fn much() -> Counted {
    let one = |family: usize, label| (family, label, [1 + family as u64, 2.5_f64.to_bits(), 3]);
    let has_labels = |family: usize| !families()[family].fields.is_empty();
    (0..families().len())
        .flat_map(|family| (0..if has_labels(family) { 8 } else { 1 }).map(move |label| one(family, label)))
        .collect()
}

fn damage(numbers: &mut Numbers, bytes: &mut Vec<u8>, used: usize) {
    match numbers.below(6) {
        0 => bytes.truncate(numbers.below(bytes.len())),
        1 => bytes.truncate(numbers.below(used)),
        2 => {
            let at = numbers.below(used) / 4096 * 4096;
            let end = bytes.len().min(at + 4096);
            bytes[at..end].fill(0);
        }
        3 => {
            let (from, to) = (numbers.below(used), numbers.below(used));
            let byte = bytes[from];
            bytes[to] = byte;
        }
        4 => {
            // A word that looks like a place or a number.
            let at = numbers.below(used / 8) * 8;
            bytes[at..at + 8].copy_from_slice(&(numbers.below(10_000) as u64).to_le_bytes());
        }
        _ => {
            for _ in 0..=numbers.below(3) {
                bytes[numbers.below(used)] ^= 1 << numbers.below(8);
            }
        }
    }
}

#[test]
fn a_damaged_region_is_left_out_and_named() {
    let other = vec![(0, 1, [40, 0.5_f64.to_bits(), 0])];
    let (words, cells) = region(header(1), &much());
    let whole = to_bytes(&words);
    let used = words.iter().rposition(|word| *word != 0).expect("there is something") * 8 + 8;
    assert!(used > 8_192, "several pages: {used}");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("0000000000000001.region");
    leave(directory.path(), 2, &other);
    let mut home = home(directory.path());
    let without = totals(&home.read(None).expect("can be read").contents);
    let (mut left_out, mut same) = (0, 0);
    for seed in seeds() {
        let mut bytes = whole.clone();
        damage(&mut Numbers(seed), &mut bytes, used);
        // What no checksum covers is put back, as far as it is there.
        for at in &cells {
            if let Some(cell) = bytes.get_mut(at * 8..at * 8 + 8) {
                cell.copy_from_slice(&whole[at * 8..at * 8 + 8]);
            }
        }
        fs::write(&path, &whole).expect("can be written");
        let all = totals(&home.read(None).expect("can be read").contents);
        fs::write(&path, &bytes).expect("can be written");
        let reading = home.read(None).expect("can be read");
        let found = totals(&reading.contents);
        if reading.skipped.is_empty() {
            assert_eq!(found, all, "seed {seed}");
            same += 1;
        } else {
            assert_eq!(reading.skipped[0].path, path, "seed {seed}");
            assert_eq!(found, without, "seed {seed}");
            left_out += 1;
        }
    }
    assert!(left_out > 0 && same + left_out == seeds().count());
    // What is damaged is not folded and stays; the other one is.
    fs::write(&path, &whole[..5_000]).expect("can be written");
    home.fold(None).expect("can be folded");
    assert!(path.exists() && !directory.path().join("0000000000000002.region").exists());
    let reading = home.read(None).expect("can be read");
    assert_eq!((totals(&reading.contents), reading.skipped.len()), (without, 1));
}

#[test]
fn nothing_that_is_in_cells_does_harm() {
    let (words, _) = region(header(1), &much());
    let used = words.iter().rposition(|word| *word != 0).expect("there is something") * 8 + 8;
    for seed in seeds() {
        let (mut numbers, mut bytes) = (Numbers(seed), to_bytes(&words));
        for _ in 0..=numbers.below(3) {
            damage(&mut numbers, &mut bytes, used.min(8_192));
            if bytes.len() < 8_192 {
                break;
            }
        }
        let mut words = crate::arena::to_words(&bytes);
        if settle(&mut words, None).is_ok()
            && let Ok(image) = Image::read(&words)
        {
            let mut contents = super::contents::Contents::default();
            contents.add(&image, super::contents::Owner::IsGone);
        }
    }
}

#[test]
fn damaged_sums_are_left_out_and_kept_aside() {
    let directory = tempfile::tempdir().expect("a directory");
    leave(directory.path(), 1, &much());
    let mut home = home(directory.path());
    home.fold(None).expect("can be folded");
    let path = directory.path().join("folded");
    let whole = fs::read(&path).expect("can be read");
    assert!(Folded::from_bytes(&whole).is_ok());
    for seed in seeds() {
        let mut bytes = whole.clone();
        damage(&mut Numbers(seed), &mut bytes, whole.len());
        if bytes == whole {
            continue;
        }
        assert!(Folded::from_bytes(&bytes).is_err(), "seed {seed}");
        fs::write(&path, &bytes).expect("can be written");
        let reading = home.read(None).expect("can be read");
        assert_eq!((reading.skipped.len(), totals(&reading.contents).len()), (1, 0), "seed {seed}");
    }
    fs::write(&path, &whole[..whole.len() - 1]).expect("can be written");
    let other = vec![(0, 1, [40, 0, 0])];
    leave(directory.path(), 2, &other);
    home.fold(None).expect("can be folded");
    assert_eq!(
        fs::read(directory.path().join("folded.damaged")).expect("it is kept"),
        whole[..whole.len() - 1]
    );
    let reading = home.read(None).expect("can be read");
    assert_eq!((reading.skipped.len(), totals(&reading.contents).len()), (0, 1), "counting goes on");
}
