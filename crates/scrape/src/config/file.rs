use std::borrow::Cow;
use std::path::PathBuf;

use bellwether_model::{format_duration_ms, parse_duration_ms};
use bellwether_yaml::{At, Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::error::DiscoveryError;

/// Files that list targets (`file_sd_configs`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiscovery {
    /// Patterns of files; the last segment of each may have one `*`. Not empty.
    pub files: Vec<PathBuf>,
    /// How often files are read again even if no change was noticed.
    pub refresh_interval_ms: i64,
}

impl Decode<'_> for FileDiscovery {
    fn type_name() -> Cow<'static, str> {
        "file.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "file.plain", errors)?;
        let files: Vec<At<'_, String>> = map.or_default("files");
        let refresh_interval_ms = map.parse_or("refresh_interval", 300_000, parse_duration_ms);
        if !map.has_failed() && files.is_empty() {
            let missing = "file service discovery config must contain at least one path name";
            map.reject(map.place("files"), DiscoveryError::Mechanism(missing));
        }
        for file in files.iter().filter(|file| !is_target_file_pattern(&file.value)) {
            map.reject(file.node, DiscoveryError::FileName(file.value.clone()));
        }
        map.finish()?;
        let files = files.iter().map(|file| node.resolve_path(&file.value)).collect();
        Ok(Self { files, refresh_interval_ms })
    }
}

impl FileDiscovery {
    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set("files", Value::List(self.files.iter().map(|file| file.as_path().into()).collect()));
        map.set_if("refresh_interval", format_duration_ms(self.refresh_interval_ms));
        map.into()
    }
}

/// Whether the name ends in `.json`, `.yml` or `.yaml`, and has at most one `*`, in its last segment.
fn is_target_file_pattern(name: &str) -> bool {
    let endings = [".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"];
    let Some(stem) = endings.iter().find_map(|ending| name.strip_suffix(ending)) else { return false };
    stem.find('*').is_none_or(|star| !stem[star + 1..].contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_target_files() {
        let check = |name: &str, want: bool| assert_eq!(is_target_file_pattern(name), want, "{name}");
        check("targets.json", true);
        check("targets/*.slow.yml", true);
        check("targets/*.YAML", true);
        check("*/targets.yml", false);
        check("targets.txt", false);
        check("targets.Json", false);
        check("targets", false);
    }
}
