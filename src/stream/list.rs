//! Paged lists as one stream.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_util::Stream;

use super::background::Background;
pub(crate) use super::page::{Cursor, Page};
use crate::error::{Error, ErrorKind};
use crate::transport::Label;
use crate::wait::BoxFuture;

type Fetching<T> = BoxFuture<'static, Result<Page<T>, Error>>;
type Fetch<T> = Box<dyn FnMut(Option<Cursor>) -> Fetching<T> + Send>;

/// A stream of list items, over all pages. Each page is fetched when the stream reaches it.
///
/// ```no_run
/// # async fn demo(incus: windlass::Incus) -> windlass::Result<()> {
/// let mut running = incus.instances().status(windlass::incus::Status::Running).stream();
/// while let Some(instance) = running.try_next().await? {
///     println!("{} {}", instance.name, instance.location);
/// }
/// # Ok(()) }
/// ```
///
/// It also implements [`Stream`], for the combinators of `futures`. After an error the stream ends, so a failed list is
/// never mistaken for a short one. No item comes twice. Where a service pages by offset, as Koyeb does, an item may be
/// missed if others are deleted while the list is read. Dropping the list cancels a request in progress.
#[must_use = "nothing is fetched before the list is read"]
pub struct List<T> {
    fetch: Fetch<T>,
    state: State<T>,
    items: vec::IntoIter<T>,
    /// The call that fetches a page, for errors of the list itself.
    label: Option<Label>,
    /// Starts fetching a page in the background; set by `with_prefetch`.
    start: Option<fn(Fetching<T>) -> Fetching<T>>,
    /// The next page is fetched when at most this many items are left.
    ahead: usize,
}

enum State<T> {
    Ready(Option<Cursor>),
    Fetching(Option<Cursor>, Fetching<T>),
    Ended,
}

impl<T> List<T> {
    pub(crate) fn new(
        fetch: impl FnMut(Option<Cursor>) -> BoxFuture<'static, Result<Page<T>, Error>> + Send + 'static,
    ) -> Self {
        Self {
            fetch: Box::new(fetch),
            state: State::Ready(None),
            items: Vec::new().into_iter(),
            label: None,
            start: None,
            ahead: 0,
        }
    }

    /// A list of one page.
    #[allow(dead_code)] // not every API has one
    pub(crate) fn once(fetch: impl Future<Output = Result<Vec<T>, Error>> + Send + 'static) -> Self {
        let mut fetch = Some(fetch);
        Self::new(move |_| {
            let fetching = fetch.take();
            Box::pin(async move {
                match fetching {
                    Some(fetching) => Ok(Page::only(fetching.await?)),
                    None => Ok(Page::only(Vec::new())),
                }
            })
        })
    }

    /// Sets the call that fetches a page, for errors.
    #[allow(dead_code)] // not every API has pages
    pub(crate) fn by(self, label: Label) -> Self {
        Self { label: Some(label), ..self }
    }

    /// Fetches the next page once half of a page is read. Never fetches more than one page ahead.
    #[allow(dead_code)] // not every API has pages
    pub(crate) fn with_prefetch(self) -> Self
    where
        T: Send + 'static,
    {
        Self { start: Some(in_background), ..self }
    }

