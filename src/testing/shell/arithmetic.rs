//! `$((…))`: whole numbers of 64 bits, which wrap around.

use super::limits::Stop;
use super::variables::Variables;

/// How deep parentheses and signs may be nested.
const DEPTH: usize = 32;

/// Operators by rank, the weakest first. Longer ones stand before those that they begin with.
const RANKS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// Those that a shorter operator must not be mistaken for.
const OPERATORS: [&str; 16] =
    ["||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "++", "--", "**", "+=", "-=", "*=", "/=", "%="];

pub(super) fn evaluate(text: &str, variables: &mut Variables) -> Result<i64, Stop> {
    let mut sum = Sum { text, rest: text, variables, depth: 0, live: true };
    let value = sum.expression()?;
    match sum.rest.trim_start().is_empty() {
        true => Ok(value),
        false => Err(sum.wrong()),
    }
}

struct Sum<'a> {
    text: &'a str,
    rest: &'a str,
    variables: &'a mut Variables,
    depth: usize,
    /// Whether the result counts: not on the other side of `&&`, `||` and `?`.
    live: bool,
}

impl<'a> Sum<'a> {
    fn wrong(&self) -> Stop {
        Stop::unsupported(format!("`$(({}))`", self.text.escape_default()))
    }

    fn operator(&mut self, wanted: &str) -> bool {
        let rest = self.rest.trim_start();
        let longer = OPERATORS.iter().any(|other| other.len() > wanted.len() && rest.starts_with(other));
        let found = !longer && rest.starts_with(wanted);
        if found {
            self.rest = &rest[wanted.len()..];
        }
        found
    }

    fn expression(&mut self) -> Result<i64, Stop> {
        if self.depth == DEPTH {
            return Err(Stop::limit("arithmetic that is nested too deeply"));
        }
        self.depth += 1;
        let value = match self.assignment() {
            Some((name, operator)) => self.assign(name, operator)?,
            None => self.choice()?,
        };
        self.depth -= 1;
        Ok(value)
    }

    /// A name and the operator that is part of `=`, if an assignment comes next.
    fn assignment(&mut self) -> Option<(&'a str, &'a str)> {
        let rest = self.rest.trim_start();
        let (name, after) = rest.split_at(name_length(rest));
        let after = after.trim_start();
        let operator = ["+", "-", "*", "/", "%", ""].into_iter().find(|operator| {
            after.strip_prefix(operator).is_some_and(|it| it.starts_with('=') && !it.starts_with("=="))
        })?;
        if name.is_empty() {
            return None;
        }
        self.rest = &after[operator.len() + 1..];
        Some((name, operator))
    }

    fn assign(&mut self, name: &str, operator: &str) -> Result<i64, Stop> {
        let right = self.expression()?;
        let value = match operator {
            "" => right,
            operator => self.apply(operator, self.variable(name)?, right)?,
        };
        if self.live {
            self.variables.set(name, value.to_string())?;
        }
        Ok(value)
    }

    fn choice(&mut self) -> Result<i64, Stop> {
        let condition = self.ranked(0)?;
        if !self.operator("?") {
            return Ok(condition);
        }
        let yes = self.aside(condition != 0, Self::expression)?;
        if !self.operator(":") {
            return Err(self.wrong());
        }
        let no = self.aside(condition == 0, Self::expression)?;
        Ok(if condition != 0 { yes } else { no })
    }

    /// Parses something that counts only if `counts`.
    fn aside(
        &mut self,
        counts: bool,
        rule: impl FnOnce(&mut Self) -> Result<i64, Stop>,
    ) -> Result<i64, Stop> {
        let live = self.live;
        self.live &= counts;
        let value = rule(self);
        self.live = live;
        value
    }

    fn ranked(&mut self, rank: usize) -> Result<i64, Stop> {
        let Some(operators) = RANKS.get(rank) else {
            return self.operand();
        };
        let mut left = self.ranked(rank + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.operator(operator)) {
            let counts = match *operator {
                "||" => left == 0,
                "&&" => left != 0,
                _ => true,
            };
            let right = self.aside(counts, |sum| sum.ranked(rank + 1))?;
            left = self.apply(operator, left, right)?;
        }
        Ok(left)
    }

