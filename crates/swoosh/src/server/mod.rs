//! The server as its users build it: ports and settings first, then [`launch`], which assembles the rest.

pub mod bind;
mod builder;
mod start;

pub use builder::{Outcome, Server};
pub use start::{launch, stop_listening, title};

use crate::config::PortSettings;
use crate::config::{Mode, ServerConfig};
use crate::error::{Error, Result};
use bind::BoundPort;

/// A server before it starts: its mode, its bound ports, its settings.
pub struct ServerBuilder {
    /// Process or base mode.
    pub mode: Mode,
    /// Settings of the whole server.
    pub config: ServerConfig,
    /// Its ports with their own settings, in the order of `listen`; the first one's are the server's.
    pub ports: Vec<(BoundPort, Option<PortSettings>)>,
    /// The settings of the first port, and of every port without its own.
    pub port_settings: PortSettings,
    /// How many processes of the user's own were added.
    pub user_processes: usize,
}

impl ServerBuilder {
    /// A server with no ports yet.
    pub fn new(mode: Mode) -> Self {
        ServerBuilder {
            mode,
            config: ServerConfig::default(),
            ports: Vec::new(),
            port_settings: PortSettings::new(),
            user_processes: 0,
        }
    }

    /// Adds a bound port; its index.
    pub fn add_port(&mut self, port: BoundPort) -> usize {
        self.ports.push((port, None));
        self.ports.len() - 1
    }

    /// Checks every setting, before anything is forked.
    pub fn check(&self) -> Result<()> {
        self.config.validate()?;
        for (bound, settings) in &self.ports {
            settings.as_ref().unwrap_or(&self.port_settings).finish(&self.config, bound.tls)?;
        }
        Ok(())
    }

    /// Checks the files that TLS needs.
    pub fn check_tls(&self) -> Result<()> {
        for (bound, settings) in &self.ports {
            let port = settings.as_ref().unwrap_or(&self.port_settings).finish(&self.config, bound.tls)?;
            port.acceptor()
                .map_err(|e| Error::State { operation: "speak TLS", reason: format!("{}: {e}", bound.name()) })?;
        }
        Ok(())
    }
}
