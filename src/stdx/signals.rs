//! What signals are called.

/// `9 (SIGKILL)`.
pub fn signal_name(number: i32) -> String {
    match nix::sys::signal::Signal::try_from(number) {
        Ok(signal) => format!("{number} ({signal})"),
        Err(_) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_named() {
        assert_eq!(signal_name(9), "9 (SIGKILL)");
        assert_eq!(signal_name(64), "64");
    }
}
