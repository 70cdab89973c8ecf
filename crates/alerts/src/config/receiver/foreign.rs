//! Integrations that Alertmanager has and that are not supported. A configuration with them is checked and loaded, so that nobody has to cut it up before trying; they are told of nothing.

use bellwether_yaml::{Kind, MapReader, Node, Value};

use super::{Common, Context, Integration, IntegrationKind, elements, is_filled};
use crate::config::ConfigError;

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreign {
    /// The kind.
    pub kind: &'static str,
    /// What was written.
    pub fields: Value,
}

/// What is known of a kind.
struct ForeignSection {
    field: &'static str,
    kind: &'static str,
    /// What an empty element of the list is called; `None` if an element may be empty.
    missing: Option<&'static str>,
    fields: &'static [&'static str],
    check: fn(&mut MapReader<'_, '_>, &Context<'_>),
}

const SECTIONS: [ForeignSection; 9] = [
    ForeignSection {
        field: "sns_configs",
        kind: "sns",
        missing: Some("sns config"),
        fields: &[
            "api_url",
            "sigv4",
            "topic_arn",
            "phone_number",
            "target_arn",
            "subject",
            "message",
            "attributes",
        ],
        check: check_sns,
    },
    ForeignSection {
        field: "wechat_configs",
        kind: "wechat",
        missing: None,
        fields: &[
            "api_secret",
            "api_secret_file",
            "corp_id",
            "message",
            "api_url",
            "to_user",
            "to_party",
            "to_tag",
            "agent_id",
            "message_type",
        ],
        check: check_wechat,
    },
    ForeignSection {
        field: "victorops_configs",
        kind: "victorops",
        missing: Some("victorops config"),
        fields: &[
            "api_key",
            "api_key_file",
            "api_url",
            "routing_key",
            "message_type",
            "state_message",
            "entity_display_name",
            "monitoring_tool",
            "custom_fields",
        ],
        check: check_victorops,
    },
    ForeignSection {
        field: "pushover_configs",
        kind: "pushover",
        missing: Some("pushover config"),
        fields: &[
            "user_key",
            "user_key_file",
            "token",
            "token_file",
            "title",
            "message",
            "url",
            "url_title",
            "device",
            "sound",
            "priority",
            "retry",
            "expire",
            "ttl",
            "html",
            "monospace",
        ],
        check: check_pushover,
    },
    ForeignSection {
        field: "webex_configs",
        kind: "webex",
        missing: Some("webex config"),
        fields: &["api_url", "message", "room_id"],
        check: check_webex,
    },
    ForeignSection {
        field: "jira_configs",
        kind: "jira",
        missing: Some("jira config"),
        fields: &[
            "api_url",
            "api_type",
            "project",
            "summary",
            "description",
            "labels",
            "priority",
            "issue_type",
            "reopen_transition",
            "resolve_transition",
            "wont_fix_resolution",
            "reopen_duration",
            "fields",
        ],
        check: check_jira,
    },
    ForeignSection {
        field: "rocketchat_configs",
        kind: "rocketchat",
        missing: None,
        fields: &[
            "api_url",
            "token",
            "token_file",
            "token_id",
            "token_id_file",
            "channel",
            "color",
            "title",
            "title_link",
            "text",
            "fields",
            "short_fields",
            "emoji",
            "icon_url",
            "thumb_url",
            "image_url",
            "link_names",
            "actions",
        ],
        check: check_rocketchat,
    },
    ForeignSection {
        field: "mattermost_configs",
        kind: "mattermost",
        missing: Some("mattermost config"),
        fields: &[
            "webhook_url",
            "webhook_url_file",
            "channel",
            "username",
            "text",
            "fallback",
            "color",
            "pretext",
            "author_name",
            "author_link",
            "author_icon",
            "title",
            "title_link",
            "fields",
            "thumb_url",
            "footer",
            "footer_icon",
            "image_url",
            "icon_url",
            "icon_emoji",
            "attachments",
            "props",
            "priority",
            "type",
        ],
        check: check_mattermost,
    },
    ForeignSection {
        field: "incidentio_configs",
        kind: "incidentio",
        missing: Some("incidentio config"),
        fields: &[
            "url",
            "url_file",
            "alert_source_token",
            "alert_source_token_file",
            "max_alerts",
            "timeout",
            "metadata",
        ],
        check: check_incidentio,
    },
];

/// The fixed names of what VictorOps is told.
const VICTOROPS_FIELDS: [&str; 7] = [
    "routing_key",
    "message_type",
    "state_message",
    "entity_display_name",
    "monitoring_tool",
    "entity_id",
    "entity_state",
];

pub(super) fn read_all(
    map: &mut MapReader<'_, '_>,
    context: &Context<'_>,
    integrations: &mut Vec<Integration>,
) {
    for section in &SECTIONS {
        for node in elements(map, section.field) {
            match section.missing.filter(|_| node.is_null()) {
                Some(missing) => map.reject(node, ConfigError::Missing(missing)),
                None => integrations.extend(read(map, node, section, context)),
            }
        }
    }
}

