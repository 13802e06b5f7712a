//! Parameters of raw calls that may be left out.

/// Gives a raw call the parameters that are there.
macro_rules! given {
    ($call:expr; $($name:ident = $value:expr),* $(,)?) => {{
        let call = $call;
        $(let call = match $value {
            Some(value) => call.$name(value),
            None => call,
        };)*
        call
    }};
}
pub(super) use given;

/// The next of several values of one filter.
pub(super) fn push<T>(list: &mut Option<Vec<T>>, value: T) {
    list.get_or_insert_default().push(value);
}
