//! Makes answers comparable: what is new in each run becomes a word in angle brackets.

use regress::Regex;

/// Patterns and their words, in order.
const RULES: &[(&str, &str)] = &[
    // Progress, which the next text on the line would overwrite, and the last of it: a share or bytes, and a speed.
    (r"[^\n]*\r(?!\n)", ""),
    (r"[A-Z][^\n:%]*: ([^\n:%]+: )?(\d+%|\d+(\.\d+)?[kMGT]?B) \(\d+(\.\d+)?[kMGT]?B/s\)", ""),
    // The command says these only if it asks before the operation has failed.
    (r"err: Try `incus info --show-log \S+` for more info\n?", ""),
    (r"err: Error: Migration operation failure: ", "err: Error: "),
    (r"/var/lib/incus", "<server>"),
    // Seconds since 1970, as Shaken Fist writes them.
    (r"\b1[5-9]\d{8}\.\d+", "<time>"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
    (r"\b[0-9a-f]{128}\b", "<sha512>"),
    (r"\b[0-9a-f]{64}\b", "<sha256>"),
    (r"\b[0-9a-f]{12}\b", "<print>"),
    (r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", "<mac>"),
    // The zero times of Go and of Unix stay: they mean never.
    (r"(?!0001|1970)\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "<time>"),
    (r"(?!0001|1970)\b\d{4}[-/]\d\d[-/]\d\d \d\d:\d\d(:\d\d(\.\d+)?)?( [+-]\d{4})?( [A-Z]{3}\b)?", "<time>"),
    (r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b", "<address>"),
    (r"\b\d+(\.\d+)?([KMG]i?)?B\b", "<size>"),
    (r"(Instance name is: )\S+", "$1<name>"),
    // Numbers that measure.
    (
        r#"(["']?\b(size|total|usage|usage_peak|pid|PID|[Pp]rocesses|server_pid|created_at|mtime|duration|vxid)["']?: ?)-?\d+(\.\d+)?"#,
        "$1<n>",
    ),
    (r#"((console|vdi|tls)[ _-]port["']?\s*[:=] ?|port=|vxlan id\s*: ?)\d+"#, "$1<n>"),
    (r"[ \t]+(\n|$)", "$1"),
    // The width of a column follows its widest cell.
    (r"(\S) {2,}", "$1  "),
    (r"-{4,}", "----"),
];

/// Normalises text. `own` are texts of this server, such as paths, and their words.
pub fn normal(text: &str, own: &[(String, &str)]) -> String {
    let text = own.iter().fold(text.to_owned(), |text, (own, word)| text.replace(own.as_str(), word));
    RULES.iter().fold(text, |text, (pattern, word)| {
        let pattern = Regex::new(pattern).expect("a good pattern");
        pattern.replace_all(&text, word)
    })
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn what_is_new_each_time_becomes_a_word() {
        for (text, expected) in [
            ("id 0f8c1c1e-1111-4222-8333-abcdefabcdef.", "id <uuid>."),
            ("|  web      | 2026/11/26 04:32 UTC |", "|  web  | <time> |"),
            ("at: 2026-11-26T04:32:39.123456Z", "at: <time>"),
            ("at: 0001-01-01T00:00:00Z", "at: 0001-01-01T00:00:00Z"),
            ("0.96MiB of 10B", "<size> of <size>"),
            ("10.0.0.1:8443 6.0.4", "<address> 6.0.4"),
            ("{\"size\": 12, \"sizes\": 12}", "{\"size\": <n>, \"sizes\": 12}"),
            ("{\"when\": 1795217122.55, \"age\": 1795217122}", "{\"when\": <time>, \"age\": 1795217122}"),
            (
                "\"vdi_port\": 35765, vdi tls port : 4, port=7",
                "\"vdi_port\": <n>, vdi tls port : <n>, port=<n>",
            ),
            ("<print> 9d75f0d7c398", "<print> <print>"),
            ("err: Error: Migration operation failure: no pool", "err: Error: no pool"),
            ("Unpacking: 7%\rUnpacking: 9%\rdone  \n", "done\n"),
            ("Unpacking: 7%\r             \r", ""),
            ("Image: Unpacking: 7% (1.20GB/s)", ""),
            ("Transferring instance: newest: 1.05MB (512.00kB/s)", ""),
            ("Transferring instance: newest: 7% (9B/s)", ""),
            // No progress: it tells of no speed.
            ("Memory: 7% (much), Disk: 1.05MB (old)", "Memory: 7% (much), Disk: <size> (old)"),
            ("Instance name is: calm-bee", "Instance name is: <name>"),
        ] {
            assert_eq!(normal(text, &[]), expected);
        }
        assert_eq!(normal("in /tmp/x/work", &[("/tmp/x".to_owned(), "<dir>")]), "in <dir>/work");
    }

    #[test]
    fn what_differs_stays_different() {
        for (one, other) in [("exit 1", "exit 2"), ("RUNNING", "STOPPED"), ("limits.cpu: 1", "limits.cpu: 2")]
        {
            assert_ne!(normal(one, &[]), normal(other, &[]));
        }
    }
}
