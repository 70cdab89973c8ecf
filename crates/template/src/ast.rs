//! The tree of a template. `Display` writes nodes as Go does, because they appear in error messages.

use std::fmt;

/// A byte offset in the text of the template.
pub(crate) type Pos = usize;

#[derive(Debug, Clone)]
pub(crate) enum Node {
    Text(String),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { pos: Pos, name: String, pipe: Option<Pipe> },
    Break,
    Continue,
}

#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) list: Vec<Node>,
    pub(crate) else_list: Vec<Node>,
}

/// `$x := cmd | cmd`
#[derive(Debug, Clone)]
pub(crate) struct Pipe {
    pub(crate) pos: Pos,
    /// `=` instead of `:=`.
    pub(crate) is_assign: bool,
    pub(crate) decl: Vec<String>,
    pub(crate) commands: Vec<Command>,
}

/// `printf "%d" .x`
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) pos: Pos,
    pub(crate) args: Vec<Arg>,
}

#[derive(Debug, Clone)]
pub(crate) struct Arg {
    pub(crate) pos: Pos,
    pub(crate) kind: ArgKind,
}

#[derive(Debug, Clone)]
pub(crate) enum ArgKind {
    Dot,
    Nil,
    Bool(bool),
    /// A function.
    Ident(String),
    /// `.a.b`
    Field(Vec<String>),
    /// `$x.a.b`; the first element is the variable with its dollar.
    Variable(Vec<String>),
    /// `(pipe).a.b`
    Chain(Box<Arg>, Vec<String>),
    Number(Number),
    String {
        quoted: String,
        text: String,
    },
    Pipe(Box<Pipe>),
}

/// A number constant; it has every type that can hold it.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    /// Written like an integer or a character.
    pub(crate) looks_int: bool,
}

impl Pipe {
    /// Whether the function `name` has the last word.
    pub(crate) fn ends_with(&self, name: &str) -> bool {
        let function = self.commands.last().and_then(|command| command.args.first());
        function.is_some_and(|arg| matches!(&arg.kind, ArgKind::Ident(ident) if ident == name))
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.decl.is_empty() {
            write!(f, "{} {} ", self.decl.join(", "), if self.is_assign { "=" } else { ":=" })?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            if i > 0 {
                f.write_str(" | ")?;
            }
            write!(f, "{command}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, arg) in self.args.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            match &arg.kind {
                ArgKind::Pipe(pipe) => write!(f, "({pipe})")?,
                _ => write!(f, "{arg}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ArgKind::Dot => f.write_str("."),
            ArgKind::Nil => f.write_str("nil"),
            ArgKind::Bool(b) => write!(f, "{b}"),
            ArgKind::Ident(name) => f.write_str(name),
            ArgKind::Field(names) => names.iter().try_for_each(|n| write!(f, ".{n}")),
            ArgKind::Variable(names) => f.write_str(&names.join(".")),
            ArgKind::Chain(inner, names) => {
                match &inner.kind {
                    ArgKind::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => write!(f, "{inner}")?,
                }
                names.iter().try_for_each(|n| write!(f, ".{n}"))
            }
            ArgKind::Number(number) => f.write_str(&number.text),
            ArgKind::String { quoted, .. } => f.write_str(quoted),
            ArgKind::Pipe(pipe) => write!(f, "{pipe}"),
        }
    }
}
