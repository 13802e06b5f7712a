//! Operations that a test lets fail.

use std::cell::RefCell;
use std::marker::PhantomData;

thread_local! {
    /// Why the operation that the current request starts will fail. A request is handled on one thread, without a break.
    static DOOM: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// While it lives, the next operation that this thread starts fails.
#[derive(Debug)]
pub(crate) struct Doom(PhantomData<*const ()>);

impl Doom {
    pub(crate) fn over_this_thread(why: &str) -> Doom {
        DOOM.set(Some(why.to_owned()));
        Doom(PhantomData)
    }

    pub(crate) fn take() -> Option<String> {
        DOOM.take()
    }
}

impl Drop for Doom {
    fn drop(&mut self) {
        DOOM.take();
    }
}
