//! Lists by offset: some answers tell how many items there are, some whether there is another page.

use std::collections::{HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorKind};
use crate::stream::list::{Cursor, List, Page};
use crate::wait::BoxFuture;

/// The most that a page can hold, and the default size.
const LARGEST: u32 = 100;

/// How many items are known again when new ones have shifted them onto later pages; some 2 MiB.
const REMEMBERED: usize = 65_536;
/// How many pages in a row may show nothing new before the list counts as one that doesn't advance.
const BARREN: u32 = 64;

/// Which page to ask for, in the service's own terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) limit: String,
    pub(super) offset: String,
}

/// A page as it came.
pub(super) struct Came<T> {
    pub(super) items: Vec<T>,
    pub(super) count: Option<i64>,
    pub(super) has_next: Option<bool>,
    /// Which were asked for: a service that doesn't know this filter sends all.
    pub(super) ids: Option<Vec<String>>,
}

/// An item of a list.
pub(super) trait Item: Debug {
    /// Tells it from all others; empty if the service left it out.
    fn id(&self) -> &str;
}

/// A list of all pages that `fetch` brings.
pub(super) fn list<T, F>(size: Option<u32>, fetch: F) -> List<T>
where
    T: Item + Send + 'static,
    F: Fn(Spot) -> BoxFuture<'static, Result<Came<T>, Error>> + Send + 'static,
{
    let size = size.unwrap_or(LARGEST);
    let pager = Arc::new(Mutex::new(Pager::new(size)));
    List::new(move |cursor| {
        if size == 0 || size > LARGEST {
            return Box::pin(async { Err(Error::invalid("page_size", "is not between 1 and 100")) });
        }
        let offset = cursor.and_then(|Cursor(offset)| offset.parse().ok()).unwrap_or(0);
        let page = fetch(Spot { limit: size.to_string(), offset: offset.to_string() });
        let pager = pager.clone();
        Box::pin(async move {
            let came = page.await?;
            pager.lock().unwrap_or_else(PoisonError::into_inner).turn(offset, came)
        })
    })
    .with_prefetch()
}

/// What is kept of earlier pages: enough to notice items that come twice, and lists that never end.
struct Pager {
    size: u32,
    seen: Seen,
    /// How many pages in a row had nothing new.
    barren: u32,
    /// One page of those before, chosen anew after 1, 2, 4, 8 … more: any circle comes back to it.
    kept: Option<u64>,
    since: u64,
    patience: u64,
}

/// The latest items. New items at the front of a list shift it: a page then repeats what came just before.
#[derive(Default)]
struct Seen {
    marks: HashSet<u64>,
    in_order: VecDeque<u64>,
}

impl Seen {
    /// Whether it is new; takes note of it.
    fn is_new(&mut self, mark: u64) -> bool {
        if !self.marks.insert(mark) {
            return false;
        }
        self.in_order.push_back(mark);
        if self.in_order.len() > REMEMBERED
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.marks.remove(&oldest);
        }
        true
    }
}

impl Pager {
    fn new(size: u32) -> Self {
        Self { size, seen: Seen::default(), barren: 0, kept: None, since: 0, patience: 1 }
    }

    fn turn<T: Item>(&mut self, offset: u64, came: Came<T>) -> Result<Page<T>, Error> {
        let Came { mut items, count, has_next, ids } = came;
        let number = items.len() as u64;
        let end = offset.saturating_add(number);
        let more = has_next
            .or_else(|| count.map(|count| i64::try_from(end).is_ok_and(|end| end < count)))
            .unwrap_or(number >= u64::from(self.size));
        if number == 0 && more {
            return Err(Error::new(
                ErrorKind::BadReply,
                format!("the list ends after {offset} items although there are more"),
            ));
        }
        let page = hash(&items.iter().map(mark).collect::<Vec<_>>());
        let mut any_new = false;
        items.retain(|item| {
            let is_new = self.seen.is_new(mark(item));
            any_new |= is_new;
            is_new || item.id().is_empty()
        });
        if more && !self.advances(any_new, page) {
            return Err(Error::new(ErrorKind::BadReply, "the list doesn't advance: pages repeat"));
        }
        if let Some(ids) = ids {
            items.retain(|item| ids.iter().any(|id| id == item.id()));
        }
        Ok(Page { items, next: more.then(|| Cursor(end.to_string())) })
    }

