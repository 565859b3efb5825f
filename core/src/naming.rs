//! Names of deployed resources: stages, base names, and resources of a tenant.
//!
//! Joins an app, a tenant, a resource and a stage into one lower-case name of ASCII letters, digits
//! and single hyphens. The rules of a particular AWS service are not applied; use [`fit`] where a
//! service limits the length.
//!
//! Different inputs can give the same name: the app `a-b` without a tenant and the app `a` of the
//! tenant `b` are both `a-b-live` in production. If tenants choose their names, allow no hyphens in
//! apps and tenants.
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

/// Returns the normalized name of a stage: `live`, `dev`, `stage`, `test` or `local` for their
/// usual spellings, and the cleaned text for any other.
///
/// Spellings are matched before the text is cleaned, so `prod` becomes `live` but `prod_` becomes
/// `prod`. [`canonical_stage`] maps both to `live`.
#[must_use]
pub fn normalize_stage(stage: &str) -> String {
    let stage = lowercase(stage.trim());
    stage_alias(&stage).map_or_else(|| clean(&stage), String::from)
}

/// Returns the normalized name of a stage like [`normalize_stage`], but also recognizes the usual
/// spellings after cleaning: `prod_` and ` -Prod- ` become `live`, too.
#[must_use]
pub fn canonical_stage(stage: &str) -> String {
    let name = normalize_stage(stage);
    stage_alias(&name).map(String::from).unwrap_or(name)
}

/// Returns `app[-tenant][-stage]`. A blank tenant or stage is left out.
///
/// A blank app is not left out: the name then starts with a hyphen, which S3, DynamoDB and Lambda
/// refuse. [`try_base_name`] returns an error instead.
#[must_use]
pub fn base_name(app: &str, stage: &str, tenant: Option<&str>) -> String {
    let rest = [clean(tenant.unwrap_or_default()), normalize_stage(stage)];
    join(clean(app), &rest)
}

/// Returns `app[-tenant][-resource][-stage]`. A blank tenant, resource or stage is left out; a
/// blank app is treated as in [`base_name`].
#[must_use]
pub fn resource_name(app: &str, resource: &str, stage: &str, tenant: Option<&str>) -> String {
    let rest = [clean(tenant.unwrap_or_default()), clean(resource), normalize_stage(stage)];
    join(clean(app), &rest)
}

/// Returns the same name as [`base_name`], and an error for a blank app.
///
/// # Errors
///
/// [`NamingError::EmptyApp`] if the app has neither ASCII letters nor digits.
pub fn try_base_name(app: &str, stage: &str, tenant: Option<&str>) -> Result<String, NamingError> {
    require(app)?;
    Ok(base_name(app, stage, tenant))
}

/// Returns the same name as [`resource_name`], and an error for a blank app.
///
/// # Errors
///
/// [`NamingError::EmptyApp`] if the app has neither ASCII letters nor digits.
pub fn try_resource_name(
    app: &str,
    resource: &str,
    stage: &str,
    tenant: Option<&str>,
) -> Result<String, NamingError> {
    require(app)?;
    Ok(resource_name(app, resource, stage, tenant))
}

/// Shortens a name to at most `max` bytes. A name that fits is returned as it is. A longer one
/// becomes its beginning, a hyphen, and the first eight hexadecimal digits of its SHA-256, so that
/// different names stay different.
///
/// Use 63 for S3 buckets, and 64 for Lambda functions and IAM roles.
///
/// # Errors
///
/// [`NamingError::BoundTooSmall`] if the name is too long and `max` leaves no room for one byte of
/// the name besides the digest.
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

/// The name of a resource cannot be built.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NamingError {
    /// The app is blank, or has neither ASCII letters nor digits. Name the app.
    #[error("an app needs a name with at least one ASCII letter or digit")]
    EmptyApp,
    /// The bound leaves no room for a distinct name. Allow at least ten bytes.
    #[error("{max} bytes are too few for a shortened name")]
    BoundTooSmall {
        /// The requested bound, in bytes.
        max: usize,
    },
}

fn require(app: &str) -> Result<(), NamingError> {
    if clean(app).is_empty() { Err(NamingError::EmptyApp) } else { Ok(()) }
}

/// Maps the usual spellings of stages.
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

/// Keeps ASCII letters and digits in lower case; joins them by single hyphens.
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

/// Lower-cases each character to exactly one character: U+0130 becomes a plain `i`.
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

/// Eight hexadecimal digits distinguish the few long names of an account that start alike.
const DIGEST_BYTES: usize = 4;

/// The length of the hyphen and the digits.
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
