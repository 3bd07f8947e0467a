//! Names of management beans, as Java's `ObjectName` takes them: `domain:key=value,key=value`.

use std::collections::BTreeSet;

/// Whether a name is a pattern, that is, has a `*` or `?` that is neither escaped nor in a key; `None` if it is no valid name.
pub(super) fn is_pattern(name: &str) -> Option<bool> {
    let (domain, mut rest) = name.split_once(':')?;
    if domain.contains('\n') {
        return None;
    }
    let mut pattern = domain.contains(['*', '?']);
    let mut keys = BTreeSet::new();
    loop {
        let (key, value_is_pattern, behind) = property(rest)?;
        if !keys.insert(key) {
            return None;
        }
        pattern |= value_is_pattern;
        if behind.is_empty() {
            return Some(pattern);
        }
        rest = behind.strip_prefix(',')?;
    }
}

/// The first property: its key, whether it is a pattern, and what follows it. A lone `*` stands for any further properties.
fn property(text: &str) -> Option<(&str, bool, &str)> {
    if let Some(behind) = text.strip_prefix('*')
        && (behind.is_empty() || behind.starts_with(','))
    {
        return Some(("*", true, behind));
    }
    let (key, value) = text.split_once('=')?;
    if key.is_empty() || key.contains([',', ':', '*', '?', '\n']) {
        return None;
    }
    if let Some(quoted) = value.strip_prefix('"') {
        let (pattern, behind) = quoted_value(quoted)?;
        return Some((key, pattern, behind));
    }
    let (value, behind) = value.split_at(value.find(',').unwrap_or(value.len()));
    if value.contains(['=', ':', '"', '\n']) {
        return None;
    }
    Some((key, value.contains(['*', '?']), behind))
}

/// Behind an opening quote: whether the value is a pattern, and what follows the closing quote.
fn quoted_value(text: &str) -> Option<(bool, &str)> {
    let mut pattern = false;
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((pattern, text.get(index + 1..)?)),
            '\n' => return None,
            '*' | '?' => pattern = true,
            '\\' => match characters.next()?.1 {
                '\\' | '"' | '*' | '?' | 'n' => {}
                _ => return None,
            },
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::is_pattern;

    #[test]
    fn names_and_patterns() {
        for (name, expected) in [
            ("a:b=c", Some(false)),
            ("a:b=", Some(false)),
            (":b=c", Some(false)),
            ("a b:c d=e f", Some(false)),
            ("a:b=c,d=*", Some(true)),
            ("a:b=c,*", Some(true)),
            ("a:*,b=c", Some(true)),
            ("a*:b=c", Some(true)),
            ("a:b=?", Some(true)),
            ("a:*", Some(true)),
            ("a:b=\"x,y\"", Some(false)),
            ("a:b=\"c*d\"", Some(true)),
            ("a:b=\"c\\*d\"", Some(false)),
            ("a:b=\"c\\\"d\"", Some(false)),
            ("a:b=\"c\\d\"", None),
            ("a:b=\"c", None),
            ("a:b=\"c\"d", None),
            ("a:b=c,b=d", None),
            ("a:*,*", None),
            ("a:b", None),
            ("a:=c", None),
            ("a:b=c,", None),
            ("a:,b=c", None),
            ("a:b=c:d", None),
            ("a:b=c=d", None),
            ("a:b*=c", None),
            ("a:b=c\nd", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(is_pattern(name), expected, "{name}");
        }
    }
}
