//! One page of a list.

/// The start of the next page of a list, as the API expresses it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor(pub(crate) String);

/// One page of a list.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items on this page.
    pub items: Vec<T>,
    /// The start of the next page. `None` on the last page.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The only page of a list without pages.
    pub(crate) fn only(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
