//! What callers pass beside keys and values: lifetimes, sizes.

use std::time::Duration;

use hostcache::{CounterOptions, Lifetime};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyFloat, PyInt, PyString};

use crate::errors::raise;

/// `None`: the default; a number of seconds or a timedelta; `inf`: for ever.
pub(crate) fn lifetime(ttl: Option<&Bound<'_, PyAny>>) -> PyResult<Lifetime> {
    match ttl {
        None => Ok(Lifetime::Default),
        Some(ttl) => Ok(duration(ttl)?.map_or(Lifetime::Forever, Lifetime::Ttl)),
    }
}

/// A time to live; `None` is for ever.
pub(crate) fn duration(ttl: &Bound<'_, PyAny>) -> PyResult<Option<Duration>> {
    let seconds = if ttl.is_instance_of::<PyDelta>() {
        ttl.call_method0("total_seconds")?.extract::<f64>()?
    } else if is_number(ttl) {
        ttl.extract::<f64>()?
    } else {
        return Err(PyTypeError::new_err(format!(
            "a ttl is a number of seconds, a timedelta, or None for the default, not {}",
            ttl.get_type().name()?
        )));
    };
    if seconds.is_nan() || seconds < 0.0 {
        return Err(PyValueError::new_err(format!(
            "a ttl is 0 seconds or more, not {seconds}: 0 expires at once, math.inf never"
        )));
    }
    // What no Duration holds is for ever, for all that anybody will see of it.
    Ok(Duration::try_from_secs_f64(seconds).ok())
}

/// Seconds as the nearest float (up to 104 days, whose nanoseconds a float holds): seconds and fraction added would be
/// rounded twice, and a ttl of 2.563 would come back as 2.5629999999999997.
pub(crate) fn seconds(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e9
}

fn is_number(ttl: &Bound<'_, PyAny>) -> bool {
    (ttl.is_instance_of::<PyFloat>() || ttl.is_instance_of::<PyInt>())
        && !ttl.is_instance_of::<PyBool>()
}

/// A number of bytes, or a text such as `"256MiB"`.
pub(crate) fn size(size: &Bound<'_, PyAny>) -> PyResult<u64> {
    if let Ok(text) = size.cast::<PyString>() {
        let text = text.to_str()?;
        return parse_size(text).ok_or_else(|| {
            PyValueError::new_err(format!(
                "{text:?} is no size: use a number of bytes, or 64KiB, 256MiB, 2GiB"
            ))
        });
    }
    if size.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(
            "a size is an int or a text such as \"256MiB\", not bool",
        ));
    }
    size.extract()
}

fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Of a counter that may have to be made.
pub(crate) fn counter_options(
    initial: Option<u64>,
    ttl: Option<&Bound<'_, PyAny>>,
) -> PyResult<CounterOptions> {
    let mut options = CounterOptions::new().encoding(hostcache::encoding::INTEGER);
    if let Some(initial) = initial {
        options = options.initial(initial);
    }
    if let Some(ttl) = ttl.map(duration).transpose()?.flatten() {
        options = options.ttl(ttl);
    }
    Ok(options)
}

/// A group by its id or name.
pub(crate) fn group_of(group: &Bound<'_, PyAny>) -> PyResult<u32> {
    if group.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err("a group is a name or an id, not bool"));
    }
    let Ok(name) = group.cast::<PyString>() else { return group.extract() };
    match hostcache::group_id(name.to_str()?) {
        Some(gid) => Ok(gid),
        None => Err(raise("InvalidSettingError", &format!("there is no group {name}"))),
    }
}
