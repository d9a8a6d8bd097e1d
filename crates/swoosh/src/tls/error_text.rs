//! Errors of TLS as text for users. rustls shows names of its own types, such as `InvalidContentType`.

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

/// The error as text: its cause, and what is to be changed where that is known.
pub(super) fn describe(error: &Error) -> String {
    match error {
        Error::InvalidMessage(_) => "the peer does not speak TLS, or its message is malformed".to_owned(),
        Error::AlertReceived(alert) => received(*alert),
        Error::InvalidCertificate(fault) => certificate(fault),
        Error::NoCertificatesPresented => "the peer has sent no certificate".to_owned(),
        Error::NoApplicationProtocol => "the peers have no protocol in common (ALPN)".to_owned(),
        Error::DecryptError => "a record cannot be decrypted".to_owned(),
        Error::PeerSentOversizedRecord => "the peer has sent a record that is too long".to_owned(),
        Error::PeerIncompatible(fault) => incompatible(fault),
        Error::PeerMisbehaved(fault) => format!("the peer violates TLS: {}", words(fault)),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the peer has sent a message that is not expected now".to_owned()
        }
        other => other.to_string(),
    }
}

/// An alert of the peer (RFC 8446 section 6).
fn received(alert: AlertDescription) -> String {
    let advice = match alert {
        AlertDescription::UnknownCA => "; it does not trust this side's certificate",
        AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion => {
            "; the versions or ciphers of both sides have nothing in common"
        }
        AlertDescription::CertificateRequired => "; it wants a certificate of this side",
        AlertDescription::NoApplicationProtocol => "; it offers none of the protocols (ALPN)",
        _ => "",
    };
    format!("the peer has refused: alert {}{advice}", words(&alert))
}

fn certificate(fault: &CertificateError) -> String {
    let cause = match fault {
        CertificateError::UnknownIssuer => "its issuer is not trusted",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet",
        CertificateError::NotValidForName => "it is not for the name of the host",
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<_> = presented.iter().map(|name| quoted(name)).collect();
            let (expected, names) = (expected.to_str(), names.join(", "));
            return format!("the certificate of the peer is refused: it is for {names}, not for {expected}");
        }
        CertificateError::Revoked => "it is revoked",
        CertificateError::BadSignature => "its signature is wrong",
        CertificateError::BadEncoding => "it is malformed",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not for this purpose"
        }
        CertificateError::Other(other) => return format!("the certificate of the peer is refused: {other}"),
        other => return format!("the certificate of the peer is refused: {}", words(other)),
    };
    format!("the certificate of the peer is refused: {cause}")
}

/// The text in `DnsName("text")`.
fn quoted(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

fn incompatible(fault: &PeerIncompatible) -> String {
    format!("the peers have no version, cipher or curve in common: {}", words(fault))
}

/// The name of a variant as words: `HandshakeFailure` as `handshake failure`.
fn words(of: &impl std::fmt::Debug) -> String {
    let (name, mut text) = (format!("{of:?}"), String::new());
    let mut before = ' ';
    for letter in name.chars() {
        let begins = letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        if begins {
            text.push(' ');
        }
        text.push(if letter.is_ascii_uppercase() && !before.is_ascii_uppercase() {
            letter.to_ascii_lowercase()
        } else {
            letter
        });
        before = letter;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{InvalidMessage, PeerMisbehaved};

    #[test]
    fn errors_name_their_cause_and_no_types() {
        for (error, text) in [
            (
                Error::InvalidMessage(InvalidMessage::InvalidContentType),
                "the peer does not speak TLS, or its message is malformed",
            ),
            (
                Error::InvalidCertificate(CertificateError::UnknownIssuer),
                "the certificate of the peer is refused: its issuer is not trusted",
            ),
            (
                Error::AlertReceived(AlertDescription::HandshakeFailure),
                "the peer has refused: alert handshake failure; the versions or ciphers of both sides have nothing in common",
            ),
            (Error::AlertReceived(AlertDescription::UserCanceled), "the peer has refused: alert user canceled"),
            (
                Error::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyDataReceived),
                "the peer violates TLS: too much early data received",
            ),
        ] {
            assert_eq!(describe(&error), text);
        }
    }
}