    fn apply(&self, operator: &str, a: i64, b: i64) -> Result<i64, Stop> {
        let shift = u32::try_from(b & 63).unwrap_or_default();
        Ok(match operator {
            "/" | "%" if b == 0 && !self.live => 0,
            "/" | "%" if b == 0 => return Err(Stop::Fault("arithmetic: division by zero".to_owned())),
            "||" => i64::from(a != 0 || b != 0),
            "&&" => i64::from(a != 0 && b != 0),
            "|" => a | b,
            "^" => a ^ b,
            "&" => a & b,
            "==" => i64::from(a == b),
            "!=" => i64::from(a != b),
            "<=" => i64::from(a <= b),
            ">=" => i64::from(a >= b),
            "<" => i64::from(a < b),
            ">" => i64::from(a > b),
            "<<" => a.wrapping_shl(shift),
            ">>" => a.wrapping_shr(shift),
            "+" => a.wrapping_add(b),
            "-" => a.wrapping_sub(b),
            "*" => a.wrapping_mul(b),
            "/" => a.wrapping_div(b),
            _ => a.wrapping_rem(b),
        })
    }

    /// Signs, and what they belong to.
    fn operand(&mut self) -> Result<i64, Stop> {
        for (sign, apply) in SIGNS {
            if self.operator(sign) {
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(self.wrong());
                }
                let value = self.operand()?;
                self.depth -= 1;
                return Ok(apply(value));
            }
        }
        if self.operator("(") {
            let value = self.expression()?;
            return if self.operator(")") { Ok(value) } else { Err(self.wrong()) };
        }
        self.atom()
    }

    fn atom(&mut self) -> Result<i64, Stop> {
        let rest = self.rest.trim_start();
        let name = name_length(rest);
        let length =
            if name > 0 { name } else { rest.chars().take_while(char::is_ascii_alphanumeric).count() };
        let (word, after) = rest.split_at(length);
        self.rest = after;
        match name {
            0 => number(word).ok_or_else(|| self.wrong()),
            _ => self.variable(word),
        }
    }

    /// Not set and empty are zero.
    fn variable(&self, name: &str) -> Result<i64, Stop> {
        match self.variables.get(name).unwrap_or_default().trim() {
            "" => Ok(0),
            value => {
                let digits = value.strip_prefix('-');
                let size = number(digits.unwrap_or(value)).ok_or_else(|| self.wrong())?;
                Ok(if digits.is_some() { size.wrapping_neg() } else { size })
            }
        }
    }
}

type Sign = (&'static str, fn(i64) -> i64);

const SIGNS: [Sign; 4] = [
    ("-", i64::wrapping_neg),
    ("+", |value| value),
    ("!", |value| i64::from(value == 0)),
    ("~", |value| !value),
];

fn name_length(text: &str) -> usize {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    if begins { end } else { 0 }
}

/// `12`, `0x1f`, `017`.
fn number(text: &str) -> Option<i64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    let plain = digits.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then(|| i64::from_str_radix(digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::variables::Variables;
    use super::evaluate;

    #[test]
    fn as_in_a_shell() {
        let mut variables = Variables::default();
        for (text, value) in [
            ("1+1", 2),
            (" 2 + 3 * 4 ", 14),
            ("(2+3)*4", 20),
            ("-7 / 2", -3),
            ("7 % 3 - -1", 2),
            ("1 << 4 | 1", 17),
            ("3 > 2 && 2 >= 2 && 1 != 2", 1),
            ("0 || !1", 0),
            ("1 ? 5 : 1/0", 5),
            ("0 && (never = 1)", 0),
            ("never", 0),
            ("n = 4", 4),
            ("n += 3", 7),
            ("n*n", 49),
            ("0x10 + 010", 24),
            ("9223372036854775807 + 1", i64::MIN),
            ("-9223372036854775807 - 1", i64::MIN),
        ] {
            assert_eq!(evaluate(text, &mut variables), Ok(value), "{text}");
        }
    }

    #[test]
    fn anything_else_is_an_error() {
        let mut variables = Variables::default();
        assert!(variables.set("word", "x".to_owned()).is_ok());
        let deep = "(".repeat(100_000);
        for text in
            ["", "1 +", "1 / 0", "1 % 0", "n++", "++n", "2 ** 3", "1 2", "word", "(1", "1.5", "08", &deep]
        {
            assert!(evaluate(text, &mut variables).is_err(), "{text}");
        }
        assert!(evaluate(&"-".repeat(100_000), &mut variables).is_err());
        assert!(evaluate(&"x=".repeat(100_000), &mut variables).is_err());
        assert!(evaluate(&"!".repeat(100_000), &mut variables).is_err());
    }
}
