//! Sealed cursors, which prove that this bus created them.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::identity::EmptySecret;
use crate::store::CursorError;

/// Seals cursors, and opens cursors that were sealed with one of its secrets.
///
/// A sealed cursor is `{cursor}.{key id}.{tag}`. The tag is the HMAC-SHA256 of the cursor, and the
/// key id names the secret. A seal does not hide a cursor's contents; it prevents callers from
/// creating their own.
///
/// ```
/// use apptheory_core::eventbus::CursorSeal;
///
/// let seal = CursorSeal::new("old secret")?.rotated_to("new secret")?;
/// let sealed = seal.seal("eyJ9");
/// assert!(sealed.starts_with("eyJ9."));
/// assert_eq!(seal.open(&sealed), Ok("eyJ9"));
/// assert!(seal.open("eyJ9").is_err());
/// # Ok::<(), apptheory_core::identity::EmptySecret>(())
/// ```
#[derive(Clone)]
pub struct CursorSeal(Arc<[Secret]>);

/// A secret's key schedule and public key id. The last secret of a seal creates its tags.
#[derive(Clone)]
struct Secret {
    id: String,
    mac: Hmac<Sha256>,
}

impl CursorSeal {
    /// Creates a seal with one secret.
    ///
    /// # Errors
    ///
    /// [`EmptySecret`] if the secret is empty or blank.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, EmptySecret> {
        Ok(Self(Arc::new([Secret::new(secret.as_ref())?])))
    }

    /// Returns a seal that seals with `secret`, and still opens what earlier secrets sealed.
    ///
    /// # Errors
    ///
    /// [`EmptySecret`] if the secret is empty or blank.
    pub fn rotated_to(&self, secret: impl AsRef<[u8]>) -> Result<Self, EmptySecret> {
        let newest = Secret::new(secret.as_ref())?;
        Ok(Self(self.0.iter().cloned().chain([newest]).collect()))
    }

    /// Returns the cursor with its seal. The empty cursor, which means the end of the data, stays
    /// empty.
    #[must_use]
    pub fn seal(&self, cursor: &str) -> String {
        match self.0.last() {
            Some(secret) if !cursor.is_empty() => {
                let tag = secret.mac_of(cursor).finalize().into_bytes();
                format!("{cursor}.{}.{}", secret.id, URL_SAFE_NO_PAD.encode(tag))
            }
            Some(_) | None => String::from(cursor),
        }
    }

    /// Returns the cursor inside a sealed one. An empty text is not a cursor.
    ///
    /// # Errors
    ///
    /// [`CursorError::Seal`] if the seal is missing or none of the secrets created it. The time
    /// that the check takes does not reveal how much of a forged seal was right.
    pub fn open<'a>(&self, sealed: &'a str) -> Result<&'a str, CursorError> {
        if sealed.is_empty() {
            return Ok(sealed);
        }
        self.verified(sealed).ok_or(CursorError::Seal)
    }

    /// Returns the cursor and the key id of a sealed cursor without verifying them; `None` if it is
    /// not sealed.
    #[must_use]
    pub fn peek(sealed: &str) -> Option<(&str, &str)> {
        let (rest, _tag) = sealed.rsplit_once('.')?;
        rest.rsplit_once('.')
    }

    fn verified<'a>(&self, sealed: &'a str) -> Option<&'a str> {
        // The tag covers the text, not the decoded cursor: forged texts are never decoded, and each
        // cursor has only one text. The tag does not bind the cursor to a query; every cursor is
        // checked against its query, sealed or not.
        let (rest, tag) = sealed.rsplit_once('.')?;
        let (cursor, id) = rest.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        // The tag does not cover the id: a forged id only selects a secret that did not create the
        // tag. Two secrets may share so short an id, so all secrets with this id are tried.
        let mut named = self.0.iter().filter(|secret| secret.id == id);
        named.any(|secret| secret.mac_of(cursor).verify_slice(&tag).is_ok()).then_some(cursor)
    }
}

impl Secret {
    fn new(secret: &[u8]) -> Result<Self, EmptySecret> {
        let secret = EmptySecret::check(secret)?;
        // HMAC accepts keys of any length, so the constructor never fails.
        let mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| EmptySecret)?;
        let digest = mac.clone().chain_update(KEY_ID_LABEL).finalize().into_bytes();
        let id: Vec<u8> = digest.into_iter().take(KEY_ID_BYTES).collect();
        Ok(Self { id: URL_SAFE_NO_PAD.encode(id), mac })
    }

    fn mac_of(&self, cursor: &str) -> Hmac<Sha256> {
        self.mac.clone().chain_update(cursor)
    }
}

/// Prints the key ids, never the secrets.
impl fmt::Debug for CursorSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorSeal")?;
        f.debug_list().entries(self.0.iter().map(|secret| &secret.id)).finish()
    }
}

/// The text whose MAC is a secret's key id. It contains spaces, so it is never a cursor
/// (base64url).
const KEY_ID_LABEL: &str = "cursor key id";

/// Enough to distinguish the few secrets in use.
const KEY_ID_BYTES: usize = 6;

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::CursorSeal;
    use crate::store::CursorError;

    fn seal(secret: &str) -> CursorSeal {
        CursorSeal::new(secret).unwrap()
    }

    #[test]
    fn secrets_rotate() {
        let (old, new) = (seal("old"), seal("new"));
        let both = old.rotated_to("new").unwrap();
        let sealed_before = old.seal("eyJh");
        assert_eq!(both.open(&sealed_before), Ok("eyJh"));
        assert_eq!(new.open(&sealed_before), Err(CursorError::Seal));
        let sealed_after = both.seal("eyJh");
        assert_eq!(new.open(&sealed_after), Ok("eyJh"));
        assert_eq!(old.open(&sealed_after), Err(CursorError::Seal));
        assert_eq!((new.seal("").as_str(), new.open("")), ("", Ok("")));
        let (cursor, new_id) = CursorSeal::peek(&sealed_after).unwrap();
        let (_, old_id) = CursorSeal::peek(&sealed_before).unwrap();
        assert!(cursor == "eyJh" && new_id != old_id);
        assert_eq!(CursorSeal::peek(cursor), None);
    }

    #[test]
    fn every_changed_byte_breaks_the_seal() {
        let seal = seal("secret");
        let sealed = seal.seal("eyJsYXN0S2V5Ijp7fX0=");
        for at in 0..sealed.len() {
            let swapped = if sealed.as_bytes()[at] == b'x' { 'y' } else { 'x' };
            let forged = format!("{}{swapped}{}", &sealed[..at], &sealed[at + 1..]);
            assert_eq!(seal.open(&forged), Err(CursorError::Seal), "{forged}");
            assert!(seal.open(&sealed[..at]).is_ok_and(str::is_empty) == (at == 0));
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        assert!(!format!("{:?}", seal("hunter2")).contains("hunter2"));
        assert!(CursorSeal::new("").is_err() && seal("a").rotated_to("").is_err());
    }
}
