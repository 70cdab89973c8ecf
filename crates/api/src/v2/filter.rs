//! The parameters that select alerts.

use bellwether_alerts::config::Config;
use bellwether_alerts::matcher::{Matcher, MatcherSyntax, all_match};
use bellwether_alerts::router::{KnownAlert, Mutes};
use bellwether_model::{AnchoredRegex, Labels};

use super::refusal::Refusal;
use crate::params::Params;

/// Which alerts are wanted.
///
/// The parameter `unprocessed` is understood and changes nothing: when alerts are asked for it is known of all of them whether they are muted.
#[derive(Debug)]
pub(super) struct AlertFilter {
    active: bool,
    silenced: bool,
    inhibited: bool,
    /// Whether groups are wanted of which nobody is told at this time.
    pub(super) muted: bool,
    matchers: Vec<Matcher>,
    receiver: Option<AnchoredRegex>,
    receiver_matchers: Vec<Matcher>,
}

impl AlertFilter {
    pub(super) fn read(params: &Params) -> Result<Self, Refusal> {
        let receiver = params.get("receiver").map(AnchoredRegex::new).transpose();
        let receiver = receiver
            .map_err(|error| Refusal::bad_request(format_args!("failed to parse receiver param: {error}")))?;
        Ok(Self {
            active: flag(params, "active"),
            silenced: flag(params, "silenced"),
            inhibited: flag(params, "inhibited"),
            muted: flag(params, "muted"),
            matchers: matchers(params, "filter")?,
            receiver,
            receiver_matchers: matchers(params, "receiver_matchers")?,
        })
    }

    /// Whether an alert is wanted that is not told because of `mutes`.
    pub(super) fn wants(&self, known: &KnownAlert, mutes: &Mutes, now_ms: i64) -> bool {
        let (silenced, inhibited) = (!mutes.silenced_by.is_empty(), !mutes.inhibited_by.is_empty());
        known.alert.ends_at_ms.is_none_or(|end| end >= now_ms)
            && (self.active || silenced || inhibited)
            && (self.silenced || !silenced)
            && (self.inhibited || !inhibited)
            && all_match(&self.matchers, &known.alert.labels)
    }

    /// Whether alerts for this receiver are wanted.
    pub(super) fn wants_receiver(&self, name: &str, config: &Config) -> bool {
        self.receiver.as_ref().is_none_or(|regex| regex.is_match(name))
            && has_labels(&self.receiver_matchers, name, config)
    }
}

/// Whether the receiver's own labels pass the matchers.
pub(super) fn has_labels(matchers: &[Matcher], receiver: &str, config: &Config) -> bool {
    matchers.is_empty()
        || config
            .receiver(receiver)
            .is_some_and(|receiver| all_match(matchers, &Labels::from_pairs(receiver.labels.iter().cloned())))
}

/// The matchers in all values of a parameter; each value is one.
pub(super) fn matchers(params: &Params, name: &str) -> Result<Vec<Matcher>, Refusal> {
    let parse = |text| MatcherSyntax::default().parse_one(text);
    params.all(name).map(parse).collect::<Result<_, _>>().map_err(Refusal::bad_request)
}

/// A truth value that holds unless it is given; the words are those of Alertmanager's framework, and all others say no.
pub(super) fn flag(params: &Params, name: &str) -> bool {
    let yes = ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"];
    params.get(name).is_none_or(|text| yes.contains(&text.to_ascii_lowercase().as_str()))
}
