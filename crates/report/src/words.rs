//! Distances, dates and classes in English prose.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

/// `740 m`, `17.0 km`, `120 km`.
pub(crate) fn length(m: f64) -> String {
    if !m.is_finite() {
        "an unknown length".to_owned()
    } else if m.round() < 1000.0 {
        format!("{m:.0} m")
    } else if m < 99_950.0 {
        format!("{:.1} km", m / 1000.0)
    } else {
        format!("{:.0} km", m / 1000.0)
    }
}

/// `40 m (131 ft)`, `740 m (0.5 mi)`, `17.0 km (10.6 mi)`.
pub(crate) fn distance(m: f64) -> String {
    let miles = m / 1609.344;
    if !m.is_finite() {
        "an unknown distance".to_owned()
    } else if miles < 0.1 {
        format!("{} ({:.0} ft)", length(m), m / 0.3048)
    } else if miles < 99.95 {
        format!("{} ({miles:.1} mi)", length(m))
    } else {
        format!("{} ({miles:.0} mi)", length(m))
    }
}

/// `24.1`, `0.37`, `0.004`: square kilometres.
pub fn area(km2: f64) -> String {
    match km2 {
        0.0 => "0".to_owned(),
        a if a < 0.0095 => format!("{a:.4}"),
        a if a < 9.995 => format!("{a:.2}"),
        a => format!("{a:.1}"),
    }
}

/// `14 August 2024`.
pub(crate) fn day(date: NaiveDate) -> String {
    format!("{} {} {}", date.day(), MONTHS[date.month0() as usize], date.year())
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `between 5 and 12 August 2024`, `between 28 July and 12 August 2024`, `between 28 December 2023 and 12 January
/// 2024`; within a day `on 12 August 2024 between 08:31 and 10:02 UTC`.
pub(crate) fn between(earlier: DateTime<Utc>, later: DateTime<Utc>) -> String {
    let (a, b) = (earlier.date_naive(), later.date_naive());
    if a == b {
        let time = |t: DateTime<Utc>| t.format("%H:%M");
        return format!("on {} between {} and {} UTC", day(b), time(earlier), time(later));
    }
    let first = if (a.year(), a.month()) == (b.year(), b.month()) {
        a.day().to_string()
    } else if a.year() == b.year() {
        format!("{} {}", a.day(), MONTHS[a.month0() as usize])
    } else {
        day(a)
    };
    format!("between {first} and {}", day(b))
}

/// A front of a class: `the claimed limit`, `the assessed front line`.
pub(crate) fn front(class: &str) -> String {
    match class.to_ascii_lowercase().as_str() {
        "claimed" => "the claimed limit".to_owned(),
        "assessed" => "the assessed front line".to_owned(),
        "contested" => "the edge of the contested area".to_owned(),
        _ => "the front line".to_owned(),
    }
}

/// `1 day`, `3 days`.
pub(crate) fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// With a capital at the beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// Text from a file, so that Markdown shows it as it is, on one line.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn distances_read_as_in_the_press() {
        assert_eq!(distance(17_000.0), "17.0 km (10.6 mi)");
        assert_eq!(distance(740.2), "740 m (0.5 mi)");
        assert_eq!(distance(999.6), "1.0 km (0.6 mi)");
        assert_eq!(distance(40.0), "40 m (131 ft)");
        assert_eq!(distance(161_000.0), "161 km (100 mi)");
        assert_eq!(length(99_949.0), "99.9 km");
        assert_eq!(length(99_951.0), "100 km");
    }

    #[test]
    fn dates_say_no_more_than_they_must() {
        let t = |y, m, d, h| Utc.with_ymd_and_hms(y, m, d, h, 5, 0).unwrap();
        assert_eq!(between(t(2024, 8, 5, 8), t(2024, 8, 12, 8)), "between 5 and 12 August 2024");
        assert_eq!(between(t(2024, 7, 28, 8), t(2024, 8, 12, 8)), "between 28 July and 12 August 2024");
        assert_eq!(
            between(t(2023, 12, 28, 8), t(2024, 1, 12, 8)),
            "between 28 December 2023 and 12 January 2024"
        );
        assert_eq!(between(t(2023, 8, 5, 8), t(2024, 8, 12, 8)), "between 5 August 2023 and 12 August 2024");
        assert_eq!(
            between(t(2024, 8, 12, 8), t(2024, 8, 12, 10)),
            "on 12 August 2024 between 08:05 and 10:05 UTC"
        );
    }

    #[test]
    fn foreign_text_cannot_break_the_page() {
        assert_eq!(plain("a|b\n<i>_x_"), "a\\|b \\<i\\>\\_x\\_");
    }
}
