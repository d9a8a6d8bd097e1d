//! Validation of typed configuration: a field is checked against the row of the setting that it belongs to.

use super::apply::find;
use super::checks::{check_eof, check_ignored_cores};
use super::kind::refusal;
use super::port::PortConfig;
use super::port_settings::PortSettings;
use super::server::ServerConfig;
use super::tls::{PROTOCOLS, TlsConfig};
use crate::error::Result;
use swoosh_proto::framing::Framing;

impl PortSettings {
    /// The configuration that the settings make together with those of the server: without `heartbeat_idle_time`, an idle
    /// connection is closed after twice the server's `heartbeat_check_interval`. `tls`: the port speaks TLS.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) if settings contradict each other.
    pub fn finish(&self, server: &ServerConfig, tls: bool) -> Result<PortConfig> {
        let config = self.compose(server, tls);
        config.validate()?;
        Ok(config)
    }
}

impl ServerConfig {
    /// Checks the range of every field; an error names the field's setting.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for the first field that is out of range.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [
            ("reactor_num", u64::from(self.reactor_num)),
            ("worker_num", self.worker_num.into()),
            ("task_worker_num", self.task_worker_num.into()),
            ("max_conn", self.max_conn.into()),
            ("max_wait_time", self.max_wait_time.as_secs()),
            ("output_buffer_size", self.output_buffer_size),
            ("start_session_id", self.start_session_id),
            ("log_level", self.log_level.into()),
        ] {
            check(name, value)?;
        }
        check_ignored_cores(&self.cpu_affinity_ignore)
    }
}

impl PortConfig {
    /// Checks the range of every field; an error names the field's setting.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for the first field that is out of range.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [
            // A negative backlog is as impossible as the largest number.
            ("backlog", u64::try_from(self.backlog).unwrap_or(u64::MAX)),
            ("package_max_length", self.package_max_length),
            ("socket_buffer_size", self.socket_buffer_size),
            ("buffer_high_watermark", self.high_watermark),
            ("buffer_low_watermark", self.low_watermark),
            ("http_header_timeout", self.http_header_timeout.as_secs()),
            ("http_body_timeout", self.http_body_timeout.as_secs()),
            ("tcp_keepidle", self.tcp_keepidle.into()),
            ("tcp_keepinterval", self.tcp_keepinterval.into()),
            ("tcp_keepcount", self.tcp_keepcount.into()),
            ("tcp_user_timeout", self.tcp_user_timeout.into()),
            ("tcp_defer_accept", self.tcp_defer_accept.into()),
            ("kernel_socket_recv_buffer_size", self.recv_buffer.into()),
            ("kernel_socket_send_buffer_size", self.send_buffer.into()),
        ] {
            check(name, value)?;
        }
        match &self.framing {
            Framing::None | Framing::Http | Framing::Redis | Framing::Mqtt => Ok(()),
            Framing::EofCheck(eof) | Framing::EofSplit(eof) => check_eof(eof),
            Framing::Length(length) => {
                check("package_length_offset", length.offset.into())?;
                check("package_body_offset", length.body_offset.into())?;
                let header = u64::from(length.offset) + length.kind.size() as u64;
                if header > self.package_max_length {
                    let most = self.package_max_length;
                    let expected = format!("the length field must be within package_max_length, {most}");
                    return Err(refusal("package_length_offset", length.offset, expected));
                }
                Ok(())
            }
        }
    }
}

impl TlsConfig {
    /// Checks that a server can be made of the fields.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) if the certificate or its key is missing, no version of the protocol is
    /// left, or the handshake timeout is zero.
    pub fn validate(&self) -> Result<()> {
        for (name, file) in [("ssl_cert_file", &self.cert_file), ("ssl_key_file", &self.key_file)] {
            if file.as_os_str().is_empty() {
                return Err(refusal(name, "\"\"", "a file in PEM form: a port that speaks TLS needs one"));
            }
        }
        if !self.versions.tls12 && !self.versions.tls13 {
            return Err(refusal("ssl_protocols", "none", PROTOCOLS));
        }
        if self.handshake_timeout.is_zero() {
            return check("ssl_handshake_timeout", 0);
        }
        Ok(())
    }
}

fn check(name: &str, number: u64) -> Result<()> {
    find(name).map_or(Ok(()), |setting| setting.kind.check(name, number))
}
