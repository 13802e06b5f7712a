//! What every fake offers to its tests: faults and counts.

/// Gives a fake its faults and counts. The doc comment is the example of `on`.
macro_rules! watched {
    ($(#[$example:meta])* $fake:ident) => {
        /// Faults, and what arrived.
        impl $fake {
            /// Starts a fault for a route: a method (`*` is any) and a path, in which `{…}` segments match anything.
            ///
            $(#[$example])*
            pub fn on(&self, route: &str) -> $crate::testing::Rule {
                $crate::testing::Rule::new(self.0.doors.front.faults.clone(), route)
            }

            /// How many requests arrived on a route, including those that a fault dropped.
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

pub(in crate::testing) use watched;
