//! How long snapshots are kept: `snapshots.expiry`, such as `3d` or `1w 2H`.

use chrono::{DateTime, Datelike, Days, Months, NaiveTime, TimeDelta, Utc};

/// The units, each at most once: minutes, hours, days, weeks, months and years.
const UNITS: [char; 6] = ['M', 'H', 'd', 'w', 'm', 'y'];

/// The end of a lifetime that begins at `from`. `None` if the text is no lifetime, or ends beyond all calendars.
pub(super) fn end(from: DateTime<Utc>, text: &str) -> Option<DateTime<Utc>> {
    let mut counts = [0_u32; UNITS.len()];
    for part in text.trim().split(' ') {
        let unit = part.chars().last()?;
        let place = UNITS.iter().position(|known| *known == unit)?;
        let digits =
            part.strip_suffix(unit).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        if counts[place] > 0 {
            return None;
        }
        counts[place] = digits.parse().ok()?;
    }
    let [minutes, hours, days, weeks, months, years] = counts;
    let date = later(from, years.checked_mul(12)?.checked_add(months)?)?;
    let date = date.checked_add_days(Days::new(u64::from(days) + 7 * u64::from(weeks)))?;
    let time = TimeDelta::hours(i64::from(hours)) + TimeDelta::minutes(i64::from(minutes));
    date.checked_add_signed(time)
}

/// Months later. A day that the month doesn't have is counted on into the next one, as in Go.
fn later(from: DateTime<Utc>, months: u32) -> Option<DateTime<Utc>> {
    let first = from.date_naive().with_day(1)?.checked_add_months(Months::new(months))?;
    let date = first.checked_add_days(Days::new(u64::from(from.day0())))?;
    let time: NaiveTime = from.time();
    Some(date.and_time(time).and_utc())
}

#[cfg(test)]
mod tests {
    use super::end;

    fn after(text: &str) -> Option<String> {
        let from = "2026-01-31T10:00:00Z".parse().ok()?;
        Some(end(from, text)?.format("%Y-%m-%d %H:%M").to_string())
    }

    #[test]
    fn lifetimes_are_counted_on_the_calendar() {
        for (text, expected) in [
            ("3d", "2026-02-03 10:00"),
            ("1M 2H", "2026-01-31 12:01"),
            ("1w", "2026-02-07 10:00"),
            ("1m", "2026-03-03 10:00"),
            ("1y 1d", "2027-02-01 10:00"),
        ] {
            assert_eq!(after(text).as_deref(), Some(expected), "{text}");
        }
        for odd in ["3", "d", "3x", "3d 4d", "-3d", "3d  4H", "99999999999d", "4294967295y"] {
            assert_eq!(after(odd), None, "{odd}");
        }
    }
}
