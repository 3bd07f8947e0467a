//! Numbers in Cassandra's words.

const UNITS: [(&str, f64); 4] =
    [("TiB", 1_099_511_627_776.0), ("GiB", 1_073_741_824.0), ("MiB", 1_048_576.0), ("KiB", 1024.0)];

/// A number with up to two decimals, none where they are zero.
fn up_to_two_decimals(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A size as in `status` and `info`: `317.07 KiB`, `8 MiB`, `79 bytes`.
pub(super) fn file_size(bytes: f64) -> String {
    for (unit, size) in UNITS {
        if bytes >= size {
            return format!("{} {unit}", up_to_two_decimals(bytes / size));
        }
    }
    format!("{} bytes", up_to_two_decimals(bytes))
}

/// A size as in `tablestats`: `4.949KiB`, `0B`.
pub(super) fn memory(bytes: u64) -> String {
    for (unit, size) in UNITS.iter().skip(1) {
        if bytes as f64 >= *size {
            return format!("{:.3}{unit}", bytes as f64 / size);
        }
    }
    format!("{bytes}B")
}

/// A rate with three decimals; nothing of nothing is not a number.
pub(super) fn rate(part: u64, whole: u64) -> String {
    if whole == 0 { "NaN".to_owned() } else { format!("{:.3}", part as f64 / whole as f64) }
}

/// `2026-11-21 16:05:25,123`, UTC, of milliseconds since the epoch.
pub(super) fn date_time(millis: i64) -> String {
    let days = millis.div_euclid(86_400_000);
    let in_day = millis.rem_euclid(86_400_000);
    let (year, month, day) = civil(days);
    let (seconds, millis) = (in_day / 1000, in_day % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02},{millis:03}")
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar: whole eras of 400 years, then years that
/// begin in March, so that the leap day is a year's last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, expected) in [
            (0.0, "0 bytes"),
            (79.0, "79 bytes"),
            (1024.0, "1 KiB"),
            (324_680.0, "317.07 KiB"),
            (8_388_608.0, "8 MiB"),
            (1.5 * 1_099_511_627_776.0, "1.5 TiB"),
        ] {
            assert_eq!(file_size(bytes), expected);
        }
        for (bytes, expected) in [(0, "0B"), (26, "26B"), (5068, "4.949KiB"), (1 << 30, "1.000GiB")] {
            assert_eq!(memory(bytes), expected);
        }
        assert_eq!((rate(263, 340), rate(0, 0)), ("0.774".to_owned(), "NaN".to_owned()));
    }

    #[test]
    fn dates() {
        for (millis, expected) in [
            (0, "1970-01-01 00:00:00,000"),
            (951_827_696_789, "2000-02-29 12:34:56,789"),
            (1_795_277_125_001, "2026-11-21 16:05:25,001"),
            (-1, "1969-12-31 23:59:59,999"),
        ] {
            assert_eq!(date_time(millis), expected);
        }
    }
}
