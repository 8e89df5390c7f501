//! The day that a front line is of: from a property or the name of its file.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};
use serde_json::{Map, Value};

/// The date in the properties of a feature; what is there and cannot be read goes to `unread`.
pub(crate) fn date_of(properties: &Map<String, Value>, unread: &mut BTreeSet<String>) -> Option<NaiveDate> {
    for name in ["date", "datetime", "timestamp"] {
        let date = match properties.get(name) {
            Some(Value::String(s)) => date_in_text(s.trim()),
            Some(Value::Number(n)) => n.as_f64().and_then(date_in_number),
            None | Some(Value::Null) => continue,
            Some(_) => None,
        };
        if date.is_some() {
            return date;
        }
        unread.insert(format!("{name} {}", properties[name]));
    }
    None
}

/// `2024-08-14`, `2024-08-14T06:00:00Z`, `2024/08/14`, `20240814`, all at the beginning.
fn date_in_text(s: &str) -> Option<NaiveDate> {
    let digits = s.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 8 {
        return NaiveDate::parse_from_str(s.get(..8)?, "%Y%m%d").ok();
    }
    let head = s.get(..10)?;
    ["%Y-%m-%d", "%Y/%m/%d"].iter().find_map(|format| NaiveDate::parse_from_str(head, format).ok())
}

/// `20240814`, or seconds or milliseconds since 1970.
fn date_in_number(n: f64) -> Option<NaiveDate> {
    let n = n.trunc() as i64;
    if (19_000_101..=21_001_231).contains(&n) {
        return date_in_text(&n.to_string());
    }
    let seconds = if n.abs() >= 100_000_000_000 { n / 1000 } else { n };
    chrono::DateTime::from_timestamp(seconds, 0).map(|t| t.date_naive()).filter(|_| n >= 100_000_000)
}

/// Years of fronts of which images like these can be.
const YEARS: std::ops::RangeInclusive<i32> = 1980..=2100;

/// The first date in a file name: `2024-08-14`, `2024_08_14`, `20240814`, with an hour behind it, or ten digits of unix seconds, not
/// within a longer number, of the years 1980 to 2100.
pub(crate) fn date_in_name(name: &str) -> Option<NaiveDate> {
    let bytes = name.as_bytes();
    let starts = |i: usize| bytes[i].is_ascii_digit() && (i == 0 || !bytes[i - 1].is_ascii_digit());
    let plausible = |date: &NaiveDate| YEARS.contains(&date.year());
    (0..bytes.len()).filter(|&i| starts(i)).find_map(|i| {
        let ends = |n: usize| !bytes.get(i + n).is_some_and(u8::is_ascii_digit);
        let dashed = || {
            let head = name.get(i..i + 10).filter(|_| ends(10))?;
            ["%Y-%m-%d", "%Y_%m_%d"].iter().find_map(|f| NaiveDate::parse_from_str(head, f).ok())
        };
        let digits =
            |n: usize| name.get(i..i + n).filter(|head| ends(n) && head.bytes().all(|b| b.is_ascii_digit()));
        let day = |head: &str| NaiveDate::parse_from_str(head, "%Y%m%d").ok();
        let plain = || day(digits(8)?);
        let unix = || date_in_number(digits(10)?.parse().ok()?);
        // An hour after the day, and not unix seconds.
        let hour = || {
            let (head, hour) = digits(10)?.split_at(8);
            hour.parse().ok().filter(|hour: &u32| *hour < 24)?;
            day(head)
        };
        let told = |date: Option<NaiveDate>| date.filter(plausible);
        told(dashed()).or_else(|| told(plain())).or_else(|| told(hour())).or_else(|| told(unix()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_in_names_of_fronts() {
        for (name, want) in [
            ("front-2024-08-14.geojson", Some("2024-08-14")),
            ("front_2024_08_14", Some("2024-08-14")),
            ("front20240814.kml", Some("2024-08-14")),
            // At six in the morning, and as seconds.
            ("2024081406.geojson", Some("2024-08-14")),
            ("1723600000.geojson", Some("2024-08-14")),
            // No day that anyone can be sure of.
            ("front-2024-8-14.geojson", None),
            ("front-2024-08-9.geojson", None),
            ("front_10240814.geojson", None),
            ("-2024-08-9", None),
            ("front_202408141", None),
            ("2034567890123", None),
            ("лінія_2024-08-14", Some("2024-08-14")),
            ("", None),
        ] {
            let day = date_in_name(name).map(|d| d.to_string());
            assert_eq!(day.as_deref(), want, "{name}");
        }
    }
}
