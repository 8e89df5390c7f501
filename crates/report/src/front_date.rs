//! The day that a front line is of: from a property or the name of its file.

use std::collections::BTreeSet;

use chrono::NaiveDate;
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

/// The first date in a file name: `2024-08-14`, `2024_08_14`, `20240814` or ten digits of unix seconds, not within a
/// longer number.
pub(crate) fn date_in_name(name: &str) -> Option<NaiveDate> {
    let bytes = name.as_bytes();
    (0..bytes.len()).filter(|&i| i == 0 || !bytes[i - 1].is_ascii_digit()).find_map(|i| {
        let ends = |n: usize| !bytes.get(i + n).is_some_and(u8::is_ascii_digit);
        let dashed = || {
            let head = name.get(i..i + 10).filter(|_| ends(10))?;
            ["%Y-%m-%d", "%Y_%m_%d"].iter().find_map(|f| NaiveDate::parse_from_str(head, f).ok())
        };
        let plain = || {
            let head = name.get(i..i + 8).filter(|h| ends(8) && h.bytes().all(|b| b.is_ascii_digit()))?;
            NaiveDate::parse_from_str(head, "%Y%m%d").ok()
        };
        let unix = || {
            let head = name.get(i..i + 10).filter(|h| ends(10) && h.bytes().all(|b| b.is_ascii_digit()))?;
            date_in_number(head.parse().ok()?)
        };
        dashed().or_else(plain).or_else(unix)
    })
}
