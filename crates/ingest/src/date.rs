//! Dates as people, satellites and standards write them.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// Years in which a very-high-resolution image can have been taken. A date outside is a number that only
/// looks like one.
const YEARS: std::ops::RangeInclusive<i32> = 1980..=2100;

/// The instant that `text` names: RFC 3339 with every liberty that metadata take with it.
///
/// A space may stand for the `T`; colons or slashes for the dashes of the date (`2024:08:05 08:41:00`, as TIFF
/// has it); the seconds, their fraction, the time and the zone may be missing. No zone means UTC, no time
/// means midnight. `None` where it is no date of 1980–2100.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let date = date_of(text.get(..10)?)?;
    let rest = text.get(10..)?;
    let rest = rest.strip_prefix(['T', 't']).unwrap_or(rest).trim();
    let rest = rest.strip_suffix("UTC").unwrap_or(rest);
    let rest = rest.strip_suffix(['Z', 'z']).unwrap_or(rest).trim();
    if rest.is_empty() {
        return Some(date.and_time(NaiveTime::MIN).and_utc());
    }
    let (clock, offset_minutes) = match rest.rfind(['+', '-']) {
        Some(at) => (rest[..at].trim(), offset(&rest[at..])?),
        None => (rest, 0),
    };
    let time = ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|f| NaiveTime::parse_from_str(clock, f).ok())?;
    date.and_time(time).and_utc().checked_sub_signed(chrono::TimeDelta::minutes(offset_minutes))
}

/// `yyyy-mm-dd`, `yyyy:mm:dd` or `yyyy/mm/dd`.
fn date_of(text: &str) -> Option<NaiveDate> {
    let b = text.as_bytes();
    if b.len() != 10 || b[4] != b[7] || !matches!(b[4], b'-' | b':' | b'/') {
        return None;
    }
    ymd(number(&b[..4])?, number(&b[5..7])?, number(&b[8..])?)
}

/// Minutes east of Greenwich of `+hh:mm`, `+hhmm` or `+hh`.
fn offset(text: &str) -> Option<i64> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: Vec<u8> = text.bytes().skip(1).filter(|b| *b != b':').collect();
    let minutes = match digits.len() {
        2 => number(&digits)? * 60,
        4 => number(&digits[..2])? * 60 + number(&digits[2..])?,
        _ => return None,
    };
    Some(sign * i64::from(minutes))
}

/// The first date in a file or folder name.
///
/// Knows `2024-08-12` (also with `_` or `.`), `20240812`, `20240812084100`, `20240812T084100`, `12AUG2024` and
/// `24AUG12084100` (as Maxar names strips). Digits beside it must not belong to a longer number, and the day
/// must exist. `None` where there is none.
pub(crate) fn in_name(name: &str) -> Option<DateTime<Utc>> {
    let b = name.as_bytes();
    (0..b.len()).filter(|&i| b[i].is_ascii_digit() && (i == 0 || !b[i - 1].is_ascii_digit())).find_map(|i| {
        let run = digits_at(b, i);
        match run {
            14 => compact(&b[i..i + 8], &b[i + 8..i + 14]),
            8 => {
                let follows_t = matches!(b.get(i + 8), Some(b'T' | b't')) && digits_at(b, i + 9) == 6;
                let timed = if follows_t { compact(&b[i..i + 8], &b[i + 9..i + 15]) } else { None };
                timed.or_else(|| compact(&b[i..i + 8], b"000000"))
            }
            4 => separated(b, i),
            1 | 2 => lettered(b, i, run),
            _ => None,
        }
    })
}

/// The instant in the fourteen places of a NITF header, `yyyymmddhhmmss`; where the clock is not known whole (`--`), that of the
/// day. `None` where the day is not.
pub(crate) fn in_digits(text: &str) -> Option<DateTime<Utc>> {
    let b = text.trim().as_bytes();
    let (date, clock) = (b.get(..8)?, b.get(8..14)?);
    compact(date, clock).or_else(|| compact(date, b"000000"))
}

/// Length of the run of digits that begins at `i`.
fn digits_at(b: &[u8], i: usize) -> usize {
    b.iter().skip(i).take_while(|c| c.is_ascii_digit()).count()
}

/// `yyyymmdd` and `hhmmss`.
fn compact(date: &[u8], clock: &[u8]) -> Option<DateTime<Utc>> {
    let day = ymd(number(&date[..4])?, number(&date[4..6])?, number(&date[6..8])?)?;
    at_clock(day, clock)
}

/// `yyyy-mm-dd` at `i`, with one of `-`, `_`, `.` twice.
fn separated(b: &[u8], i: usize) -> Option<DateTime<Utc>> {
    let text = b.get(i..i + 10)?;
    let same = text[4] == text[7] && matches!(text[4], b'-' | b'_' | b'.');
    if !same || digits_at(text, 5) != 2 || digits_at(b, i + 8) != 2 {
        return None;
    }
    let day = ymd(number(&text[..4])?, number(&text[5..7])?, number(&text[8..10])?)?;
    at_clock(day, b"000000")
}

