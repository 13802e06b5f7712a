//! Which of the supported versions a command line asks for.

/// The versions that the first option begins, or all of them, and the other options.
pub(crate) fn chosen<'a, 'o>(all: &'a [&'a str], options: &'o [&'o str]) -> (Vec<&'a str>, &'o [&'o str]) {
    let is_of =
        |version: &str, asked: &str| version.starts_with(asked) && asked.starts_with(char::is_numeric);
    match options {
        [asked, rest @ ..] if all.iter().any(|version| is_of(version, asked)) => {
            (all.iter().copied().filter(|version| is_of(version, asked)).collect(), rest)
        }
        _ => (all.to_vec(), options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_may_come_first() {
        let all = ["0.8.0.0rc4", "0.7.2"];
        assert_eq!(chosen(&all, &["0.7", "--seed", "2"]), (vec!["0.7.2"], &["--seed", "2"][..]));
        assert_eq!(chosen(&all, &["--seed", "2"]), (all.to_vec(), &["--seed", "2"][..]));
        assert_eq!(chosen(&all, &[]), (all.to_vec(), &[][..]));
        assert_eq!(chosen(&all, &["0.9"]), (all.to_vec(), &["0.9"][..]));
    }
}
