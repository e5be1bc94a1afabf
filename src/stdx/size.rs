//! Amounts of bytes in words: `"4GiB"` in files, `1.2 GiB` on screens.

/// Reads `512MiB`, `4GiB`, `1.5 TB`, `4096`: a number with a unit of 1000 (`kB MB GB TB`) or 1024 (`KiB MiB GiB TiB`), or bytes.
///
/// # Errors
/// A sentence that says what was expected, without the place: the caller knows it.
pub fn parse(text: &str) -> Result<u64, String> {
    let expected = || format!("`{text}` is not a size; write a number with a unit, such as \"512MiB\" or \"4GiB\"");
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..split].parse().map_err(|_| expected())?;
    let factor: f64 = match text[split..].trim() {
        "" | "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err(expected()),
    };
    let bytes = number * factor;
    // 2^53: beyond it a float does not count single bytes, and no machine has so many.
    if bytes.is_finite() && (0.0..9_007_199_254_740_992.0).contains(&bytes) { Ok(bytes as u64) } else { Err(expected()) }
}

/// At most eight columns: `17 B`, `1.2 KiB`, `340 MiB`, `4.0 GiB`.
pub fn short(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 { format!("{value:.0} {}", UNITS[unit]) } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_unit_and_nonsense_is_named() {
        assert_eq!(parse("4096"), Ok(4096));
        assert_eq!(parse("4GiB"), Ok(4 << 30));
        assert_eq!(parse("1.5 kB"), Ok(1500));
        for wrong in ["", "GiB", "4 gigs", "-1", "1e400", "9999999TiB"] {
            assert!(parse(wrong).unwrap_err().contains("is not a size"), "{wrong}");
        }
    }

    #[test]
    fn a_size_is_shown_in_a_few_columns() {
        let shown = [0, 17, 999, 1000, 1_234, 348_127_232, 4 << 30, u64::MAX].map(short);
        assert_eq!(shown, ["0 B", "17 B", "999 B", "1.0 KiB", "1.2 KiB", "332 MiB", "4.0 GiB", "16777216 TiB"]);
    }
}