/// `12AUG2024`, or `24AUG12084100` with the year first, at `i`.
fn lettered(b: &[u8], i: usize, run: usize) -> Option<DateTime<Utc>> {
    const MONTHS: [&[u8]; 12] =
        [b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC"];
    let name = b.get(i + run..i + run + 3)?.to_ascii_uppercase();
    let month = MONTHS.iter().position(|m| *m == name)? as i32 + 1;
    let (first, tail) = (number(&b[i..i + run])?, i + run + 3);
    match digits_at(b, tail) {
        4 => at_clock(ymd(number(&b[tail..tail + 4])?, month, first)?, b"000000"),
        // The day of the month, a year and hours and minutes after it? Where it may be either it tells nothing.
        8 if run == 2
            && ymd(number(&b[tail..tail + 4])?, month, first).is_some()
            && at_clock(NaiveDate::MIN, &[&b[tail + 4..tail + 8], b"00"].concat()).is_some() =>
        {
            None
        }
        8 if run == 2 => {
            let year = if first >= 80 { 1900 + first } else { 2000 + first };
            at_clock(ymd(year, month, number(&b[tail..tail + 2])?)?, &b[tail + 2..tail + 8])
        }
        _ => None,
    }
}

/// That day at `hhmmss`.
fn at_clock(day: NaiveDate, clock: &[u8]) -> Option<DateTime<Utc>> {
    let part = |r: std::ops::Range<usize>| number(&clock[r]).and_then(|n| u32::try_from(n).ok());
    let time = NaiveTime::from_hms_opt(part(0..2)?, part(2..4)?, part(4..6)?)?;
    Some(NaiveDateTime::new(day, time).and_utc())
}

/// A day that exists, of 1980–2100.
fn ymd(year: i32, month: i32, day: i32) -> Option<NaiveDate> {
    let date = NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)?;
    YEARS.contains(&date.year()).then_some(date)
}

/// The number that ASCII digits make.
fn number(digits: &[u8]) -> Option<i32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(d: Option<DateTime<Utc>>) -> Option<String> {
        d.map(|d| d.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
    }

    #[test]
    fn instants_as_metadata_write_them() {
        for (text, want) in [
            ("2024-08-12T08:41:07Z", Some("2024-08-12T08:41:07")),
            ("2024-08-12T08:41:07.250000Z", Some("2024-08-12T08:41:07.250")),
            ("2024-08-12 08:41:07Z", Some("2024-08-12T08:41:07")),
            ("2024-08-12 08:41:07", Some("2024-08-12T08:41:07")),
            ("2024-08-12t08:41:07z", Some("2024-08-12T08:41:07")),
            ("2024-08-12T08:41", Some("2024-08-12T08:41:00")),
            ("2024-08-12T11:41:07+03:00", Some("2024-08-12T08:41:07")),
            ("2024-08-12 03:11:07.5-0530", Some("2024-08-12T08:41:07.500")),
            ("2024-08-12 08:41:07 UTC", Some("2024-08-12T08:41:07")),
            ("2024:08:05 08:41:00", Some("2024-08-05T08:41:00")),
            (" 2024-08-12 ", Some("2024-08-12T00:00:00")),
            ("2024-02-30T00:00:00Z", None),
            ("0000:00:00 00:00:00", None),
            ("1970-01-01T00:00:00Z", None),
            ("2024-08-12T25:00:00Z", None),
            ("2024-08-12Tmorning", None),
            ("tomorrow", None),
            ("", None),
            ("2024-08-é2", None),
        ] {
            assert_eq!(shown(instant(text)).as_deref(), want, "{text:?}");
        }
    }

    #[test]
    fn dates_in_the_header_of_a_nitf() {
        for (text, want) in [
            ("20240812084107", Some("2024-08-12T08:41:07")),
            ("20240812------", Some("2024-08-12T00:00:00")),
            ("202408120841--", Some("2024-08-12T00:00:00")),
            ("2024----------", None),
            ("--------------", None),
            ("20241312084107", None),
            ("2024081", None),
        ] {
            assert_eq!(shown(in_digits(text)).as_deref(), want, "{text:?}");
        }
    }

    #[test]
    fn dates_in_names() {
        for (name, want) in [
            ("lgov_2024-08-12", Some("2024-08-12T00:00:00")),
            ("lgov_2024_08_12_v2", Some("2024-08-12T00:00:00")),
            ("2024.08.12", Some("2024-08-12T00:00:00")),
            ("m_4709963_se_14_1_20090818", Some("2009-08-18T00:00:00")),
            ("20240812084107", Some("2024-08-12T08:41:07")),
            ("S2_20240812T084107_x", Some("2024-08-12T08:41:07")),
            ("20240812T99", Some("2024-08-12T00:00:00")),
            ("12AUG2024", Some("2024-08-12T00:00:00")),
            ("site-5aug2024-b", Some("2024-08-05T00:00:00")),
            ("24AUG12084107-S2AS-012345678901", Some("2024-08-12T08:41:07")),
            ("23AUG20084507-S2AS-012345678901", Some("2023-08-20T08:45:07")),
            // The 5th at noon, or the 20th at 23:12 of 2005?
            ("05AUG20231200", None),
            ("tile_20241340_20240812", Some("2024-08-12T00:00:00")),
            ("123420240812", None),
            ("2024081212", None),
            ("2024-8-12", None),
            ("2024-08-123", None),
            ("2024-08_12", None),
            ("20230229", None),
            ("19790101", None),
            ("21010101", None),
            ("12XYZ2024", None),
            ("10300100F2A3B400-visual", None),
            ("Дніпро_20240812", Some("2024-08-12T00:00:00")),
            ("", None),
        ] {
            assert_eq!(shown(in_name(name)).as_deref(), want, "{name:?}");
        }
    }
}
