//! From the parser's events to a tree, within limits.

use std::collections::{HashMap, HashSet};

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, Span, StrInput, Tag};

use crate::{Error, Node, Yaml};

/// The longest document, in bytes.
pub const MAX_BYTES: usize = 16 << 20;

/// The deepest nesting, including aliases.
pub const MAX_DEPTH: usize = 64;

/// How much all aliases of a document may copy: the bytes of texts, plus 64 bytes per node.
pub const MAX_COPIED: usize = 1 << 20;

/// The cost of a node besides its text, in bytes.
const NODE: usize = 64;

/// Reads a document. An empty document is `null`.
///
/// # Errors
///
/// If the document violates YAML or the limits of this crate.
pub fn read(text: &str) -> Result<Yaml, Error> {
    if text.len() > MAX_BYTES {
        return Err(Error::at(1, format!("the document is longer than {MAX_BYTES} bytes")));
    }
    Reader::new(text).document()
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Anchored>,
    /// What aliases may still copy.
    left: usize,
}

/// A node with an anchor.
struct Anchored {
    node: Yaml,
    size: usize,
    /// The depth; 1 for a scalar.
    height: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let mut options = Options::default();
        options.flow_nesting_limit = MAX_DEPTH;
        options.block_nesting_limit = MAX_DEPTH;
        let events = Parser::new_from_str_with_options(text, options);
        Self { events, anchors: HashMap::new(), left: MAX_COPIED }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Error> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            // The parser looks ahead, so it often reaches the limit first.
            Some(Err(e)) if *e.kind() == ErrorKind::RecursionLimitExceeded => {
                Err(too_deep(e.marker().line()))
            }
            Some(Err(e)) => Err(Error::at(e.marker().line().max(1), e.info())),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(&mut self) -> Result<Yaml, Error> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root.unwrap_or_else(|| scalar(String::new(), true, 1))),
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                _ if root.is_some() => return Err(Error::at(line(&span), "there is a second document")),
                event => root = Some(self.node(event, &span, 1)?),
            }
        }
    }

    /// A node that begins with this event, `depth` levels down.
    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Yaml, Error> {
        let line = line(span);
        if depth > MAX_DEPTH {
            return Err(too_deep(line));
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !tagged(tag.as_deref(), line)?;
                (scalar(text.into_owned(), plain, line), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                untagged(tag.as_deref(), line)?;
                (Yaml::at(line, Node::List(self.list(depth)?)), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                untagged(tag.as_deref(), line)?;
                (Yaml::at(line, Node::Map(self.map(depth)?)), anchor)
            }
            Event::Alias(id) => return self.copy(id, line, depth),
            _ => return Err(Error::at(line, "a value is missing")),
        };
        if anchor != 0 {
            self.keep(anchor, &node)?;
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Yaml>, Error> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, &span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(String, Yaml)>, Error> {
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(entries);
            }
            let at = line(&span);
            let Node::Scalar { text: key, .. } = self.node(event, &span, depth + 1)?.node else {
                return Err(Error::at(at, "a key isn't a scalar"));
            };
            if !seen.insert(key.clone()) {
                return Err(Error::at(at, format!("the key {key:?} is there twice")));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, &span, depth + 1)?;
            entries.push((key, Yaml { key_line: at, ..value }));
        }
    }

    fn keep(&mut self, anchor: usize, node: &Yaml) -> Result<(), Error> {
        let (size, height) = measure(node);
        // The anchored node is a copy, too.
        self.pay(size, node.line)?;
        self.anchors.insert(anchor, Anchored { node: node.clone(), size, height });
        Ok(())
    }

    fn copy(&mut self, id: usize, line: usize, depth: usize) -> Result<Yaml, Error> {
        let Some(Anchored { size, height, .. }) = self.anchors.get(&id) else {
            return Err(Error::at(line, "an alias stands within what it names"));
        };
        let (size, height) = (*size, *height);
        if depth - 1 + height > MAX_DEPTH {
            return Err(too_deep(line));
        }
        self.pay(size, line)?;
        let node = self.anchors.get(&id).map(|anchored| anchored.node.clone());
        node.ok_or_else(|| Error::at(line, "an alias stands within what it names"))
    }

    fn pay(&mut self, size: usize, line: usize) -> Result<(), Error> {
        let left = self.left.checked_sub(size);
        self.left =
            left.ok_or_else(|| Error::at(line, format!("aliases copy more than {MAX_COPIED} bytes")))?;
        Ok(())
    }
}

impl Yaml {
    fn at(line: usize, node: Node) -> Self {
        Self { line, key_line: line, node }
    }
}

fn line(span: &Span) -> usize {
    span.start.line().max(1)
}

fn scalar(text: String, plain: bool, line: usize) -> Yaml {
    Yaml::at(line, Node::Scalar { text, plain })
}

fn too_deep(line: usize) -> Error {
    Error::at(line, format!("it is nested deeper than {MAX_DEPTH} levels"))
}

/// Whether a tag makes a scalar a text.
fn tagged(tag: Option<&Tag>, line: usize) -> Result<bool, Error> {
    match tag {
        Some(tag) if tag.core_suffix() == Some("str") => Ok(true),
        other => untagged(other, line).map(|()| false),
    }
}

fn untagged(tag: Option<&Tag>, line: usize) -> Result<(), Error> {
    match tag {
        None => Ok(()),
        Some(tag) => Err(Error::at(line, format!("the tag {:?} isn't supported", tag.original()))),
    }
}

/// The cost of copying a node, and its depth.
fn measure(node: &Yaml) -> (usize, usize) {
    let add =
        |(size, height): (usize, usize), (more, below): (usize, usize)| (size + more, height.max(below + 1));
    match &node.node {
        Node::Scalar { text, .. } => (NODE + text.len(), 1),
        Node::List(items) => items.iter().map(measure).fold((NODE, 1), add),
        Node::Map(entries) => {
            let parts = entries.iter().map(|(key, value)| {
                let (size, height) = measure(value);
                (NODE + key.len() + size, height)
            });
            parts.fold((NODE, 1), add)
        }
    }
}
