//! `stats()`: numbers of streams and the settings of both sides.

use super::client::{Client, settings};
use crate::api::http_client::DEFAULT_MAX_BODY;
use crate::coroutine::http2::Http2Settings;
use swoosh::proto::http2::PeerSettings;
use swoosh_zend::{Array, Call, IntoZval, PhpResult, Zval};

/// All of them, or the one with that name; null if it does not exist.
pub(super) fn stats(call: &mut Call<'_>) -> PhpResult<Zval> {
    let key = String::from_utf8_lossy(call.bytes_or(0, b"")?).into_owned();
    let connection = call.payload::<Client>().connection.borrow().clone();
    let mut all = Array::new();
    let local = Http2Settings::new(&settings(call).unwrap_or_default(), DEFAULT_MAX_BODY).local;
    match &connection {
        Some(connection) => {
            all.insert("current_stream_id", i64::from(connection.next_stream_id()));
            all.insert("last_stream_id", i64::from(connection.last_delivered()));
            all.insert("local_settings", shown(Some(connection.local_settings())));
            all.insert("remote_settings", shown(Some(connection.peer_settings())));
            all.insert("active_stream_num", connection.stream_count());
        }
        None => {
            all.insert("current_stream_id", 0);
            all.insert("last_stream_id", 0);
            all.insert("local_settings", shown(Some(local)));
            all.insert("remote_settings", shown(None));
            all.insert("active_stream_num", 0);
        }
    }
    if key.is_empty() {
        return Ok(all.into_zval());
    }
    Ok(all.get(&key).cloned().unwrap_or_else(Zval::null))
}

fn shown(settings: Option<PeerSettings>) -> Array {
    let number = |part: fn(&PeerSettings) -> u32| settings.as_ref().map_or(0, |settings| i64::from(part(settings)));
    let mut array = Array::new();
    array.insert("header_table_size", number(|settings| settings.header_table_size));
    array.insert("init_window_size", number(|settings| settings.initial_window_size));
    array.insert("max_concurrent_streams", number(|settings| settings.max_concurrent_streams));
    array.insert("max_frame_size", number(|settings| settings.max_frame_size));
    array.insert("max_header_list_size", number(|settings| settings.max_header_list_size));
    array
}
