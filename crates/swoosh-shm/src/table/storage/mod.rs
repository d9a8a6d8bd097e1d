//! The rows of a table: hash chains in one mapping, written under the lock of their stripe and read without one.
//!
//! Invariants:
//!
//! - A row may be read only under its version. Each row stores its cells twice. A writer fills the copy that is not read
//!   and then stores a new version, which names the copy to read and whether the row exists: one store commits a change,
//!   an insertion or a removal. A writer killed before that store has changed nothing, one killed after it has changed
//!   everything. A single number is stored in place: also one store, after a new version.
//! - A reader trusts its copy only if the version is unchanged. Every change stores a new version before it writes any
//!   word that a reader of the old version may read.
//! - A row that is not found did not exist. A row leaves its chain before the stripe's count of unlinked rows grows,
//!   which grows before the row is reused. A reader that was led astray by such a row sees another count and retries.
//! - The work of a killed writer can be finished. Before a row is taken from the free list or removed, the stripe's
//!   `pending` names it; the next holder of the lock checks it.
//!
//! The chains of a stripe change only under its lock, the free list only under its own lock, which is always taken
//! second. The stores of a change are releases in program order, so that death cuts them off in that order.
//!
//! | file | contains |
//! |---|---|
//! | `layout` | the mapping and typed access to its parts |
//! | `key` | keys and their hashes |
//! | `prefetch` | memory that is requested before it is read |
//! | `free_list` | allocation of rows |
//! | `repair` | the lock of a stripe, and the repair of what its dead owner left |
//! | `locked_chain` | changes of rows |
//! | `read` | lookups and iteration |
//! | `evict` | removal of expired and unused rows |

mod evict;
mod free_list;
mod key;
mod layout;
mod locked_chain;
mod prefetch;
mod read;
mod repair;

pub(super) use free_list::NoFreeRow;
pub(super) use key::Key;
pub(super) use layout::{Shape, Storage};
pub(super) use locked_chain::LockedChain;
pub(super) use prefetch::Prefetch;
