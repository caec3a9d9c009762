//! One line of a trace: `key_id,size,op,ttl[,ts_ms]`, a comment, or the start of a phase.

use super::Op;

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Nothing: empty, or a comment.
    Nothing,
    /// A phase of this name begins.
    Phase(&'a [u8]),
    /// A request.
    Request(Fields),
}

/// The fields of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) key_id: u64,
    pub(super) size: u32,
    pub(super) op: Op,
    pub(super) ttl_secs: u32,
    pub(super) ts_ms: Option<u32>,
}

/// Reads one line, with or without its line end; the error says which field is wrong.
pub(super) fn parse(line: &[u8]) -> Result<Line<'_>, String> {
    if let Some(rest) = line.strip_prefix(b"#phase")
        && rest.first().is_none_or(u8::is_ascii_whitespace)
    {
        let name = rest.trim_ascii();
        return if name.is_empty() {
            Err("#phase without a name: write #phase NAME".into())
        } else {
            Ok(Line::Phase(name))
        };
    }
    let content = line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
    if content.is_empty() {
        return Ok(Line::Nothing);
    }
    let mut fields = content.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let fields = Fields {
        key_id: number(fields.next(), "key_id", u64::MAX)?,
        size: number32(fields.next(), "size")?,
        op: op(fields.next())?,
        ttl_secs: number32(fields.next(), "ttl")?,
        ts_ms: match fields.next() {
            None => None,
            field => Some(number32(field, "ts_ms")?),
        },
    };
    // Counted on the content: the iterator above stops at the fifth field.
    match content.iter().filter(|&&byte| byte == b',').count() {
        3 | 4 => Ok(Line::Request(fields)),
        commas => Err(format!("{} fields: key_id,size,op,ttl[,ts_ms] has 4 or 5", commas + 1)),
    }
}

fn op(field: Option<&[u8]>) -> Result<Op, String> {
    match field {
        Some(b"g") => Ok(Op::Get),
        Some(b"s") => Ok(Op::Set),
        Some(b"d") => Ok(Op::Delete),
        Some(other) => Err(format!(
            "op is {:?}: use g (get, set on a miss), s (set) or d (delete)",
            String::from_utf8_lossy(other)
        )),
        None => Err(missing("op")),
    }
}

fn number32(field: Option<&[u8]>, name: &str) -> Result<u32, String> {
    // `number` has checked the range.
    number(field, name, u64::from(u32::MAX)).map(|value| value as u32)
}

fn number(field: Option<&[u8]>, name: &str, max: u64) -> Result<u64, String> {
    let digits = field.ok_or_else(|| missing(name))?;
    let value = digits.iter().try_fold(0u64, |value, byte| match byte {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    });
    match value {
        Some(value) if value <= max && !digits.is_empty() => Ok(value),
        _ => Err(format!(
            "{name} is {:?}: a whole number from 0 to {max} is expected",
            String::from_utf8_lossy(digits)
        )),
    }
}

fn missing(name: &str) -> String {
    format!("{name} is missing: a line is key_id,size,op,ttl[,ts_ms]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(key_id: u64, size: u32, op: Op, ttl_secs: u32, ts_ms: Option<u32>) -> Line<'static> {
        Line::Request(Fields { key_id, size, op, ttl_secs, ts_ms })
    }

    #[test]
    fn requests_are_read_with_and_without_a_time() {
        assert_eq!(parse(b"0,737,g,0\n"), Ok(request(0, 737, Op::Get, 0, None)));
        assert_eq!(parse(b"17,24,s,30,1500"), Ok(request(17, 24, Op::Set, 30, Some(1500))));
        assert_eq!(parse(b" 9 , 17 , d , 0 \r\n"), Ok(request(9, 17, Op::Delete, 0, None)));
        assert_eq!(parse(b"1,2,g,3 # why"), Ok(request(1, 2, Op::Get, 3, None)));
        let largest = b"18446744073709551615,4294967295,g,4294967295,4294967295";
        let max = u32::MAX;
        assert_eq!(parse(largest), Ok(request(u64::MAX, max, Op::Get, max, Some(max))));
    }

    #[test]
    fn comments_and_empty_lines_say_nothing() {
        for line in ["", "\n", "  \r\n", "# made by hand\n", "#phases are not used here"] {
            assert_eq!(parse(line.as_bytes()), Ok(Line::Nothing), "{line:?}");
        }
    }

    #[test]
    fn a_phase_has_a_name() {
        assert_eq!(parse(b"#phase 100B\n"), Ok(Line::Phase(b"100B")));
        assert_eq!(parse(b"#phase  warm up \r\n"), Ok(Line::Phase(b"warm up")));
        for line in ["#phase", "#phase \n"] {
            assert!(parse(line.as_bytes()).is_err(), "{line:?}");
        }
    }

    #[test]
    fn a_wrong_line_names_its_field() {
        for (line, part) in [
            ("x,17,g,0", "key_id is \"x\""),
            (",17,g,0", "key_id is \"\""),
            ("-1,17,g,0", "key_id is \"-1\""),
            ("18446744073709551616,17,g,0", "key_id"),
            ("1,4294967296,g,0", "size is \"4294967296\""),
            ("1", "size is missing"),
            ("1,17", "op is missing"),
            ("1,17,get,0", "op is \"get\""),
            ("1,17,g", "ttl is missing"),
            ("1,17,g,1.5", "ttl is \"1.5\""),
            ("1,17,g,0,soon", "ts_ms is \"soon\""),
            ("1,17,g,0,", "ts_ms is \"\""),
            ("1,17,g,0,5,6", "6 fields"),
        ] {
            let message = parse(line.as_bytes()).expect_err(line);
            assert!(message.contains(part), "{line:?} gave {message:?}");
        }
    }
}
