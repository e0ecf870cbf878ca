//! Work of a request that belongs to the process's runtime, although an HTTP worker drives it.
//!
//! A connection to the database lives in the runtime in which it was opened, and goes back to its pool by a task of
//! the runtime in which it was put down. A worker's own runtime ends with the worker, while other holders of that
//! connection go on. So whatever may touch the database on a worker is polled, and dropped, as if on the process's
//! runtime; unlike a task there it costs no change of threads.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::runtime::Handle;

/// A future or stream at home in the process's runtime.
pub struct AtHome<T> {
    home: Handle,
    /// Gone only while the whole is being dropped.
    inner: Option<T>,
}

impl<T> AtHome<T> {
    /// Takes a future or stream home.
    #[must_use]
    pub fn new(home: &Handle, inner: T) -> Self {
        Self {
            home: home.clone(),
            inner: Some(inner),
        }
    }
}

impl<T: Future + Unpin> Future for AtHome<T> {
    type Output = T::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let _entered = this.home.enter();
        match &mut this.inner {
            Some(inner) => Pin::new(inner).poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<T: Stream + Unpin> Stream for AtHome<T> {
    type Item = T::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let _entered = this.home.enter();
        match &mut this.inner {
            Some(inner) => Pin::new(inner).poll_next(cx),
            None => Poll::Ready(None),
        }
    }
}

impl<T> Drop for AtHome<T> {
    fn drop(&mut self) {
        let _entered = self.home.enter();
        drop(self.inner.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Tells in which runtime it is dropped.
    struct Telling(mpsc::Sender<tokio::runtime::Id>);

    impl Drop for Telling {
        fn drop(&mut self) {
            self.0.send(Handle::current().id()).unwrap();
        }
    }

    #[test]
    fn what_is_polled_and_dropped_elsewhere_is_polled_and_dropped_at_home() {
        let [home, elsewhere] = [(), ()].map(|()| {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap()
        });
        let (sender, told) = mpsc::channel();
        let work = async move {
            let telling = Telling(sender);
            telling.0.send(Handle::current().id()).unwrap();
            std::future::pending::<()>().await;
        };
        let mut work = AtHome::new(home.handle(), Box::pin(work));
        elsewhere.block_on(async { assert!(futures_util::poll!(&mut work).is_pending()) });
        drop(work);
        assert_eq!(
            told.iter().collect::<Vec<_>>(),
            [home.handle().id(), home.handle().id()]
        );
    }
}
