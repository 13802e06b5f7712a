//! `.await` on builders.

/// Implements `IntoFuture` for a builder. The body is a `Result`; `send` stands for sending it and waiting for its work.
macro_rules! into_future {
    ([$($generics:tt)*] $builder:ty => $output:ty: |$this:ident| $body:expr) => {
        impl<$($generics)*> std::future::IntoFuture for $builder {
            type Output = Result<$output, $crate::Error>;
            type IntoFuture = $crate::wait::BoxFuture<'static, Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(async move {
                    let $this = self;
                    $body
                })
            }
        }
    };
    ($builder:ty => $output:ty: send) => {
        impl std::future::IntoFuture for $builder {
            type Output = Result<$output, $crate::Error>;
            type IntoFuture = $crate::wait::BoxFuture<'static, Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                $crate::wait::Action::new(self.send()).into_future()
            }
        }
    };
    ($builder:ty => $output:ty: |$this:ident| $body:expr) => {
        $crate::wait::into_future!([] $builder => $output: |$this| $body);
    };
}
pub(crate) use into_future;
