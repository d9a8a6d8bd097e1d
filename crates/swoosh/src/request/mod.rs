//! One path from "something arrived" to the handler, for process mode and base mode alike.
//!
//! A message or an event of an own connection becomes an `Event` once. `admit` decides whether it is delivered now,
//! queued, or refused; `deliver` calls the handler. [`pipeline`] keeps the order of replies on one
//! connection.

pub(crate) mod admission;
pub(crate) mod deliver;
pub(crate) mod event;
pub mod pipeline;

pub(crate) use event::{Bytes, Event, Packet};

use crate::context::Context;
use crate::handler::Stop;
use admission::Admission;

/// Admits an event and delivers it, unless it has to wait or is refused. Returns whether a request or task was delivered.
pub(crate) fn admit(context: &Context, event: &Event<'_>) -> Result<bool, Stop> {
    match admission::check(context, event)? {
        Admission::Admitted => deliver::deliver(context, event),
        Admission::Queued => Ok(false),
        Admission::Refused => {
            deliver::discard(context, event);
            Ok(false)
        }
    }
}