fn read(
    receiver: &mut MapReader<'_, '_>,
    node: Node<'_>,
    section: &ForeignSection,
    context: &Context<'_>,
) -> Option<Integration> {
    let read = |receiver: &mut MapReader<'_, '_>| {
        let mut map = MapReader::new(node, "config.plain", receiver.errors())?;
        let common = Common::read(&mut map, true, context);
        for field in section.fields {
            map.get(field);
        }
        (section.check)(&mut map, context);
        map.finish()?;
        let fields = if node.is_null() {
            Value::Null
        } else {
            bellwether_yaml::Decode::decode(node, receiver.errors())?
        };
        Ok(Integration { common, kind: IntegrationKind::Foreign(Foreign { kind: section.kind, fields }) })
    };
    read(receiver).map_err(|reported| receiver.fail(reported)).ok()
}

/// Whether the field has a value.
fn has(map: &mut MapReader<'_, '_>, field: &'static str) -> bool {
    is_filled(map.get(field))
}

/// At most one of two fields; whether there is one.
fn one_of(map: &mut MapReader<'_, '_>, [field, file]: [&'static str; 2], both: &'static str) -> bool {
    let (inline, in_file) = (has(map, field), has(map, file));
    if inline && in_file {
        map.reject(map.place(file), ConfigError::AtMostOne(both));
    }
    inline || in_file
}

fn need(map: &mut MapReader<'_, '_>, there: bool, refusal: ConfigError) {
    if !there && !map.has_failed() {
        map.reject(map.node(), refusal);
    }
}

fn check_sns(map: &mut MapReader<'_, '_>, _: &Context<'_>) {
    let there =
        ["topic_arn", "phone_number", "target_arn"].into_iter().filter(|field| has(map, field)).count();
    need(map, there == 1, ConfigError::Missing("one of topic_arn, phone_number or target_arn in SNS config"));
}

fn check_wechat(map: &mut MapReader<'_, '_>, context: &Context<'_>) {
    let own = one_of(map, ["api_secret", "api_secret_file"], "api_secret & api_secret_file");
    let secret = own || context.global.foreign.wechat_api_secret.is_some();
    need(map, secret, ConfigError::NotSet("global Wechat Api Secret set either inline or in a file"));
    let corp_id = has(map, "corp_id") || !context.global.foreign.wechat_corp_id.is_empty();
    need(map, corp_id, ConfigError::NotSet("global Wechat CorpID set"));
}

fn check_victorops(map: &mut MapReader<'_, '_>, context: &Context<'_>) {
    let own = one_of(map, ["api_key", "api_key_file"], "api_key & api_key_file");
    let routing = has(map, "routing_key");
    need(map, routing, ConfigError::Missing("Routing key in VictorOps config"));
    if let Some(fields) = map.get("custom_fields").filter(|node| matches!(node.kind(), Kind::Mapping)) {
        for entry in fields.entries() {
            let name = entry.key.scalar().map_or("", |key| key.text);
            if VICTOROPS_FIELDS.contains(&name) {
                map.reject(entry.key, ConfigError::VictorOpsField(name.to_owned()));
            }
        }
    }
    let key = own || context.global.foreign.victorops_api_key.is_some();
    need(map, key, ConfigError::NotSet("global VictorOps API Key set"));
}

fn check_pushover(map: &mut MapReader<'_, '_>, _: &Context<'_>) {
    let user = one_of(map, ["user_key", "user_key_file"], "user_key & user_key_file");
    need(map, user, ConfigError::OneOf("user_key or user_key_file"));
    let token = one_of(map, ["token", "token_file"], "token & token_file");
    need(map, token, ConfigError::OneOf("token or token_file"));
}

fn check_webex(map: &mut MapReader<'_, '_>, _: &Context<'_>) {
    let room = has(map, "room_id");
    need(map, room, ConfigError::Missing("room_id on webex_config"));
}

fn check_jira(map: &mut MapReader<'_, '_>, context: &Context<'_>) {
    for (field, missing) in
        [("project", "project in jira_config"), ("issue_type", "issue_type in jira_config")]
    {
        let there = has(map, field);
        need(map, there, ConfigError::Missing(missing));
    }
    let url = has(map, "api_url") || context.global.foreign.jira_api_url.is_some();
    need(map, url, ConfigError::NotSet("global Jira Cloud URL set"));
}

fn check_rocketchat(map: &mut MapReader<'_, '_>, context: &Context<'_>) {
    let foreign = &context.global.foreign;
    let id = one_of(map, ["token_id", "token_id_file"], "token_id & token_id_file");
    let there = id || foreign.rocketchat_token_id.is_some();
    need(map, there, ConfigError::NotSet("global Rocketchat TokenID set either inline or in a file"));
    let token = one_of(map, ["token", "token_file"], "token & token_file");
    let there = token || foreign.rocketchat_token.is_some();
    need(map, there, ConfigError::NotSet("global Rocketchat Token set either inline or in a file"));
}

fn check_mattermost(map: &mut MapReader<'_, '_>, context: &Context<'_>) {
    let own = one_of(map, ["webhook_url", "webhook_url_file"], "webhook_url & webhook_url_file");
    let there = own || context.global.foreign.mattermost_webhook_url.is_some();
    need(map, there, ConfigError::Missing("webhook_url or webhook_url_file on mattermost_config"));
}

fn check_incidentio(map: &mut MapReader<'_, '_>, _: &Context<'_>) {
    let url = one_of(map, ["url", "url_file"], "url & url_file");
    need(map, url, ConfigError::OneOf("url or url_file"));
}
