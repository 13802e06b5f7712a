//! What every fake offers to its tests: its address, faults and counts.

/// Gives a fake what all have. The doc comment is the example of `on`. The fake itself has `stop`.
macro_rules! common {
    ($(#[$example:meta])* $fake:ident) => {
        /// What every fake has: its address, faults, and what arrived.
        impl $fake {
            /// Its address, `http://127.0.0.1:PORT`. It stays the same after a restart.
            pub fn url(&self) -> String {
                self.0.doors.url()
            }

            /// Starts again at the same address, after stopping if it still runs.
            ///
            /// # Errors
            ///
            /// If the address can't be listened on again.
            pub async fn restart(&self) -> std::io::Result<()> {
                self.stop().await;
                self.0.doors.listen()
            }

            /// Starts a fault for a route: a method (`*` is any) and a path, in which `{…}` segments match anything.
            ///
            /// # Panics
            ///
            /// If the API has no such route.
            ///
            $(#[$example])*
            #[track_caller]
            pub fn on(&self, route: &str) -> $crate::testing::Rule {
                self.0.doors.front.known.check(route);
                $crate::testing::Rule::new(self.0.doors.front.faults.clone(), route)
            }

            /// Checks what was [expected](crate::testing::Rule::expect) so far. The last handle to the fake does so when it
            /// is dropped; call this if that happens in another task, where a panic fails no test.
            ///
            /// # Panics
            ///
            /// If a rule didn't apply as often as expected. The message says which, and what arrived instead.
            #[track_caller]
            pub fn verify(&self) {
                self.0.doors.front.verify();
            }

            /// How many requests arrived on a route, including those that a fault dropped.
            ///
            /// # Panics
            ///
            /// If none arrived and the API has no such route.
            #[track_caller]
            pub fn requests(&self, route: &str) -> usize {
                self.0.doors.front.requests(route)
            }

            /// Everything that arrived, oldest first.
            pub fn log(&self) -> Vec<$crate::testing::Request> {
                self.0.doors.front.log()
            }

            /// How many connections are open now, websockets included.
            pub fn connections(&self) -> usize {
                self.0.doors.front.count.open()
            }

            /// How many were open at the same time, at most.
            pub fn connections_peak(&self) -> usize {
                self.0.doors.front.count.peak()
            }

            /// Cuts every open connection. The server keeps running.
            pub async fn cut_connections(&self) {
                self.0.doors.front.connections.end().await;
            }
        }
    };
}

pub(in crate::testing) use common;
