//! From the crate's error families to the tree of `hostcache.errors`.

use hostcache::{OpenError, PinError, ReadError, WriteError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// Why an operation did not do what was asked.
#[derive(Debug)]
pub(crate) enum Trouble {
    Open(OpenError),
    Write(WriteError),
    Read(ReadError),
    Pin(PinError),
    /// A forgiving handle has no region at the moment.
    Absent(String),
    /// The handle was closed.
    Closed(String),
    /// An item is there, and its serializer can't read it.
    Unreadable(PyErr),
    /// Raised by Python, or for the caller's own mistake: never forgiven.
    Python(PyErr),
}

/// Boxed to keep answers small: it is looked at after every operation.
pub(crate) type Failure = Box<Trouble>;

macro_rules! from {
    ($($from:ty => $variant:ident),*) => {
        $(impl From<$from> for Failure {
            #[cold]
            fn from(error: $from) -> Self {
                Box::new(Trouble::$variant(error))
            }
        })*
    };
}

from!(OpenError => Open, WriteError => Write, ReadError => Read, PinError => Pin, PyErr => Python);

impl Trouble {
    /// Whether the region is what fails (it is missing, full, unreadable) and not the caller.
    pub(crate) fn is_of_the_region(&self) -> bool {
        match self {
            Self::Open(error) => is_of_the_region(error),
            Self::Write(WriteError::InvalidKey { .. } | WriteError::NotANumber { .. })
            | Self::Read(ReadError::InvalidKey { .. })
            | Self::Pin(PinError::InvalidKey { .. })
            | Self::Closed(_)
            | Self::Python(_) => false,
            Self::Write(_)
            | Self::Read(_)
            | Self::Pin(_)
            | Self::Absent(_)
            | Self::Unreadable(_) => true,
        }
    }

    pub(crate) fn into_pyerr(self) -> PyErr {
        match self {
            Self::Open(error) => open_error(error),
            Self::Write(error) => write_error(error),
            Self::Read(error) => read_error(error),
            Self::Pin(error) => pin_error(error),
            Self::Absent(name) => raise(
                "RegionMissingError",
                &format!(
                    "region {name:?} can't be attached to: it is looked for again once a second"
                ),
            ),
            Self::Closed(name) => raise(
                "ClosedError",
                &format!(
                    "the handle of region {name:?} is closed: make another, hostcache.Cache({name:?})"
                ),
            ),
            Self::Unreadable(error) | Self::Python(error) => error,
        }
    }
}

fn is_of_the_region(error: &OpenError) -> bool {
    !matches!(error, OpenError::InvalidName { .. } | OpenError::InvalidSetting { .. })
}

fn open_error_ref(error: &OpenError) -> PyErr {
    let text = error.to_string();
    let (kind, text) = match error {
        OpenError::InvalidName { .. } => ("InvalidNameError", text),
        OpenError::InvalidSetting { .. } => ("InvalidSettingError", text),
        OpenError::Missing { region, path } => (
            "RegionMissingError",
            format!(
                "no region {region:?} at {}: name a capacity, hostcache.Cache({region:?}, capacity=\"256MiB\"), \
                 or run `hostcache create {region} --capacity 256MiB`",
                path.display()
            ),
        ),
        OpenError::Exists { .. } => ("RegionExistsError", text),
        OpenError::CapacityDiffers { region, wanted, actual } => (
            "CapacityDiffersError",
            format!(
                "region {region:?} has a capacity of {actual} bytes, {wanted} were asked for exactly: leave \
                 exact=True out to attach as it is, or hostcache.Cache.destroy({region:?}) and create it anew"
            ),
        ),
        OpenError::NoSpace { .. } => ("NoSpaceError", text),
        OpenError::Unsupported { .. } => ("UnsupportedError", text),
        OpenError::NotARegion { .. } => ("NotARegionError", text),
        OpenError::Incompatible { .. } => ("IncompatibleError", text),
        OpenError::Corrupt { .. } => ("CorruptError", text),
        OpenError::Refused { .. } => ("RefusedError", text),
        OpenError::TooManyParticipants { region, slots } => (
            "TooManyParticipantsError",
            format!(
                "all {slots} participant slots of region {region:?} are held by living threads: end some of \
                 them, attach with read_only=True, or create the region with more (participants=…)"
            ),
        ),
        OpenError::System { source, .. } => {
            return raise_os("SystemCallError", source.raw_os_error(), &text);
        }
        // The families may grow.
        _ => ("OpenError", text),
    };
    raise(kind, &text)
}

pub(crate) fn open_error(error: OpenError) -> PyErr {
    open_error_ref(&error)
}

fn write_error(error: WriteError) -> PyErr {
    let kind = match &error {
        WriteError::InvalidKey { .. } => "InvalidKeyError",
        WriteError::TooLarge { .. } => "ValueTooLargeError",
        WriteError::NoRoom { .. } => "NoRoomError",
        WriteError::NotANumber { .. } => "NotANumberError",
        WriteError::ReadOnly { region } => return read_only(region),
        WriteError::Corrupt { .. } => "CorruptError",
        WriteError::Attach(error) => return open_error_ref(error),
        WriteError::OverBound { .. } => "OverBoundError",
        WriteError::TooManyReservations { .. } => "TooManyReservationsError",
        WriteError::ReservationLost { .. } => "ReservationLostError",
        // The families may grow.
        _ => "WriteError",
    };
    raise(kind, &error.to_string())
}

fn read_error(error: ReadError) -> PyErr {
    let kind = match &error {
        ReadError::InvalidKey { .. } => "InvalidKeyError",
        ReadError::Attach(error) => return open_error_ref(error),
        ReadError::Contended { .. } => "ContendedError",
        ReadError::Corrupt { .. } => "CorruptError",
        // The families may grow.
        _ => "ReadError",
    };
    raise(kind, &error.to_string())
}

fn pin_error(error: PinError) -> PyErr {
    let kind = match &error {
        PinError::InvalidKey { .. } => "InvalidKeyError",
        PinError::ReadOnly { region } => return read_only(region),
        PinError::OverBound { .. } => "OverBoundError",
        PinError::TooManyPins { .. } => "TooManyPinsError",
        PinError::Attach(error) => return open_error_ref(error),
        PinError::Contended { .. } => "ContendedError",
        // The families may grow.
        _ => "PinError",
    };
    raise(kind, &error.to_string())
}

fn read_only(region: &str) -> PyErr {
    raise(
        "ReadOnlyError",
        &format!(
            "region {region:?} is attached read-only: nothing can be written or pinned; attach it without \
             read_only=True, or copy the value out with get()"
        ),
    )
}

pub(crate) fn invalid_key(text: &str) -> PyErr {
    raise("InvalidKeyError", text)
}

pub(crate) fn serializer_error(py: Python<'_>, text: &str, cause: PyErr) -> PyErr {
    let error = raise("SerializerError", text);
    error.set_cause(py, Some(cause));
    error
}

/// An exception of `hostcache.errors` by its name.
pub(crate) fn raise(kind: &str, text: &str) -> PyErr {
    Python::attach(|py| match class(py, kind) {
        Ok(class) => PyErr::from_type(class, text.to_owned()),
        Err(error) => error,
    })
}

fn raise_os(kind: &str, code: Option<i32>, text: &str) -> PyErr {
    let Some(code) = code else { return raise(kind, text) };
    Python::attach(|py| match class(py, kind) {
        Ok(class) => PyErr::from_type(class, (code, text.to_owned())),
        Err(error) => error,
    })
}

fn class<'py>(py: Python<'py>, kind: &str) -> PyResult<Bound<'py, PyType>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("hostcache.errors").map(Bound::unbind))?;
    Ok(module.bind(py).getattr(kind)?.cast_into::<PyType>()?)
}
