//! From the event stream of the parser to the tree.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, Tag};

use crate::error::{Error, ErrorKind};
use crate::merge;
use crate::position::Position;
use crate::scalar::Style;
use crate::tree::{Content, EntryData, MAX_DEPTH, NodeId, Tree};

/// The first document of `text`, and whether another one follows. No document at all is a `null`.
pub(crate) fn load_first(name: &Arc<str>, text: &str) -> Result<(Tree, NodeId, bool), Error> {
    let mut loader = Loader::new(name, text);
    let mut parser = Parser::new_from_str(text);
    let root = loader.read_document(&mut parser)?;
    // The Go libraries stop here. Text that is no further document is most likely a slip, so it is refused.
    let more = match parser.peek() {
        Some(Err(error)) => return Err(loader.syntax(&error)),
        next => matches!(next, Some(Ok((Event::DocumentStart(_), _)))),
    };
    Ok((loader.tree, root, more))
}

/// All documents of `text`. No document at all is a `null`.
pub(crate) fn load_all(name: &Arc<str>, text: &str) -> Result<Vec<(Tree, NodeId)>, Error> {
    let mut parser = Parser::new_from_str(text);
    let mut documents = Vec::new();
    loop {
        let mut loader = Loader::new(name, text);
        let root = loader.read_document(&mut parser)?;
        let next = match parser.peek() {
            Some(Err(error)) => return Err(loader.syntax(&error)),
            Some(Ok((event, span))) => {
                matches!(event, Event::DocumentStart(_)).then(|| position(&span.start))
            }
            None => None,
        };
        documents.push((loader.tree, root));
        match next {
            None => return Ok(documents),
            Some(position) if documents.len() >= MAX_DOCUMENTS => {
                return Err(Error::new(name, position, ErrorKind::TooManyDocuments { limit: MAX_DOCUMENTS }));
            }
            Some(_) => {}
        }
    }
}

/// Most documents that one file may have; each takes memory of its own, however short it is.
const MAX_DOCUMENTS: usize = 10_000;

struct Loader<'n> {
    name: &'n Arc<str>,
    /// All of the file.
    text: &'n str,
    tree: Tree,
    open: Vec<OpenNode>,
    /// The parser numbers anchors; a name that is defined again gets a new number.
    anchors: HashMap<usize, NodeId>,
    root: Option<NodeId>,
}

/// A collection whose end has not been seen yet.
enum OpenNode {
    Sequence { id: NodeId, items: Vec<NodeId> },
    Mapping { id: NodeId, entries: Vec<EntryData>, key: Option<NodeId> },
}

impl<'n> Loader<'n> {
    fn new(name: &'n Arc<str>, text: &'n str) -> Self {
        Self { name, text, tree: Tree::default(), open: Vec::new(), anchors: HashMap::new(), root: None }
    }

