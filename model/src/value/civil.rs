//! The proleptic Gregorian calendar: days since 1970-01-01 to year, month and day, and back.

/// Days in 400 years.
const DAYS_PER_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_468;

/// A day of the calendar. Year 0 is 1 BC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CivilDate {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: u8,
    /// 1 to 31.
    pub(super) day: u8,
}

impl CivilDate {
    /// The day so many days after 1970-01-01. Counting years from March puts the leap day at their end.
    pub(super) fn from_epoch_days(days: i64) -> CivilDate {
        let shifted = days + DAYS_TO_EPOCH;
        let era = shifted.div_euclid(DAYS_PER_ERA);
        let day_of_era = shifted.rem_euclid(DAYS_PER_ERA);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u8;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        CivilDate { year, month, day }
    }

    /// Days since 1970-01-01.
    pub(super) fn epoch_days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH
    }

    /// True when month and day exist.
    pub(super) fn exists(self) -> bool {
        (1..=12).contains(&self.month) && (1..=self.days_in_month()).contains(&self.day)
    }

    /// The same, or the last day of the month when the day is beyond it.
    pub(super) fn clamped(self) -> CivilDate {
        CivilDate { day: self.day.min(self.days_in_month()), ..self }
    }

    fn days_in_month(self) -> u8 {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        match self.month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// Reads `yyyy-mm-dd` at the start of `text`: a year of four digits, or more with a sign; two digits for the others.
    /// Gives the day, which need not exist, and what follows. Years go to ±999999999.
    pub(super) fn parse_prefix(text: &str) -> Option<(CivilDate, &str)> {
        let (signed, unsigned) = match text.as_bytes().first()? {
            b'-' | b'+' => (true, text.get(1..)?),
            _ => (false, text),
        };
        let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
        let negative = text.starts_with('-');
        if !(4..=10).contains(&digits) || (!signed && digits > 4) || (signed && !negative && digits == 4) {
            return None;
        }
        let (year, rest) = unsigned.split_at_checked(digits)?;
        let year = year.parse::<i64>().ok().filter(|&year| year <= 999_999_999 && !(negative && year == 0))?;
        let (month, rest) = two_digits(rest.strip_prefix('-')?)?;
        let (day, rest) = two_digits(rest.strip_prefix('-')?)?;
        Some((CivilDate { year: if negative { -year } else { year }, month, day }, rest))
    }
}

/// Two digits and what follows them.
pub(super) fn two_digits(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    let number = digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())??;
    Some((number, rest))
}

/// A year as Java prints it: four digits, a plus before more.
pub(super) fn padded_year(year: i64) -> String {
    match year {
        10_000.. => format!("+{year}"),
        0.. => format!("{year:04}"),
        _ => format!("-{:04}", year.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn days_and_dates_agree(days in -200_000_000_000i64..200_000_000_000) {
            let date = CivilDate::from_epoch_days(days);
            prop_assert!(date.exists());
            prop_assert_eq!(date.epoch_days(), days);
            let next = CivilDate::from_epoch_days(days + 1);
            prop_assert!((next.year, next.month, next.day) > (date.year, date.month, date.day));
        }
    }
}
