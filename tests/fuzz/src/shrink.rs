//! The smallest text that still shows a failure.

use crate::mutate;
use std::time::{Duration, Instant};

/// Takes out lines, then tokens, as long as `fails` says so, for at most `limit`.
pub fn shrink(text: &str, limit: Duration, fails: &mut dyn FnMut(&str) -> bool) -> String {
    let until = Instant::now() + limit;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let smaller = fewer(lines, until, fails);
    let tokens = mutate::tokens(&smaller);
    fewer(tokens, until, fails)
}

/// Leaves out ever smaller stretches of parts.
fn fewer(parts: Vec<&str>, until: Instant, fails: &mut dyn FnMut(&str) -> bool) -> String {
    let mut parts = parts;
    let mut stretch = parts.len() / 2;
    while stretch > 0 {
        let mut at = 0;
        let mut smaller = false;
        while at < parts.len() {
            if Instant::now() > until {
                return parts.concat();
            }
            let end = (at + stretch).min(parts.len());
            let left: Vec<&str> = parts.iter().take(at).chain(parts.iter().skip(end)).copied().collect();
            if fails(&left.concat()) {
                parts = left;
                smaller = true;
            } else {
                at = end;
            }
        }
        if !smaller {
            stretch /= 2;
        }
    }
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::shrink;
    use std::time::Duration;

    #[test]
    fn what_does_not_matter_is_left_out() {
        let text = "fn f() {\n  let a = 1\n  crash(a + 2)\n}\n";
        let small = shrink(text, Duration::from_secs(5), &mut |text| text.contains("crash"));
        assert_eq!(small, "crash");
    }
}
