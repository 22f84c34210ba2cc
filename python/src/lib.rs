//! The store for Python, in process: the module `strandline._strandline`, which the package `strandline` shows.
//!
//! It holds classes over those of the store, which wait and read in bulk without the lock of the interpreter, and
//! nothing that the store decides. What is Python through and through (exceptions, JSON, typed events, `async`,
//! Arrow) is in `strandline/`.

mod columns;
mod convert;
mod cursor;
mod error;
mod event;
mod events;
mod new_event;
mod proof;
mod receipt;
mod region;
mod report;
mod snapshot;
mod store;

use pyo3::prelude::*;

#[pymodule]
fn _strandline(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<store::PyStore>()?;
    module.add_class::<snapshot::PySnapshot>()?;
    module.add_class::<events::PyEvents>()?;
    module.add_class::<cursor::PyCursor>()?;
    module.add_class::<event::PyEvent>()?;
    module.add_class::<new_event::NewEvent>()?;
    module.add_class::<receipt::PyReceipt>()?;
    module.add_class::<region::PyRegion>()?;
    module.add_class::<region::PyCondition>()?;
    module.add_class::<proof::PyTreeHead>()?;
    module.add_class::<proof::PyEventProof>()?;
    module.add_class::<proof::PyConsistencyProof>()?;
    module.add_class::<report::PyBackedUp>()?;
    module.add_class::<report::PyVerifyReport>()?;
    Ok(())
}
