use std::time::Duration;

/// Reads a duration as Terraform writes them: numbers with units, such as `30s`, `5m` or `1h30m`.
///
/// Units are `h`, `m`, `s` and `ms`; numbers may have a fraction (`1.5h`). The whole must be more than zero.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(unit_at);
        let next_at = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, remaining) = tail.split_at(next_at);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        let number: f64 = number.parse().ok()?;
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = remaining;
    }
    (!total.is_zero() && total <= MAX_DURATION).then_some(total)
}

/// Longer ones could overflow a clock's arithmetic.
const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_with_units_add_up() {
        for (text, milliseconds) in [
            ("30s", 30_000),
            ("5m", 300_000),
            ("2h45m", 9_900_000),
            ("1.5h", 5_400_000),
            ("250ms", 250),
            (".5s", 500),
        ] {
            let expected = Duration::from_millis(milliseconds);
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_duration() {
        let texts = [
            "",
            "5",
            "m",
            "5 m",
            "-5m",
            "5d",
            "0s",
            "5m ",
            "1e9h",
            "9999999999999h",
            "٣s",
            "1..5h",
        ];
        for text in texts {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String) {
            let _ = parse(&text);
        }
    }
}
