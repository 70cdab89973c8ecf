use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use crate::decode::Decode;
use crate::error::{Errors, Reported};
use crate::node::Node;

impl Node<'_> {
    /// The file that `path` means in this document: a relative path starts in the folder of the document, an absolute or empty
    /// one stays as it is. `.` and `..` are resolved by name, as Go's `filepath.Join` does.
    pub fn resolve_path(self, path: &str) -> PathBuf {
        if path.is_empty() || Path::new(path).is_absolute() {
            return PathBuf::from(path);
        }
        let folder = Path::new(&**self.source()).parent().unwrap_or(Path::new(""));
        clean(&folder.join(path))
    }
}

/// The name of a file, relative to the document's folder; see [`Node::resolve_path`]. `null` is the empty path.
impl<'d> Decode<'d> for PathBuf {
    fn type_name() -> Cow<'static, str> {
        "string".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        node.decode_text("string", errors).map(|text| node.resolve_path(&text))
    }
}

fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dialect, Document};

    #[test]
    fn paths_start_where_the_file_is() {
        let check = |file: &str, path: &str, want: &str| {
            let document = Document::parse(file, path.as_bytes(), Dialect::V2).expect("parses");
            assert_eq!(document.decode::<PathBuf>().expect("decodes"), Path::new(want), "{file} {path}");
        };
        check("/etc/b/c.yml", "x", "/etc/b/x");
        check("/etc/b/c.yml", "../x/./y", "/etc/x/y");
        check("/etc/b/c.yml", "../../../x", "/x");
        check("/etc/b/c.yml", "/x/../y", "/x/../y");
        check("/etc/b/c.yml", "", "");
        check("c.yml", "x", "x");
        check("c.yml", "../x", "../x");
        check("c.yml", "rules/*.yml", "rules/*.yml");
        check("conf/c.yml", "..", ".");
    }
}