    /// Maps the items. Only for a list that hasn't been read from.
    #[allow(dead_code)] // the view over all clouds needs it
    pub(crate) fn map_items<U: Send + 'static>(self, map: impl Fn(T) -> U + Send + Sync + 'static) -> List<U>
    where
        T: Send + 'static,
    {
        self.map_pages(move |items| std::future::ready(Ok(items.into_iter().map(&map).collect())))
    }

    /// Maps each page. Only for a list that hasn't been read from.
    #[allow(dead_code)] // the view over all clouds needs it
    pub(crate) fn map_pages<U: Send + 'static, F>(
        mut self,
        map: impl Fn(Vec<T>) -> F + Send + Sync + 'static,
    ) -> List<U>
    where
        T: Send + 'static,
        F: Future<Output = Result<Vec<U>, Error>> + Send,
    {
        let map = Arc::new(map);
        let label = self.label.take();
        let ahead = self.start.is_some();
        let list = List::new(move |cursor| {
            let (page, map) = ((self.fetch)(cursor), map.clone());
            Box::pin(async move {
                let Page { items, next } = page.await?;
                Ok(Page { items: map(items).await?, next })
            })
        });
        let list = List { label, ..list };
        if ahead { list.with_prefetch() } else { list }
    }

    /// Filters the items. Only for a list that hasn't been read from.
    #[allow(dead_code)] // the view over all clouds needs it
    pub(crate) fn filter_items(mut self, keep: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self
    where
        T: Send + 'static,
    {
        let keep = Arc::new(keep);
        let mut fetch = self.fetch;
        self.fetch = Box::new(move |cursor| {
            let (page, keep) = (fetch(cursor), keep.clone());
            Box::pin(async move {
                let mut page = page.await?;
                page.items.retain(|item| keep(item));
                Ok(page)
            })
        });
        self
    }

    /// The next page, or the unread rest of the current one. `None` after the last page.
    ///
    /// # Errors
    ///
    /// The error of the request, for example [`PermissionDenied`](ErrorKind::PermissionDenied); [`ErrorKind::BadReply`]
    /// if the pages don't advance.
    pub async fn next_page(&mut self) -> Result<Option<Vec<T>>, Error> {
        if self.items.len() > 0 {
            return Ok(Some(self.items.by_ref().collect()));
        }
        std::future::poll_fn(|context| self.poll_page(context)).await.transpose()
    }

    /// The next item. `None` after the last one, or after an error.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        std::future::poll_fn(|context| self.poll_item(context)).await
    }

    /// The next item, for use with `?`. `None` after the last one.
    ///
    /// # Errors
    ///
    /// Those of [`next_page`](Self::next_page).
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        self.next().await.transpose()
    }

    /// Collects all items.
    pub(crate) async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut all: Vec<T> = Vec::new();
        while let Some(mut page) = self.next_page().await? {
            if all.is_empty() {
                all = page;
            } else {
                all.append(&mut page);
            }
        }
        Ok(all)
    }

    /// Starts fetching the next page, if prefetching is on, the next page is known, and it isn't being fetched already.
    fn prefetch(&mut self) {
        if let (Some(start), State::Ready(cursor)) = (self.start, &mut self.state)
            && self.items.len() <= self.ahead
        {
            let cursor = cursor.take();
            let page = start((self.fetch)(cursor.clone()));
            self.state = State::Fetching(cursor, page);
        }
    }

    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Vec<T>, Error>>> {
        loop {
            match &mut self.state {
                State::Ended => return Poll::Ready(None),
                State::Ready(cursor) => {
                    let cursor = cursor.take();
                    let page = (self.fetch)(cursor.clone());
                    self.state = State::Fetching(cursor, page);
                }
                State::Fetching(cursor, page) => {
                    let page = ready!(page.as_mut().poll(context));
                    let cursor = cursor.take();
                    let page = self.turn(cursor, page);
                    return Poll::Ready(Some(page.map_err(|e| self.labelled(e))));
                }
            }
        }
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        loop {
            if let Some(item) = self.items.next() {
                self.prefetch();
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.poll_page(context)) {
                None => return Poll::Ready(None),
                Some(Err(e)) => return Poll::Ready(Some(Err(e))),
                Some(Ok(items)) => {
                    self.ahead = items.len() / 2;
                    self.items = items.into_iter();
                }
            }
        }
    }

    /// Adds the call to an error of the list itself.
    fn labelled(&self, e: Error) -> Error {
        match &self.label {
            Some(label) => label.on(e),
            None => e,
        }
    }

    fn turn(&mut self, cursor: Option<Cursor>, page: Result<Page<T>, Error>) -> Result<Vec<T>, Error> {
        self.state = State::Ended;
        let page = page?;
        if page.next.is_some() && page.next == cursor {
            // A page that names itself as the next would be read endlessly.
            return Err(Error::new(
                ErrorKind::BadReply,
                "the list doesn't advance: a page names itself as the next",
            ));
        }
        if page.next.is_some() {
            self.state = State::Ready(page.next);
        }
        Ok(page.items)
    }
}

impl<T: Unpin> Stream for List<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(context)
    }
}

