//! The row type of the table of settings.

use super::embedder::EmbedderConfig;
use super::input::{Input, Note};
use super::kind::Kind;
use super::port_settings::PortSettings;
use super::server::ServerConfig;
use super::value::Value;
use crate::error::Result;

/// One setting.
///
/// ```
/// let setting = swoosh::config::find("max_conn").unwrap();
/// assert_eq!((setting.name, setting.aliases), ("max_connection", &["max_conn"][..]));
/// assert_eq!(setting.not_supported(), None);
/// ```
pub struct Setting {
    /// The name to use.
    pub name: &'static str,
    /// Older names with the same meaning. If several names of one setting are given, the last one given counts.
    pub aliases: &'static [&'static str],
    /// The type and range.
    pub kind: Kind,
    /// The default, as documentation.
    pub default: &'static str,
    /// The place that the setting belongs to.
    pub target: Target,
    /// One line of documentation.
    pub doc: &'static str,
    pub(super) setter: Setter,
}

impl Setting {
    /// The reason why the setting has no effect in this version; `None` if it has one.
    pub fn not_supported(&self) -> Option<&'static str> {
        match self.setter {
            Setter::Unsupported(reason) | Setter::Ignored(reason) => Some(reason),
            _ => None,
        }
    }

    /// Checks the type of a value; a feature that this version does not have may be given anything.
    pub(super) fn check_type(&self, name: &str, value: &Value) -> Result<()> {
        match self.setter {
            Setter::Unsupported(_) | Setter::Ignored(_) => Ok(()),
            _ => self.kind.check_type(name, value),
        }
    }

    /// The setting's own name and its aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// The place that a setting belongs to.
///
/// ```
/// use swoosh::config::{Target, find};
///
/// assert_eq!(find("backlog").unwrap().target, Target::Port);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The whole server, in the engine.
    Server,
    /// One port; given to a server, all its ports without a setting of their own.
    Port,
    /// The form in which a front end's callbacks are called.
    Callback,
    /// Parts of a server that the front end adds.
    Helper,
    /// HTTP, WebSocket and static files of a front end.
    Http,
    /// The log of the process.
    Log,
    /// The coroutines of a process, and the sockets and names that they wait for.
    Coroutine,
    /// A thread pool that this version does not have.
    Absent,
    /// An HTTP/2 client of a front end.
    Http2Client,
    /// The gRPC client of a front end, which takes the settings of an HTTP/2 client too.
    GrpcClient,
    /// The handlers of a front end's gRPC calls.
    GrpcService,
    /// The gRPC server of a front end, which takes the settings of its handlers too.
    GrpcServer,
}

/// The code that stores a value.
pub(super) enum Setter {
    Server(fn(&mut ServerConfig, &Input<'_>) -> Result<Note>),
    Port(fn(&mut PortSettings, &Input<'_>) -> Result<Note>),
    Embedder(fn(&mut EmbedderConfig, &Input<'_>) -> Result<Note>),
    /// Objects of the front end's language: the front end reads them.
    Opaque,
    /// No effect, and a notice says so when it is given.
    Unsupported(&'static str),
    /// No effect, without a notice.
    Ignored(&'static str),
}
