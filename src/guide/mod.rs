//! The guide: one page for each task, and one for each platform.
//!
//! Every sample is compiled and run by the crate's tests, against the fake servers of [`testing`](crate::testing). On a
//! real platform only the line that connects is different.
//!
//! Start with [`connect`] and [`launch`]; [`grammar`] has the four platforms side by side. If you know another client, [`coming_from`] has its calls beside ours.

/// Makes a module that holds nothing but a page. A page needs the features that its samples use.
macro_rules! page {
    ($(#[$summary:meta])* $name:ident: $text:literal, $($feature:literal)*) => {
        $(#[$summary])*
        #[cfg_attr(all(feature = "testing", $(feature = $feature),*), doc = "", doc = include_str!($text))]
        pub mod $name {}
    };
}

page! {
    /// The four platforms side by side.
    grammar: "grammar.md", "incus" "lambda-cloud" "shakenfist"
}
page! {
    /// Find a server, and say who you are.
    connect: "connect.md", "incus" "koyeb" "lambda-cloud" "shakenfist"
}
page! {
    /// Launch an instance and wait for it: operations, progress, limits, tickets.
    launch: "launch.md", "incus"
}
page! {
    /// What happened, whether the request reached the server, whether it may be repeated.
    errors: "errors.md", "incus" "koyeb" "lambda-cloud" "shakenfist"
}
page! {
    /// What is sent again, and what never is.
    retries: "retries.md", "incus"
}
page! {
    /// The limits of a client, and where to set them.
    limits: "limits.md", "incus"
}
page! {
    /// Run commands: output, streams, terminals.
    exec: "exec.md", "incus" "koyeb" "lambda-cloud" "shakenfist"
}
page! {
    /// Move files: pull, push, whole trees.
    files: "files.md", "incus"
}
page! {
    /// Images: launch from them, import, export.
    images: "images.md", "incus" "shakenfist"
}
page! {
    /// Hear what happens, and wait for a state.
    events: "events.md", "incus"
}
page! {
    /// Several clouds as one.
    clouds: "clouds.md", "incus" "koyeb" "lambda-cloud" "shakenfist"
}
page! {
    /// Clean up after a crash: labels, keys, markers, tickets.
    clean_up: "clean_up.md", "incus" "lambda-cloud"
}
page! {
    /// Spans and events of `tracing`, and what is never printed.
    logging: "logging.md", "incus"
}
page! {
    /// What differs between Linux, macOS and Windows, and where settings are.
    systems: "systems.md",
}
page! {
    /// Test your code: fakes, faults, counts.
    testing: "testing.md", "incus" "koyeb" "lambda-cloud" "shakenfist"
}
page! {
    /// Call any operation of an API.
    raw: "raw.md", "incus"
}
page! {
    /// Lambda Cloud: launches that cost money, capacity, pacing.
    lambda_cloud: "lambda_cloud.md", "lambda-cloud"
}
page! {
    /// Koyeb: lists, commands, logs, scaling.
    koyeb: "koyeb.md", "koyeb"
}
page! {
    /// Shaken Fist: launches, the agent, files.
    shakenfist: "shakenfist.md", "shakenfist"
}
page! {
    /// Other clients' calls beside ours.
    coming_from: "coming_from.md", "incus" "koyeb" "lambda-cloud" "shakenfist"
}
