//! Fires when named assets got a new version: an artifact with other content than the one at the last fire.

use super::{Kind, Looks, Observed, Seen, Wanted};
use crate::{
    model::{AssetMode, AssetVersion, RunType, TriggerDef, TriggerKind},
    stdx::ids::as_identifier,
};
use serde_json::{Map, Value, json};

/// `assets = ["taxi_clean", "zones"]`, `mode = "all"`.
pub const KIND: Kind = Kind { keys: &["assets"], run_type: RunType::Asset, looks: Looks::AtHistory(decide) };

/// The memory holds hash and artifact for each asset by name; null for one that had no version yet.
fn decide(def: &TriggerDef, memory: Option<&Value>, observed: &Observed) -> Seen {
    let (TriggerKind::Assets { names, mode }, Observed::Assets(versions)) = (&def.kind, observed) else { return Seen::default() };
    let version = |name: &String| {
        let found = versions.iter().find(|version| version.name == *name);
        found.map_or(Value::Null, |found| json!({ "hash": found.hash, "artifact": found.artifact }))
    };
    let now: Map<String, Value> = names.iter().map(|name| (name.clone(), version(name))).collect();
    // Other names under the same id start anew.
    let is_about_these = |memory: &&Value| memory.as_object().is_some_and(|known| names.iter().all(|name| known.contains_key(name)));
    let Some(before) = memory.filter(is_about_these) else {
        return Seen { memory: Some(now.into()), fire: None };
    };
    let new: Vec<&AssetVersion> = versions.iter().filter(|version| is_new(version, &before[&version.name])).collect();
    let is_enough = match mode {
        AssetMode::All => new.len() == names.len(),
        AssetMode::Any => !new.is_empty(),
    };
    if !is_enough {
        return Seen::default();
    }
    Seen { memory: Some(now.into()), fire: Some(wanted(versions, &new)) }
}

/// Whether it has other content than the one before, and is younger: an old version is the newest again once the run that made the
/// newer one is removed.
fn is_new(version: &AssetVersion, before: &Value) -> bool {
    before["hash"] != version.hash.as_str() && before["artifact"].as_str().is_none_or(|artifact| version.artifact.as_str() > artifact)
}

fn wanted(versions: &[AssetVersion], new: &[&AssetVersion]) -> Wanted {
    let named = |version: &&AssetVersion| format!("{} (by {})", version.name, version.made_by);
    let verb = if new.len() == 1 { "has a new version" } else { "have new versions" };
    let reason = format!("{} {verb}", new.iter().map(named).collect::<Vec<_>>().join(" and "));
    let variables = versions.iter().flat_map(|version| {
        let name = as_identifier(&version.name).to_uppercase();
        [(format!("ASSET_{name}"), version.artifact.clone()), (format!("ASSET_{name}_PATH"), version.uri.clone())]
    });
    let list = new.iter().map(|version| version.name.as_str()).collect::<Vec<_>>().join("\n");
    Wanted { reason, variables: variables.chain([("NEW_ASSETS".to_owned(), list)]).collect(), commit: None, changed: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Overlap;

    fn def(mode: AssetMode) -> TriggerDef {
        let kind = TriggerKind::Assets { names: vec!["taxi-clean".to_owned(), "zones".to_owned()], mode };
        TriggerDef { id: "t".into(), kind, text: String::new(), overlap: Overlap::Queue, cooldown: None }
    }

    fn seen(mode: AssetMode, memory: Option<Value>, versions: &[(&str, &str)]) -> Seen {
        let version = |(name, hash): &(&str, &str)| AssetVersion {
            name: (*name).to_owned(),
            artifact: format!("{hash} of {name}"),
            uri: format!("/{name}"),
            hash: (*hash).to_owned(),
            made_by: "ingest#12".to_owned(),
        };
        decide(&def(mode), memory.as_ref(), &Observed::Assets(versions.iter().map(version).collect()))
    }

    #[test]
    fn all_or_any_of_them_must_be_new_since_the_last_fire() {
        let memory = || Some(json!({"taxi-clean": {"hash": "1", "artifact": "1 of taxi-clean"}, "zones": null}));
        for (versions, any, all) in [
            (&[("taxi-clean", "1")][..], false, false),
            // The newer one was removed with its run.
            (&[("taxi-clean", "0")], false, false),
            (&[("taxi-clean", "2")], true, false),
            (&[("taxi-clean", "1"), ("zones", "1")], true, false),
            (&[("taxi-clean", "2"), ("zones", "1")], true, true),
        ] {
            let fired = [AssetMode::Any, AssetMode::All].map(|mode| seen(mode, memory(), versions).fire.is_some());
            assert_eq!(fired, [any, all], "{versions:?}");
        }
        assert_eq!(
            seen(AssetMode::Any, None, &[("zones", "1")]),
            Seen { memory: Some(json!({"taxi-clean": null, "zones": {"hash": "1", "artifact": "1 of zones"}})), fire: None }
        );
        assert!(seen(AssetMode::Any, Some(json!({"zones": null})), &[("zones", "1")]).fire.is_none(), "other names start anew");
    }

    #[test]
    fn the_versions_are_handed_on() {
        let both = seen(AssetMode::All, Some(json!({"taxi-clean": null, "zones": null})), &[("taxi-clean", "1"), ("zones", "1")]);
        assert_eq!(both.memory.unwrap()["zones"], json!({"hash": "1", "artifact": "1 of zones"}));
        let fire = both.fire.unwrap();
        assert_eq!(fire.reason, "taxi-clean (by ingest#12) and zones (by ingest#12) have new versions");
        assert_eq!(
            (fire.variables["ASSET_TAXI_CLEAN"].as_str(), fire.variables["ASSET_ZONES_PATH"].as_str()),
            ("1 of taxi-clean", "/zones")
        );
    }
}
