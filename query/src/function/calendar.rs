//! Days and months, and adding durations to them. As in Java, dates before 15 October 1582 are those of the Julian calendar.

/// Milliseconds of a day.
pub(super) const MILLIS_PER_DAY: i64 = 86_400_000;

/// 1582-10-15, the first day of the Gregorian calendar.
const GREGORIAN: i64 = -141_427;

/// Year, month (1–12) and day (1–31) of a count of days since 1970-01-01.
fn civil_of_days(days: i64) -> (i64, i64, i64) {
    if days < GREGORIAN {
        return julian_of_days(days);
    }
    // Years that begin on 1 March, in eras of 400: the leap day is the last of its year then.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    civil(year_of_era + era * 400, day_of_year)
}

/// The same in the Julian calendar.
fn julian_of_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_470;
    let year = (4 * shifted + 3).div_euclid(1461);
    civil(year, shifted - 365 * year - year.div_euclid(4))
}

/// A date by the year that begins on 1 March and the day in it.
fn civil(year: i64, day_of_year: i64) -> (i64, i64, i64) {
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year + i64::from(month <= 2), month, day)
}

/// Days since 1970-01-01 of a date.
fn days_of_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    match era * 146_097 + day_of_era - 719_468 {
        days if days < GREGORIAN => year * 365 + year.div_euclid(4) + day_of_year - 719_470,
        days => days,
    }
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year <= 1582 || year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// So many months after a day; the day of the month is cut to the month's length.
pub(super) fn add_months(days: i64, months: i64) -> i64 {
    let (year, month, day) = civil_of_days(days);
    let count = year * 12 + (month - 1) + months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    days_of_civil(year, month, day.min(month_length(year, month)))
}

/// So many months and milliseconds after a moment in milliseconds since the epoch.
pub(super) fn add_to_millis(millis: i64, months: i64, more_millis: i64) -> i64 {
    if months == 0 {
        return millis.wrapping_add(more_millis);
    }
    let days = add_months(millis.div_euclid(MILLIS_PER_DAY), months);
    (days * MILLIS_PER_DAY + millis.rem_euclid(MILLIS_PER_DAY)).wrapping_add(more_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree() {
        for days in (-1_000_000..1_000_000).step_by(37).chain(GREGORIAN - 1..=GREGORIAN) {
            let (year, month, day) = civil_of_days(days);
            assert_eq!(days_of_civil(year, month, day), days);
            assert!((1..=12).contains(&month) && (1..=month_length(year, month)).contains(&day));
        }
        assert_eq!(civil_of_days(18_262), (2020, 1, 1));
        assert_eq!(civil_of_days(GREGORIAN), (1582, 10, 15));
        assert_eq!(civil_of_days(GREGORIAN - 1), (1582, 10, 4));
    }

    #[test]
    fn months_are_cut_to_their_length() {
        let day = days_of_civil(2020, 1, 31);
        assert_eq!(add_months(day, 1), days_of_civil(2020, 2, 29));
        assert_eq!(add_months(day, 13), days_of_civil(2021, 2, 28));
        assert_eq!(add_months(day, -2), days_of_civil(2019, 11, 30));
    }
}
