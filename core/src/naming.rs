//! Names of deployed resources: stages, bases, and resources of a tenant.
//!
//! This module decides how an app, a tenant, a resource and a stage become one lower-case name of
//! letters, digits and single hyphens. It refuses to know which service the name is for, and what
//! that service allows beyond it: [`fit`] shortens where a service bounds the length.
//!
//! Names are not injective: the app `a-b` without a tenant and the app `a` of the tenant `b` are
//! both `a-b-live` in production. Where tenants choose their names, keep hyphens out of apps
//! and tenants.
//!
//! ```
//! use apptheory_core::naming::{base_name, fit, normalize_stage, resource_name};
//!
//! assert_eq!(normalize_stage("PRODUCTION"), "live");
//! assert_eq!(base_name("Pay Theory", "prod", Some("Tenant_1")), "pay-theory-tenant-1-live");
//! assert_eq!(resource_name("MyApp", "Table", "stg", None), "myapp-table-stage");
//! assert_eq!(fit("pay-theory-tenant-1-live", 20)?, "pay-theory-3f802cf8");
//! # Ok::<(), apptheory_core::naming::NamingError>(())
//! ```

use alloc::string::String;

use sha2::{Digest, Sha256};

use crate::hex::push_hex;

/// The name of a stage: one of `live`, `dev`, `stage`, `test` and `local` for their usual
/// spellings, and the cleaned text for any other.
///
/// The spellings are matched before the text is cleaned, so that `prod` is `live` but `prod_` is
/// `prod`; [`canonical_stage`] has one name for both.
#[must_use]
pub fn normalize_stage(stage: &str) -> String {
    let stage = lowercase(stage.trim());
    stage_alias(&stage).map_or_else(|| clean(&stage), String::from)
}

/// The name of a stage like [`normalize_stage`], whose usual spellings are also recognized once the
/// text is cleaned: `prod_` and ` -Prod- ` are `live`, too.
#[must_use]
pub fn canonical_stage(stage: &str) -> String {
    let name = normalize_stage(stage);
    stage_alias(&name).map(String::from).unwrap_or(name)
}

/// `app[-tenant][-stage]`: a blank tenant or stage is left out.
///
/// A blank app is not: the name then starts with a hyphen, which S3, DynamoDB and Lambda refuse
/// ([`try_base_name`] refuses first).
#[must_use]
pub fn base_name(app: &str, stage: &str, tenant: Option<&str>) -> String {
    let rest = [clean(tenant.unwrap_or_default()), normalize_stage(stage)];
    join(clean(app), &rest)
}

/// `app[-tenant][-resource][-stage]`: a blank tenant, resource or stage is left out, and a blank app
/// as in [`base_name`].
#[must_use]
pub fn resource_name(app: &str, resource: &str, stage: &str, tenant: Option<&str>) -> String {
    let rest = [clean(tenant.unwrap_or_default()), clean(resource), normalize_stage(stage)];
    join(clean(app), &rest)
}

/// [`base_name`], for an app that has a name.
///
/// # Errors
///
/// [`NamingError::EmptyApp`].
pub fn try_base_name(app: &str, stage: &str, tenant: Option<&str>) -> Result<String, NamingError> {
    require(app)?;
    Ok(base_name(app, stage, tenant))
}

/// [`resource_name`], for an app that has a name.
///
/// # Errors
///
/// [`NamingError::EmptyApp`].
pub fn try_resource_name(
    app: &str,
    resource: &str,
    stage: &str,
    tenant: Option<&str>,
) -> Result<String, NamingError> {
    require(app)?;
    Ok(resource_name(app, resource, stage, tenant))
}

