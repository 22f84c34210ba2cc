//! Errors of the store as exceptions of Python, whose classes are in `strandline/errors.py`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use strandline::{Error, ErrorKind};

/// The exception of an error: its class by the kind, with what is known beside the message.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).unwrap_or_else(|failed| failed)
}

/// The exception for an argument that breaks a rule.
pub(crate) fn invalid(py: Python<'_>, message: impl Into<String>) -> PyErr {
    raised(py, &Error::new(ErrorKind::InvalidInput, message.into()))
}

fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    static MADE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = MADE.import(py, "strandline.errors", "_made")?;
    let details = details(py, error)?;
    let kind = snake(&format!("{:?}", error.kind()));
    let exception = made.call1((kind, error.to_string(), details))?;
    Ok(PyErr::from_value(exception))
}

fn details<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyDict>> {
    let details = PyDict::new(py);
    let ids: Vec<_> = error.ids().iter().map(ToString::to_string).collect();
    if !ids.is_empty() {
        details.set_item("ids", ids)?;
    }
    if let Some(conflict) = error.version_conflict() {
        details.set_item("entity", &conflict.entity)?;
        details.set_item("expected", conflict.expected.to_string())?;
        details.set_item("actual", conflict.actual)?;
        details.set_item("member", conflict.member)?;
    }
    if let Some(conflict) = error.condition_conflict() {
        details.set_item("region", conflict.region)?;
        details.set_item("sequence", conflict.sequence.get())?;
        details.set_item("id", conflict.id.to_string())?;
    }
    if let Some(conflict) = error.id_conflict() {
        details.set_item("id", conflict.id.to_string())?;
        details.set_item("sequence", conflict.sequence.get())?;
        details.set_item("difference", conflict.difference.to_string())?;
    }
    if let Some(holder) = error.lock_holder() {
        details.set_item("process", holder.process)?;
    }
    if let Some(refused) = error.refused_position() {
        let rewind = refused.rewind.map(|position| position.to_string());
        details.set_item("rewind", rewind)?;
    }
    if !error.receipt_mismatches().is_empty() {
        let mismatches = error.receipt_mismatches().iter();
        let mismatches: Vec<_> = mismatches.map(ToString::to_string).collect();
        details.set_item("mismatches", mismatches)?;
    }
    Ok(details)
}

/// `WrongExpectedVersion` as `wrong_expected_version`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
