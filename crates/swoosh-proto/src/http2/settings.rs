//! Settings of one side of a connection.

/// Identifiers of settings (RFC 9113 section 6.5.2, RFC 8441 section 3).
pub(super) mod setting {
    pub(in crate::http2) const HEADER_TABLE_SIZE: u16 = 1;
    pub(in crate::http2) const ENABLE_PUSH: u16 = 2;
    pub(in crate::http2) const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub(in crate::http2) const INITIAL_WINDOW_SIZE: u16 = 4;
    pub(in crate::http2) const MAX_FRAME_SIZE: u16 = 5;
    pub(in crate::http2) const MAX_HEADER_LIST_SIZE: u16 = 6;
    pub(in crate::http2) const ENABLE_CONNECT_PROTOCOL: u16 = 8;
}

/// The settings of one side as they are in force (RFC 9113 section 6.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerSettings {
    /// SETTINGS_HEADER_TABLE_SIZE, bytes.
    pub header_table_size: u32,
    /// SETTINGS_INITIAL_WINDOW_SIZE, bytes.
    pub initial_window_size: u32,
    /// SETTINGS_MAX_CONCURRENT_STREAMS.
    pub max_concurrent_streams: u32,
    /// SETTINGS_MAX_FRAME_SIZE, bytes.
    pub max_frame_size: u32,
    /// SETTINGS_MAX_HEADER_LIST_SIZE, bytes.
    pub max_header_list_size: u32,
}

impl Default for PeerSettings {
    /// The initial values; `u32::MAX` for no limit.
    fn default() -> Self {
        PeerSettings {
            header_table_size: 4096,
            initial_window_size: 65_535,
            max_concurrent_streams: u32::MAX,
            max_frame_size: 16_384,
            max_header_list_size: u32::MAX,
        }
    }
}

impl PeerSettings {
    /// Applies the settings of a frame. Unknown ones are ignored (RFC 9113 section 6.5.2).
    pub fn apply(&mut self, settings: &[(u16, u32)]) {
        for &(identifier, value) in settings {
            match identifier {
                setting::HEADER_TABLE_SIZE => self.header_table_size = value,
                setting::MAX_CONCURRENT_STREAMS => self.max_concurrent_streams = value,
                setting::INITIAL_WINDOW_SIZE => self.initial_window_size = value,
                setting::MAX_FRAME_SIZE => self.max_frame_size = value,
                setting::MAX_HEADER_LIST_SIZE => self.max_header_list_size = value,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_replace_each_other() {
        let mut settings = PeerSettings::default();
        settings.apply(&[(3, 100), (4, 1), (4, 2), (8, 1)]);
        assert_eq!(
            settings,
            PeerSettings { max_concurrent_streams: 100, initial_window_size: 2, ..PeerSettings::default() }
        );
    }
}
