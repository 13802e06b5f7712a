//! `test` and `[`.

use std::cmp::Ordering;

use super::interpreter::{Flow, Ran, Shell};
use super::limits::Stop;
use super::special::wrong;

impl Shell {
    /// `[ … ]`.
    pub(super) fn bracket(&self, args: &[&str]) -> Ran {
        match args {
            [inner @ .., "]"] => self.test(inner),
            _ => Err(wrong("[", args)),
        }
    }

    pub(super) fn test(&self, args: &[&str]) -> Ran {
        Ok(Flow::Next(i32::from(!self.holds(args)?)))
    }

    fn holds(&self, args: &[&str]) -> Result<bool, Stop> {
        match args {
            [] => Ok(false),
            [text] => Ok(!text.is_empty()),
            [a, operator, b] if *a != "!" => compare(a, operator, b, args),
            ["!", rest @ ..] if rest.len() < 4 => Ok(!self.holds(rest)?),
            [operator, text] => self.unary(operator, text, args),
            _ => Err(wrong("test", args)),
        }
    }

    fn unary(&self, operator: &str, text: &str, args: &[&str]) -> Result<bool, Stop> {
        let (files, path) = (&self.guest.files, self.absolute(text));
        Ok(match operator {
            "-n" => !text.is_empty(),
            "-z" => text.is_empty(),
            "-f" => files.read(&path).is_some(),
            "-s" => files.read(&path).is_some_and(|data| !data.is_empty()),
            "-d" => files.is_directory(&path),
            "-e" => files.is_directory(&path) || files.read(&path).is_some(),
            "-x" => files.is_directory(&path) || (files.read(&path).is_some() && files.is_executable(&path)),
            _ => return Err(wrong("test", args)),
        })
    }
}

fn compare(a: &str, operator: &str, b: &str, args: &[&str]) -> Result<bool, Stop> {
    match operator {
        "=" => return Ok(a == b),
        "!=" => return Ok(a != b),
        _ => {}
    }
    let number = |text: &str| text.trim().parse::<i64>().map_err(|_| wrong("test", args));
    let holds = match operator {
        "-eq" => Ordering::is_eq,
        "-ne" => Ordering::is_ne,
        "-lt" => Ordering::is_lt,
        "-le" => Ordering::is_le,
        "-gt" => Ordering::is_gt,
        "-ge" => Ordering::is_ge,
        _ => return Err(wrong("test", args)),
    };
    Ok(holds(number(a)?.cmp(&number(b)?)))
}
