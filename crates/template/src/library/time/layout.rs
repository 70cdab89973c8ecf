//! Layouts in terms of Go's reference time, Mon Jan 2 15:04:05 MST 2006.

use std::fmt::Write as _;

use super::calendar::{Civil, DAYS, MONTHS};

/// A part of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Month,
    ShortMonth,
    MonthNumber {
        width: usize,
    },
    Weekday,
    ShortWeekday,
    Day {
        width: usize,
        fill: char,
    },
    YearDay {
        fill: char,
    },
    Year,
    ShortYear,
    Hour,
    Hour12 {
        width: usize,
    },
    Minute {
        width: usize,
    },
    Second {
        width: usize,
    },
    /// `.000` writes all digits, `.999` leaves out trailing zeroes.
    Fraction {
        point: char,
        digits: usize,
        trim: bool,
    },
    Noon {
        upper: bool,
    },
    Zone,
    /// How many of hours, minutes and seconds, whether with colons, and whether UTC is `Z`.
    Offset {
        parts: usize,
        colons: bool,
        z: bool,
    },
}

/// The elements that are written in one way only. Longer ones come before those that they start with.
const ELEMENTS: [(&str, Element); 32] = [
    ("January", Element::Month),
    ("Jan", Element::ShortMonth),
    ("Monday", Element::Weekday),
    ("Mon", Element::ShortWeekday),
    ("MST", Element::Zone),
    ("2006", Element::Year),
    ("002", Element::YearDay { fill: '0' }),
    ("01", Element::MonthNumber { width: 2 }),
    ("02", Element::Day { width: 2, fill: '0' }),
    ("03", Element::Hour12 { width: 2 }),
    ("04", Element::Minute { width: 2 }),
    ("05", Element::Second { width: 2 }),
    ("06", Element::ShortYear),
    ("15", Element::Hour),
    ("__2", Element::YearDay { fill: ' ' }),
    ("_2", Element::Day { width: 2, fill: ' ' }),
    ("Z07:00:00", Element::Offset { parts: 3, colons: true, z: true }),
    ("Z07:00", Element::Offset { parts: 2, colons: true, z: true }),
    ("Z0700", Element::Offset { parts: 2, colons: false, z: true }),
    ("Z07", Element::Offset { parts: 1, colons: false, z: true }),
    ("-07:00:00", Element::Offset { parts: 3, colons: true, z: false }),
    ("-07:00", Element::Offset { parts: 2, colons: true, z: false }),
    ("-070000", Element::Offset { parts: 3, colons: false, z: false }),
    ("-0700", Element::Offset { parts: 2, colons: false, z: false }),
    ("-07", Element::Offset { parts: 1, colons: false, z: false }),
    ("PM", Element::Noon { upper: true }),
    ("pm", Element::Noon { upper: false }),
    ("1", Element::MonthNumber { width: 1 }),
    ("2", Element::Day { width: 1, fill: '0' }),
    ("3", Element::Hour12 { width: 1 }),
    ("4", Element::Minute { width: 1 }),
    ("5", Element::Second { width: 1 }),
];

impl Element {
    /// The element with which `layout` starts, and its length.
    pub(super) fn at_start_of(layout: &str) -> Option<(Self, usize)> {
        let fixed = ELEMENTS.iter().find(|(text, _)| layout.starts_with(text));
        fixed.map(|(text, element)| (*element, text.len())).or_else(|| Self::fraction(layout))
    }

    fn fraction(layout: &str) -> Option<(Self, usize)> {
        let point = layout.chars().next().filter(|c| matches!(c, '.' | ','))?;
        let digits = &layout[1..];
        let kind = digits.chars().next().filter(|c| matches!(c, '0' | '9'))?;
        let len = digits.chars().take_while(|c| *c == kind).count();
        if digits[len..].starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        Some((Self::Fraction { point, digits: len, trim: kind == '9' }, 1 + len))
    }

    /// Appends what a clock shows.
    pub(super) fn write(self, out: &mut String, civil: &Civil<'_>) {
        let mut number = |value: i64, width: usize, fill: char| {
            let digits = value.to_string();
            out.extend(std::iter::repeat_n(fill, width.saturating_sub(digits.len())));
            out.push_str(&digits);
        };
        match self {
            Self::MonthNumber { width } => number(civil.month, width, '0'),
            Self::Day { width, fill } => number(civil.day, width, fill),
            Self::YearDay { fill } => number(civil.year_day, 3, fill),
            Self::Year => number(civil.year, 4, '0'),
            Self::ShortYear => number(civil.year.rem_euclid(100), 2, '0'),
            Self::Hour => number(civil.hour, 2, '0'),
            Self::Hour12 { width } => number((civil.hour + 11) % 12 + 1, width, '0'),
            Self::Minute { width } => number(civil.minute, width, '0'),
            Self::Second { width } => number(civil.second, width, '0'),
            Self::Month => out.push_str(MONTHS[civil.month as usize - 1]),
            Self::ShortMonth => out.push_str(&MONTHS[civil.month as usize - 1][..3]),
            Self::Weekday => out.push_str(DAYS[civil.weekday]),
            Self::ShortWeekday => out.push_str(&DAYS[civil.weekday][..3]),
            Self::Noon { upper } => out.push_str(match (civil.hour < 12, upper) {
                (true, true) => "AM",
                (true, false) => "am",
                (false, true) => "PM",
                (false, false) => "pm",
            }),
            Self::Zone => out.push_str(civil.zone),
            Self::Offset { z: true, .. } if civil.offset_s == 0 => out.push('Z'),
            Self::Offset { parts, colons, .. } => write_offset(out, civil.offset_s, parts, colons),
            Self::Fraction { point, digits, trim } => {
                let all = format!("{:09}", civil.nanos);
                let mut shown = &all[..digits.min(9)];
                if trim {
                    shown = shown.trim_end_matches('0');
                }
                if !shown.is_empty() {
                    out.push(point);
                    out.push_str(shown);
                }
            }
        }
    }
}

fn write_offset(out: &mut String, offset_s: i32, parts: usize, colons: bool) {
    out.push(if offset_s < 0 { '-' } else { '+' });
    let seconds = offset_s.unsigned_abs();
    let values = [seconds / 3600, seconds / 60 % 60, seconds % 60];
    for (idx, value) in values.into_iter().take(parts).enumerate() {
        let colon = if colons && idx > 0 { ":" } else { "" };
        write!(out, "{colon}{value:02}").expect("BUG: writing to a string cannot fail");
    }
}