    fn read_document<'t>(&mut self, parser: &mut Parser<'t, StrInput<'t>>) -> Result<NodeId, Error> {
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|e| self.syntax(&e))?;
            let position = position(&span.start);
            let at = |kind| Error::new(self.name, position, kind);
            match event {
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
                Event::DocumentEnd | Event::StreamEnd => break,
                Event::Scalar(text, style, anchor, tag) => {
                    let content = Content::Scalar { text: text.into(), style: style_of(style) };
                    let id = self.tree.add(position, short_tag(tag), content).map_err(at)?;
                    self.place(id, anchor);
                }
                Event::SequenceStart(anchor, tag) => {
                    let id = self.start(position, tag, anchor)?;
                    self.open.push(OpenNode::Sequence { id, items: Vec::new() });
                }
                Event::MappingStart(anchor, tag) => {
                    let id = self.start(position, tag, anchor)?;
                    self.open.push(OpenNode::Mapping { id, entries: Vec::new(), key: None });
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(position)?,
                Event::Alias(anchor) => {
                    let id = *self.anchors.get(&anchor).ok_or_else(|| at(ErrorKind::UnknownAnchor))?;
                    if self.tree.is_open(id) {
                        return Err(at(ErrorKind::RecursiveAnchor));
                    }
                    self.place(id, 0);
                }
            }
        }
        if let Some(root) = self.root {
            return Ok(root);
        }
        let nothing = Content::Scalar { text: "".into(), style: Style::Plain };
        let added = self.tree.add(Position::START, None, nothing);
        added.map_err(|kind| Error::new(self.name, Position::START, kind))
    }

    fn start(
        &mut self,
        position: Position,
        tag: Option<Cow<'_, Tag>>,
        anchor: usize,
    ) -> Result<NodeId, Error> {
        let at = |kind| Error::new(self.name, position, kind);
        // Checked again when the node ends, with aliases; here it bounds the stack of open nodes.
        if self.open.len() >= MAX_DEPTH as usize {
            return Err(at(ErrorKind::TooDeep { limit: MAX_DEPTH }));
        }
        let id = self.tree.add(position, short_tag(tag), Content::Open).map_err(at)?;
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        Ok(id)
    }

    fn end(&mut self, position: Position) -> Result<(), Error> {
        let (id, content) = match self.open.pop() {
            Some(OpenNode::Sequence { id, items }) => (id, Content::Sequence(items)),
            Some(OpenNode::Mapping { id, entries, .. }) => {
                let entries = merge::resolve(&self.tree, entries)
                    .map_err(|(key, kind)| Error::new(self.name, self.tree.get(key).position, kind))?;
                (id, Content::Mapping(entries))
            }
            None => {
                return Err(Error::new(
                    self.name,
                    position,
                    ErrorKind::Syntax("yaml: unexpected end".into()),
                ));
            }
        };
        let start = self.tree.get(id).position;
        self.tree.close(id, content).map_err(|kind| Error::new(self.name, start, kind))?;
        self.place(id, 0);
        Ok(())
    }

    /// Puts a finished node where the document has it.
    fn place(&mut self, id: NodeId, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        match self.open.last_mut() {
            None => self.root = Some(id),
            Some(OpenNode::Sequence { items, .. }) => items.push(id),
            Some(OpenNode::Mapping { entries, key, .. }) => match key.take() {
                None => *key = Some(id),
                Some(key) => entries.push(EntryData { key, value: id, merged: false }),
            },
        }
    }

    fn syntax(&self, error: &ScanError) -> Error {
        let at = position(error.marker());
        let is_about_tabs = error.info().split_whitespace().any(|word| matches!(word, "tab" | "tabs"));
        match is_about_tabs.then(|| tab_in_indentation(self.text, at.line)).flatten() {
            // The sentence of the Go libraries. The parser names the end of what stands before the tab.
            Some(tab) => {
                let sentence = "yaml: found a tab character that violates indentation".to_owned();
                Error::new(self.name, tab, ErrorKind::Syntax(sentence)).with_remedy("indent with spaces")
            }
            None => Error::new(self.name, at, ErrorKind::Syntax(format!("yaml: {}", error.info()))),
        }
    }
}

/// The first tab before the first word of a line, from line `first` on.
fn tab_in_indentation(text: &str, first: u32) -> Option<Position> {
    text.lines().zip(1..).skip(first.saturating_sub(1) as usize).find_map(|(content, line)| {
        let indentation = &content[..content.len() - content.trim_start().len()];
        let tab = indentation.chars().position(|c| c == '\t')?;
        (indentation.len() < content.len()).then_some(Position { line, column: tab as u32 + 1 })
    })
}

fn position(marker: &Marker) -> Position {
    Position { line: marker.line() as u32, column: marker.col() as u32 + 1 }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted
        | ScalarStyle::DoubleQuoted
        | ScalarStyle::Literal
        | ScalarStyle::Folded => Style::Quoted,
    }
}

/// `!!binary` for the tags of YAML itself, `!name` for others.
fn short_tag(tag: Option<Cow<'_, Tag>>) -> Option<Box<str>> {
    let tag = tag?;
    let prefix = if tag.is_yaml_core_schema() { "!!" } else { tag.handle.as_str() };
    Some(format!("{prefix}{}", tag.suffix).into())
}
