//! What a template reads of its data, without executing it.

use crate::ast::{Arg, ArgKind, Branch, Command, Node, Pipe};
use crate::template::Template;

/// A place where a template reads something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where it begins, `$` for the data of the template, `$name` for a variable, `.` for what the dot stands for there; then the fields.
    ///
    /// `index $labels "a.b"` is the path `$labels`, `a.b`.
    pub path: Vec<String>,
    /// Whether the dot stands for the data of the template there, and not for what `range`, `with` or a caller has made of it.
    pub dot_is_data: bool,
}

impl Template {
    /// Everything that the template reads, those that it defines included, in the order of the text.
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        for (name, nodes) in self.parts() {
            nodes_of(nodes, name == self.name(), &mut found);
        }
        found
    }
}

fn nodes_of(nodes: &[Node], dot_is_data: bool, found: &mut Vec<Reference>) {
    for node in nodes {
        match node {
            Node::Text(_) | Node::Break | Node::Continue | Node::Template { pipe: None, .. } => {}
            Node::Action(pipe) | Node::Template { pipe: Some(pipe), .. } => pipe_of(pipe, dot_is_data, found),
            Node::If(branch) => branch_of(branch, dot_is_data, dot_is_data, found),
            Node::With(branch) | Node::Range(branch) => branch_of(branch, dot_is_data, false, found),
        }
    }
}

fn branch_of(branch: &Branch, dot_is_data: bool, inside: bool, found: &mut Vec<Reference>) {
    pipe_of(&branch.pipe, dot_is_data, found);
    nodes_of(&branch.list, inside, found);
    nodes_of(&branch.else_list, dot_is_data, found);
}

fn pipe_of(pipe: &Pipe, dot_is_data: bool, found: &mut Vec<Reference>) {
    for command in &pipe.commands {
        command_of(command, dot_is_data, found);
    }
}

fn command_of(command: &Command, dot_is_data: bool, found: &mut Vec<Reference>) {
    if let [index, of, keys @ ..] = command.args.as_slice()
        && matches!(&index.kind, ArgKind::Ident(name) if name == "index")
        && let Some(mut path) = path_of(of)
    {
        let texts = keys.iter().map_while(|key| match &key.kind {
            ArgKind::String { text, .. } => Some(text.clone()),
            _ => None,
        });
        path.extend(texts);
        found.push(Reference { path, dot_is_data });
        for key in keys {
            arg_of(key, dot_is_data, found);
        }
        return;
    }
    for arg in &command.args {
        arg_of(arg, dot_is_data, found);
    }
}

fn arg_of(arg: &Arg, dot_is_data: bool, found: &mut Vec<Reference>) {
    if let Some(path) = path_of(arg) {
        found.push(Reference { path, dot_is_data });
        return;
    }
    match &arg.kind {
        ArgKind::Pipe(pipe) => pipe_of(pipe, dot_is_data, found),
        ArgKind::Chain(inner, _) => arg_of(inner, dot_is_data, found),
        _ => {}
    }
}

fn path_of(arg: &Arg) -> Option<Vec<String>> {
    match &arg.kind {
        ArgKind::Dot => Some(vec![".".to_owned()]),
        ArgKind::Field(fields) => {
            Some(std::iter::once(".".to_owned()).chain(fields.iter().cloned()).collect())
        }
        ArgKind::Variable(names) => Some(names.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Functions, Template};

    #[test]
    fn references_are_found_wherever_they_stand() {
        let text = r#"{{ $x := .Labels }}{{ $x.a }}{{ index $x "b.c" | printf "%s" }}
            {{ if eq .Value 1.0 }}{{ with .List }}{{ .Name }}{{ $.Url }}{{ else }}{{ .Other }}{{ end }}{{ end }}
            {{ define "d" }}{{ .Inner }}{{ end }}{{ (index .Labels "z").Q }}"#;
        let template = Template::parse("t", text, &Functions::builtin()).unwrap_or_else(|e| panic!("{e}"));
        let found: Vec<(String, bool)> =
            template.references().into_iter().map(|r| (r.path.join("/"), r.dot_is_data)).collect();
        let found: Vec<(&str, bool)> =
            found.iter().map(|(path, at_root)| (path.as_str(), *at_root)).collect();
        assert_eq!(
            found,
            [
                ("./Inner", false),
                ("./Labels", true),
                ("$x/a", true),
                ("$x/b.c", true),
                ("./Value", true),
                ("./List", true),
                ("./Name", false),
                ("$/Url", false),
                ("./Other", true),
                ("./Labels/z", true),
            ]
        );
    }
}
