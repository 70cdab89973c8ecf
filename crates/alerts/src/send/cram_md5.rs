//! The mechanism `CRAM-MD5` (RFC 2195), which the library for mails does not have.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellwether_yaml::Secret;
use hmac::{Hmac, Mac as _};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use md5::Md5;

use super::mail::MailError;

/// Says who we are, by a number that only who knows the secret can make of what the server asks.
pub(super) async fn authenticate(
    connection: &mut AsyncSmtpConnection,
    username: &str,
    secret: &Secret,
) -> Result<(), MailError> {
    let reply = connection.command("AUTH CRAM-MD5\r\n").await?;
    let asked = reply.first_line().unwrap_or_default();
    let Ok(challenge) = STANDARD.decode(asked.trim()) else {
        return Err(MailError::NotSmtp(asked.chars().take(100).collect()));
    };
    connection.command(format!("{}\r\n", base64(&response(username, secret, &challenge)))).await?;
    Ok(())
}

fn response(username: &str, secret: &Secret, challenge: &[u8]) -> String {
    let mut mac = Hmac::<Md5>::new_from_slice(secret.reveal().as_bytes())
        .expect("BUG: a key of this mechanism may have any length");
    mac.update(challenge);
    format!("{username} {:x}", mac.finalize().into_bytes())
}

pub(super) fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard() {
        let got =
            response("tim", &Secret::new("tanstaaftanstaaf"), b"<1896.697170952@postoffice.reston.mci.net>");
        assert_eq!(got, "tim b913a602c7eda7a495b4e6e7334d3890");
    }
}
