//! Signals, with Linux's numbers.

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
    /// The terminal was closed. Many services reload their configuration.
    HUP = 1;
    /// Interrupt, as with Control-C.
    INT = 2;
    /// Quit with a core dump, as with Control-\\.
    QUIT = 3;
    /// Ends the command at once. Can't be caught.
    KILL = 9;
    /// Defined by the command.
    USR1 = 10;
    /// Defined by the command.
    USR2 = 12;
    /// Asks the command to end.
    TERM = 15;
    /// Continues a stopped command.
    CONT = 18;
    /// Stops the command. Can't be caught.
    STOP = 19;
}

impl Signal {
    /// A signal by its number on Linux, 1 to 64. Other numbers fail with
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when sent.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// The number on Linux.
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
