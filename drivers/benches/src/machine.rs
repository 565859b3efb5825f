//! The machine that was measured on.

use std::process::Command;

/// Describes the machine: its properties that matter for the figures, and nothing that identifies
/// it.
pub(crate) fn describe() -> Vec<(&'static str, String)> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg").split(' ').take(1).collect::<String>();
    let rustc = Command::new("rustc").arg("--version").output().map(|said| said.stdout);
    let rustc = String::from_utf8_lossy(&rustc.unwrap_or_default()).trim().to_owned();
    let system = value(&read("/etc/os-release"), "PRETTY_NAME", '=');
    vec![
        ("Processor", value(&read("/proc/cpuinfo"), "model name", ':')),
        ("Cores", cores.to_string()),
        ("System", format!("{system}, {}", std::env::consts::ARCH)),
        ("Compiler", rustc),
        ("Load before it began, of the last minute", load),
    ]
}

/// Returns the value of the first line with a name.
fn value(text: &str, name: &str, separator: char) -> String {
    let values = text.lines().filter_map(|line| line.split_once(separator));
    let value = values.filter(|(key, _)| key.trim() == name).map(|(_, value)| value).next();
    value.map_or_else(|| "unknown".into(), |value| value.trim_matches([' ', '"']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn the_first_value_of_a_name_is_read() {
        let text = "processor\t: 0\nmodel name\t: A B (R) 3\nmodel name\t: C\n";
        assert_eq!(value(text, "model name", ':'), "A B (R) 3");
        assert_eq!(value("NAME=x\nPRETTY_NAME=\"Y 1\"\n", "PRETTY_NAME", '='), "Y 1");
        assert_eq!(value(text, "cores", ':'), "unknown");
    }
}
