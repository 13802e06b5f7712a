//! Lists that have not been requested yet.

use std::fmt;

use super::list::List;
use crate::error::Error;
use crate::wait::into_future;

/// A list without filters. `.await` it for a `Vec`, or read it item by item with [`stream`](Self::stream).
///
/// ```no_run
/// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
/// for snapshot in web.snapshots().await? {
///     println!("{} of {:?}", snapshot.name, snapshot.created_at);
/// }
/// # Ok(()) }
/// ```
///
/// Nothing is sent before either. `.await` gives all items or an error, never a part; the errors are those of
/// [`List::next_page`].
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct Query<T>(List<T>);

impl<T> Query<T> {
    /// A list that one request brings.
    #[allow(dead_code)] // not every API has one
    pub(crate) fn one(fetch: impl Future<Output = Result<Vec<T>, Error>> + Send + 'static) -> Self {
        Self(List::once(fetch))
    }

    /// The list as a stream. Each page is fetched when the stream reaches it.
    pub fn stream(self) -> List<T> {
        self.0
    }
}

impl<T> fmt::Debug for Query<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").finish_non_exhaustive()
    }
}

into_future!([T: Send + 'static] Query<T> => Vec<T>: |query| query.stream().all().await);
