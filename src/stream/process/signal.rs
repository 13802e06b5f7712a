//! Signals, by Linux's numbers.

use std::fmt;

use crate::error::Error;

/// A signal for a command.
///
/// ```
/// use windlass::Signal;
///
/// assert_eq!(Signal::TERM.to_string(), "SIGTERM");
/// assert_eq!(Signal::new(34).number(), 34);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signal(i32);

macro_rules! signals {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        impl Signal {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(concat!("SIG", stringify!($name))),)*
                    _ => None,
                }
            }
        }
    };
}

signals! {
    /// The terminal went away; for many services: read the configuration again.
    HUP = 1;
    /// Control-C.
    INT = 2;
    /// Control-\\: ends with a core dump.
    QUIT = 3;
    /// Ends at once; can't be caught.
    KILL = 9;
    /// Means what the command likes.
    USR1 = 10;
    /// Means what the command likes.
    USR2 = 12;
    /// The polite request to end.
    TERM = 15;
    /// Go on after a stop.
    CONT = 18;
    /// Pause; can't be caught.
    STOP = 19;
}

impl Signal {
    /// Any signal by its number on Linux: 1 to 64; others are refused when they are to be sent.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// Its number on Linux.
    pub const fn number(self) -> i32 {
        self.0
    }

    pub(super) fn check(self) -> Result<(), Error> {
        match self.0 {
            1..=64 => Ok(()),
            other => Err(Error::invalid("signal", format!("there is no signal {other}"))),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}
