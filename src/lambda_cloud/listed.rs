//! Reading one thing if the API only has a list of all.

use super::client::LambdaCloud;
use crate::error::{Error, ErrorKind};
use crate::stream::query::Query;
use crate::transport::checked;

/// The item with this id. `operation` is the call that fetches the list, for errors.
pub(super) async fn find<T: Send + 'static>(
    lambda: &LambdaCloud,
    operation: &'static str,
    list: Query<T>,
    id: &str,
    is: impl Fn(&T, &str) -> bool,
) -> Result<T, Error> {
    let label = lambda.label(operation, id);
    checked("id", id).map_err(|e| label.on(e))?;
    let found = list.await?.into_iter().find(|item| is(item, id));
    found.ok_or_else(|| label.on(Error::new(ErrorKind::NotFound, "it isn't in the list")))
}