    /// Whether the pages lead anywhere. One that repeats others may have been shifted.
    fn advances(&mut self, any_new: bool, page: u64) -> bool {
        if any_new {
            self.barren = 0;
            return !self.goes_round(page);
        }
        self.barren += 1;
        self.barren <= BARREN
    }

    /// Brent's way to find a circle with the memory of one step.
    fn goes_round(&mut self, page: u64) -> bool {
        if self.kept == Some(page) {
            return true;
        }
        self.since += 1;
        if self.since == self.patience {
            (self.kept, self.since, self.patience) = (Some(page), 0, self.patience.saturating_mul(2));
        }
        false
    }
}

fn mark<T: Item>(item: &T) -> u64 {
    match item.id() {
        "" => hash(&format!("{item:?}")),
        id => hash(id),
    }
}

fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt;

    #[derive(Debug)]
    struct Thing(String);

    impl Item for Thing {
        fn id(&self) -> &str {
            &self.0
        }
    }

    fn things(from: u64, to: u64) -> Vec<Thing> {
        (from..to).map(|number| Thing(number.to_string())).collect()
    }

    /// Reads a list whose pages are made from their offsets; gives the ids, and how often it was asked.
    async fn read(
        page: impl Fn(u64) -> Came<Thing> + Send + 'static,
    ) -> (Result<Vec<String>, ErrorKind>, u32) {
        let asked = Arc::new(Mutex::new(0));
        let counter = asked.clone();
        let list = list(Some(10), move |spot| {
            if let Ok(mut asked) = counter.lock() {
                *asked += 1;
                assert!(*asked < 100, "it never ends");
            }
            let came = page(spot.offset.parse().unwrap_or(0));
            Box::pin(async move { Ok(came) })
        });
        let ids = list.map_ok(|thing| thing.0).try_collect().await.map_err(|e| e.kind());
        (ids, asked.lock().map(|asked| *asked).unwrap_or_default())
    }

    fn numbers(to: u64) -> Vec<String> {
        (0..to).map(|number| number.to_string()).collect()
    }

    #[tokio::test]
    async fn both_styles() {
        let counted = |offset| Came {
            items: things(offset, (offset + 10).min(25)),
            count: Some(25),
            has_next: None,
            ids: None,
        };
        assert_eq!(read(counted).await, (Ok(numbers(25)), 3));
        let told = |offset| Came {
            items: things(offset, (offset + 10).min(20)),
            count: None,
            has_next: Some(offset < 10),
            ids: None,
        };
        assert_eq!(read(told).await, (Ok(numbers(20)), 2));
        let neither = |offset| Came {
            items: things(offset, (offset + 10).min(25)),
            count: None,
            has_next: None,
            ids: None,
        };
        assert_eq!(read(neither).await, (Ok(numbers(25)), 3));
    }

    #[tokio::test]
    async fn pages_smaller_than_asked_for_are_no_end() {
        let page = |offset| Came {
            items: things(offset, (offset + 4).min(9)),
            count: Some(9),
            has_next: None,
            ids: None,
        };
        assert_eq!(read(page).await, (Ok(numbers(9)), 3));
    }

    #[tokio::test]
    async fn ids_that_the_service_ignores() {
        let ids = || Some(vec!["3".to_owned(), "17".to_owned()]);
        let page = move |offset| Came {
            items: things(offset, (offset + 10).min(25)),
            count: Some(25),
            has_next: None,
            ids: ids(),
        };
        assert_eq!(read(page).await, (Ok(vec!["3".to_owned(), "17".to_owned()]), 3));
    }

    #[tokio::test]
    async fn an_empty_list() {
        let page = |_| Came { items: Vec::new(), count: Some(0), has_next: None, ids: None };
        assert_eq!(read(page).await, (Ok(vec![]), 1));
    }

    #[tokio::test]
    async fn a_list_that_shrinks_ends() {
        let page = |offset| Came {
            items: if offset == 0 { things(0, 10) } else { Vec::new() },
            count: Some(if offset == 0 { 30 } else { 8 }),
            has_next: None,
            ids: None,
        };
        assert_eq!(read(page).await, (Ok(numbers(10)), 2));
    }

    #[tokio::test]
    async fn a_list_that_breaks_off_is_no_short_list() {
        let page = |offset| Came {
            items: if offset == 0 { things(0, 10) } else { Vec::new() },
            count: Some(30),
            has_next: None,
            ids: None,
        };
        assert_eq!(read(page).await.0, Err(ErrorKind::BadReply));
    }

    #[tokio::test]
    async fn pages_that_repeat_are_an_error() {
        let same = |_| Came { items: things(0, 10), count: None, has_next: Some(true), ids: None };
        assert_eq!(read(same).await, (Err(ErrorKind::BadReply), BARREN + 2));
        for circle in 2..9 {
            let round = move |offset: u64| {
                let at = offset / 10 % circle * 10;
                Came { items: things(at, at + 10), count: None, has_next: Some(true), ids: None }
            };
            assert_eq!(read(round).await.0, Err(ErrorKind::BadReply), "{circle}");
        }
        let nameless =
            |_| Came { items: vec![Thing(String::new())], count: None, has_next: Some(true), ids: None };
        assert_eq!(read(nameless).await.0, Err(ErrorKind::BadReply));
    }

    #[tokio::test]
    async fn what_moved_to_the_next_page_is_not_shown_twice() {
        // Two new items came after the first page was read.
        let page = |offset: u64| Came {
            items: if offset == 0 { things(0, 10) } else { things(offset - 2, (offset + 8).min(18)) },
            count: Some(20),
            has_next: None,
            ids: None,
        };
        assert_eq!(read(page).await, (Ok(numbers(18)), 2));
    }

    /// The pages of a list of 30 things; `new` ones are added before the second page.
    fn shifted(new: u64) -> impl Fn(u64) -> Came<Thing> {
        move |offset: u64| {
            let shift = if offset == 0 { 0 } else { new };
            let items = (offset..(offset + 10).min(30 + shift)).map(|at| match at.checked_sub(shift) {
                Some(old) => Thing(old.to_string()),
                None => Thing(format!("new {at}")),
            });
            Came { items: items.collect(), count: Some(30 + shift as i64), has_next: None, ids: None }
        }
    }

    #[tokio::test]
    async fn more_new_items_than_a_page_holds_show_nothing_twice() {
        for new in [1, 9, 10, 11, 20, 25, 99, 300] {
            let (ids, _) = read(shifted(new)).await;
            let old: Vec<String> =
                ids.unwrap_or_default().into_iter().filter(|id| !id.starts_with("new")).collect();
            assert_eq!(old, numbers(30), "{new} new ones");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut seen = Seen::default();
        for mark in 0..3 * REMEMBERED as u64 {
            assert!(seen.is_new(mark) && !seen.is_new(mark));
        }
        assert_eq!((seen.marks.len(), seen.in_order.len()), (REMEMBERED, REMEMBERED));
        assert!(seen.is_new(0));
    }

    #[tokio::test]
    async fn sizes_that_cannot_be() {
        for size in [0, 101] {
            let nothing =
                list::<Thing, _>(Some(size), |_| Box::pin(async { Err(Error::new(ErrorKind::Server, "")) }));
            assert_eq!(nothing.all().await.map_err(|e| e.kind()).err(), Some(ErrorKind::InvalidInput));
        }
    }
}