/// The name itself if it has at most `max` bytes; otherwise its beginning, a hyphen, and the first
/// eight hexadecimal digits of its SHA-256, so that long names that differ stay different.
///
/// Bounds to pass: 63 for S3 buckets, 64 for Lambda functions and IAM roles.
///
/// # Errors
///
/// [`NamingError::BoundTooSmall`] when the name is too long and `max` leaves no room for one byte of
/// it beside the digest.
pub fn fit(name: &str, max: usize) -> Result<String, NamingError> {
    if name.len() <= max {
        return Ok(name.into());
    }
    let room = max.checked_sub(SUFFIX_BYTES).filter(|room| *room > 0);
    let room = room.ok_or(NamingError::BoundTooSmall { max })?;
    let head = (0..=room).rev().find_map(|end| name.get(..end)).unwrap_or_default();
    let mut fitted = String::from(head.trim_end_matches('-'));
    fitted.push('-');
    let digest = Sha256::digest(name.as_bytes());
    push_hex(&mut fitted, digest.get(..DIGEST_BYTES).unwrap_or_default());
    Ok(fitted)
}

/// A name cannot be made of what was given.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NamingError {
    /// The app is blank, or has neither ASCII letters nor digits. Name the app.
    #[error("an app needs a name with at least one ASCII letter or digit")]
    EmptyApp,
    /// No name can be shortened this far and stay distinct. Allow at least ten bytes.
    #[error("{max} bytes are too few for a shortened name")]
    BoundTooSmall {
        /// The bound that was asked for, in bytes.
        max: usize,
    },
}

fn require(app: &str) -> Result<(), NamingError> {
    if clean(app).is_empty() { Err(NamingError::EmptyApp) } else { Ok(()) }
}

/// The usual spellings.
fn stage_alias(stage: &str) -> Option<&'static str> {
    Some(match stage {
        "prod" | "production" | "live" => "live",
        "dev" | "development" => "dev",
        "stg" | "stage" | "staging" => "stage",
        "test" | "testing" => "test",
        "local" => "local",
        _ => return None,
    })
}

/// Lower-case ASCII letters and digits; everything else between them is one hyphen.
fn clean(part: &str) -> String {
    let mut name = String::with_capacity(part.len());
    let mut in_gap = false;
    for c in lowercase(part.trim()).chars() {
        if !c.is_ascii_alphanumeric() {
            in_gap = true;
            continue;
        }
        if in_gap && !name.is_empty() {
            name.push('-');
        }
        in_gap = false;
        name.push(c);
    }
    name
}

/// Character by character, to one character each: U+0130 becomes a plain `i`.
fn lowercase(text: &str) -> String {
    text.chars().filter_map(|c| c.to_lowercase().next()).collect()
}

fn join(app: String, rest: &[String]) -> String {
    rest.iter().filter(|part| !part.is_empty()).fold(app, |mut name, part| {
        name.push('-');
        name.push_str(part);
        name
    })
}

/// Eight digits tell apart the few names of one account that are too long and start the same.
const DIGEST_BYTES: usize = 4;

/// The hyphen and the digits.
const SUFFIX_BYTES: usize = 1 + 2 * DIGEST_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_without_a_name_is_refused() {
        for app in ["", "  ", "__", "é"] {
            assert_eq!(try_base_name(app, "prod", None), Err(NamingError::EmptyApp));
            assert_eq!(try_resource_name(app, "r", "prod", None), Err(NamingError::EmptyApp));
        }
        assert_eq!(try_base_name("a", "prod", None).as_deref(), Ok("a-live"));
        assert_eq!(try_resource_name("a", "r", "prod", None).as_deref(), Ok("a-r-live"));
    }

    #[test]
    fn canonical_stages_are_fixed_points() {
        for stage in ["prod_", "-live", "Prod", "stg!", "my env", ""] {
            let name = canonical_stage(stage);
            assert_eq!(canonical_stage(&name), name);
            assert_eq!(normalize_stage(&name), name);
        }
        assert_eq!(canonical_stage("prod_"), "live");
    }

    #[test]
    fn names_fit_and_stay_distinct() {
        assert_eq!(fit("short", 5).as_deref(), Ok("short"));
        assert_eq!(fit("abcdefghijk", 9), Err(NamingError::BoundTooSmall { max: 9 }));
        let names = ["pay-theory-tenant-1-live", "pay-theory-tenant-2-live"];
        let fitted = names.map(|name| fit(name, 20).expect("room for a digest"));
        assert_ne!(fitted[0], fitted[1]);
        for name in fitted {
            assert!(name.len() <= 20 && name.starts_with("pay-theory-") && !name.contains("--"));
        }
    }
}
