//! How deep JSON is nested. Nothing taken here needs more than a few levels, and whoever reads a value within a value may
//! count on it that there are not thousands.

/// Deeper than any settings file, shallower than any stack.
pub(super) const DEPTH_MAX: usize = 64;

/// Whether brackets are nested deeper than that. What stands in strings does not count; what is not JSON may be answered
/// either way.
pub(super) fn is_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn the_deepest_bracket_counts() {
        assert!(!is_too_deep(nested(DEPTH_MAX).as_bytes()));
        assert!(is_too_deep(nested(DEPTH_MAX + 1).as_bytes()));
        let side_by_side = format!("[{}]", vec!["{}"; 1_000].join(","));
        assert!(!is_too_deep(side_by_side.as_bytes()));
    }

    #[test]
    fn brackets_in_strings_are_text() {
        let text = "[".repeat(1_000);
        assert!(!is_too_deep(format!("{{\"a\": \"{text}\"}}").as_bytes()));
        assert!(!is_too_deep(format!("{{\"a\": \"\\\"{text}\"}}").as_bytes()));
        assert!(is_too_deep(format!("{{\"a\": \"\\\\\", \"b\": {text}}}").as_bytes()));
    }
}