/// Runs without being polled, until it is dropped.
fn in_background<T: Send + 'static>(page: Fetching<T>) -> Fetching<T> {
    let task = Background::run(page);
    Box::pin(async move {
        task.end().await.unwrap_or_else(|e| {
            Err(Error::new(ErrorKind::Interrupted, format!("the task that fetches a page ended: {e}")))
        })
    })
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt;

    fn numbers(pages: u32) -> List<u32> {
        List::new(move |cursor| {
            let at: u32 = cursor.and_then(|Cursor(at)| at.parse().ok()).unwrap_or(0);
            let next = (at + 1 < pages).then(|| Cursor((at + 1).to_string()));
            Box::pin(async move { Ok(Page { items: vec![at * 2, at * 2 + 1], next }) })
        })
    }

    #[tokio::test]
    async fn a_stream_over_all_pages() {
        let items: Vec<u32> = numbers(3).try_collect().await.unwrap_or_default();
        assert_eq!(items, [0, 1, 2, 3, 4, 5]);
        assert_eq!(numbers(3).all().await.ok(), Some(items));
    }

    #[tokio::test]
    async fn other_items_on_the_same_pages() {
        let mut texts = numbers(2).with_prefetch().map_items(|number| number.to_string());
        assert!(texts.start.is_some());
        assert_eq!(texts.next_page().await.ok().flatten(), Some(vec!["0".to_owned(), "1".to_owned()]));
        assert_eq!(texts.all().await.ok(), Some(vec!["2".to_owned(), "3".to_owned()]));
    }

    #[tokio::test]
    async fn what_the_stream_has_left_is_not_lost() {
        let mut list = numbers(2);
        assert_eq!(list.try_next().await.ok().flatten(), Some(0));
        assert_eq!(list.next_page().await.ok().flatten(), Some(vec![1]));
        assert_eq!(list.try_next().await.ok().flatten(), Some(2));
        assert_eq!(list.all().await.ok(), Some(vec![3]));
    }

    #[tokio::test]
    async fn pages_one_by_one() {
        let mut list = numbers(2);
        assert_eq!(list.next_page().await.ok().flatten(), Some(vec![0, 1]));
        assert_eq!(list.next_page().await.ok().flatten(), Some(vec![2, 3]));
        assert!(matches!(list.next_page().await, Ok(None)));
    }

    #[tokio::test]
    async fn one_page_ahead_and_no_more() {
        use std::sync::atomic::{AtomicU32, Ordering};
        let asked = Arc::new(AtomicU32::new(0));
        let counted = asked.clone();
        let mut list = List::new(move |cursor| {
            let counted = counted.clone();
            Box::pin(async move {
                counted.fetch_add(1, Ordering::SeqCst);
                let at: u32 = cursor.and_then(|Cursor(at)| at.parse().ok()).unwrap_or(0);
                Ok(Page { items: vec![at; 4], next: Some(Cursor((at + 1).to_string())) })
            })
        })
        .with_prefetch();
        for (read, expected) in [(1, 1), (2, 2), (3, 2), (4, 2), (5, 2), (6, 3)] {
            assert!(list.try_next().await.is_ok_and(|item| item.is_some()));
            // Lets background tasks run as far as they can.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            assert_eq!(asked.load(Ordering::SeqCst), expected, "{read} items read");
        }
    }

    #[tokio::test]
    async fn a_page_that_leads_to_itself_is_an_error() -> Result<(), Error> {
        let list =
            List::new(|_| Box::pin(async { Ok(Page { items: vec![1], next: Some(Cursor("same".into())) }) }));
        let list = list.by(Label::of("koyeb", "list_instances", "https://a")?).map_items(|item| item + 1);
        let e = list.all().await.map_err(|e| (e.kind(), e.to_string()));
        let said = "koyeb list_instances at https://a: reply not understood: the list doesn't advance: a page names itself as the next";
        assert_eq!(e, Err((ErrorKind::BadReply, said.to_owned())));
        Ok(())
    }

    #[tokio::test]
    async fn an_error_ends_the_stream_after_what_came_before() {
        let mut first = true;
        let mut list = List::new(move |_| {
            let page = if std::mem::take(&mut first) {
                Ok(Page { items: vec![1], next: Some(Cursor("2".into())) })
            } else {
                Err(Error::new(ErrorKind::Unavailable, ""))
            };
            Box::pin(async { page })
        });
        assert_eq!(list.try_next().await.ok(), Some(Some(1)));
        assert_eq!(list.try_next().await.map_err(|e| e.kind()), Err(ErrorKind::Unavailable));
        assert_eq!(list.try_next().await.ok(), Some(None));
    }
}
