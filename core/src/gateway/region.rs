//! Regions in the host names of API Gateway.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Returns the region in a host name that API Gateway assigns to an API. Ignores a port, the case
/// and one dot at the end. `None` for custom domains, and for the service's own hosts, which belong
/// to no API.
#[must_use]
pub fn region_from_host(host: &str) -> Option<String> {
    let host = host.split_once(':').map_or(host, |(host, _port)| host);
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    if labels.iter().any(|label| label.is_empty()) {
        return None;
    }
    let is_service = |label: &&str| matches!(*label, "execute-api" | "execute-api-fips");
    let service = labels.iter().rposition(is_service).filter(|at| *at > 0)?;
    let [_, region, domain @ ..] = labels.get(service..)? else { return None };
    let domain = domain.strip_prefix(&["vpce"]).unwrap_or(domain).join(".");
    let mut partitions = PARTITIONS.iter().filter(|partition| partition.0.contains(&&*domain));
    let known = partitions.any(|(_, starts)| starts.iter().any(|start| is_region(region, start)));
    known.then(|| region.to_string())
}

/// Returns whether a text is `{start}{word}-{number}`.
fn is_region(text: &str, start: &str) -> bool {
    let parts = text.strip_prefix(start).and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(word, number)| {
        let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        !word.is_empty()
            && word.bytes().all(is_word)
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    })
}

/// The domains of each AWS partition and the prefixes of its region names, from the partition data
/// of AWS's SDKs.
const PARTITIONS: [(&[&str], &[&str]); 8] = [
    (
        &["amazonaws.com", "api.aws"],
        &["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"],
    ),
    (&["amazonaws.com", "api.aws"], &["us-gov-"]),
    (&["amazonaws.com.cn", "api.amazonwebservices.com.cn"], &["cn-"]),
    (&["amazonaws.eu", "api.amazonwebservices.eu"], &["eusc-de-"]),
    (&["c2s.ic.gov", "api.aws.ic.gov"], &["us-iso-"]),
    (&["sc2s.sgov.gov", "api.aws.scloud"], &["us-isob-"]),
    (&["cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"], &["eu-isoe-"]),
    (&["csp.hci.ic.gov", "api.aws.hci.ic.gov"], &["us-isof-"]),
];

#[cfg(test)]
mod tests {
    use super::region_from_host;

    #[test]
    fn api_hosts_name_their_region() {
        for (host, region) in [
            ("a.execute-api.us-west-2.amazonaws.com", "us-west-2"),
            ("A.Execute-API.US-West-2.amazonaws.com.", "us-west-2"),
            ("a.execute-api.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("a.execute-api-fips.ca-central-1.api.aws:8443", "ca-central-1"),
            ("a.execute-api.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("vpce-1-a.execute-api.eu-west-1.vpce.amazonaws.com", "eu-west-1"),
            ("execute-api.execute-api.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
        ] {
            assert_eq!(region_from_host(host).as_deref(), Some(region), "{host}");
        }
    }

    #[test]
    fn other_hosts_do_not() {
        for host in [
            "",
            ".",
            "api.example.com",
            "execute-api.us-west-2.amazonaws.com",
            "a.execute-api.example.com",
            "a.execute-api.us-west-2.amazonaws.com.cn",
            "a.execute-api.cn-north-1.amazonaws.com",
            "a.execute-api.us-west.amazonaws.com",
            "a.execute-api.us-we_st-2.amazonaws.com",
            "a..execute-api.us-west-2.amazonaws.com",
            "a.execute-api.us-west-2.amazonaws.com..",
            "a.execute-api",
        ] {
            assert_eq!(region_from_host(host), None, "{host}");
        }
    }
}
