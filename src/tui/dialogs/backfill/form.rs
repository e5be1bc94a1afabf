//! Asks for a stretch of dates, and for the params that each of its runs gets. It starts nothing: the next step lists the dates.

use super::super::{
    Dialog,
    form::{Around, Field, Filled, Form},
};
use crate::{
    model::{BackfillRequest, Bound, DEFAULT_MAX_ACTIVE, ParamDef, ParamType, Pipeline, PipelineId, Reprocess, Secrets, TriggerId},
    plan::params,
    tui::{
        actions::{Action, Context},
        command_line,
        theme::Theme,
        views::{Intent, Typed},
        world::{Ask, Backfilling, Defined, Tone, World},
    },
};
use ratatui::{Frame, layout::Rect};
use serde_json::json;

/// The heading above the params of the pipeline that have no group of their own.
const PARAMS: &str = "Params of each run";
/// More at once are hardly meant.
const MOST_ACTIVE: i64 = 1_000;
const ORDER: [&str; 2] = ["oldest first", "newest first"];

/// A form for a stretch of dates of a pipeline.
#[derive(Debug)]
pub struct BackfillForm {
    pipeline: PipelineId,
    form: Form,
    /// So many fields are its own; the others are params.
    own: usize,
    /// Ids of the triggers that go by the clock.
    clocks: Vec<TriggerId>,
}

fn told(name: &str, kind: ParamType, default: Option<serde_json::Value>, about: &str) -> ParamDef {
    ParamDef { description: about.to_owned(), ..ParamDef::new(name, kind, default) }
}

fn choice<'a>(choices: impl IntoIterator<Item = &'a str>) -> ParamType {
    ParamType::Choice { choices: choices.into_iter().map(str::to_owned).collect() }
}

/// Its own fields, in order.
fn own_fields(clocks: &[TriggerId]) -> Vec<ParamDef> {
    let reprocess = choice(Reprocess::ALL.iter().map(|one| one.word()));
    let most = ParamType::Int { min: Some(1), max: Some(MOST_ACTIVE) };
    let mut fields = vec![
        told("from", ParamType::Date, None, "first day, in the time zone of the trigger"),
        told("to", ParamType::Date, None, "last day, which is meant whole"),
        told("reprocess", reprocess, Some(json!(Reprocess::default().word())), "which dates that have a run get another"),
        told("max_active", most, Some(json!(DEFAULT_MAX_ACTIVE)), "so many of its runs are open at once"),
        told("order", choice(ORDER), Some(json!(ORDER[0])), ""),
    ];
    if clocks.len() > 1 {
        fields.push(told("trigger", choice(clocks.iter().map(TriggerId::as_str)), None, "whose times the dates are"));
    }
    fields
}

impl BackfillForm {
    /// A form for what was read of a pipeline; none without a definition.
    pub fn new(defined: Defined) -> Option<Self> {
        let Defined { pipeline, last, secrets, .. } = defined;
        let pipeline = pipeline?;
        let clocks = clocks_of(&pipeline);
        let own = own_fields(&clocks);
        let mut fields: Vec<Field> = own.iter().map(Field::new).collect();
        fields.extend(pipeline.params.iter().map(|def| {
            let last = last.as_ref().and_then(|run| run.params.get(&def.name).cloned());
            let group = if def.group.is_empty() { PARAMS.to_owned() } else { def.group.clone() };
            Field::new(&ParamDef { group, ..def.clone() }).offered(last, secrets.contains_key(&def.name))
        }));
        Some(Self { pipeline: pipeline.id, form: Form::new(fields), own: own.len(), clocks })
    }

    fn own(&self, name: &str) -> String {
        self.form.fields()[..self.own].iter().find(|field| field.def.name == name).map(Field::text).unwrap_or_default()
    }

    /// What is sent; none as long as the dates are not right.
    fn start(&self) -> Option<Backfilling> {
        let fields = &self.form.fields()[self.own..];
        let (from, to): (Bound, Bound) = (self.own("from").trim().parse().ok()?, self.own("to").trim().parse().ok()?);
        let secrets: Secrets = fields.iter().filter_map(|field| Some((field.def.name.clone(), field.secret()?))).collect();
        let typed = fields.iter().map(|field| &field.def).filter(|def| secrets.contains_key(&def.name));
        let variables = typed.flat_map(|def| params::secret_params(std::slice::from_ref(def))).map(|(_, name)| name.to_owned()).collect();
        let trigger = self.own("trigger");
        let request = BackfillRequest {
            trigger: self.clocks.iter().find(|id| id.as_str() == trigger).cloned(),
            reprocess: self.own("reprocess").parse().unwrap_or_default(),
            max_active: self.own("max_active").trim().parse().unwrap_or(DEFAULT_MAX_ACTIVE),
            reverse: self.own("order") == ORDER[1],
            params: fields.iter().filter_map(|field| Some((field.def.name.clone(), field.given()?.into()))).collect(),
            // The sender gives it one.
            ..BackfillRequest::new("".into(), self.pipeline.clone(), from, to)
        };
        Some(Backfilling { request, secrets, variables })
    }

    fn command_line(&self) -> String {
        match self.start() {
            Some(start) => command_line::start_backfill(&start),
            None => format!("flowyard backfill {} --from … --to …", self.pipeline),
        }
    }
}

fn clocks_of(pipeline: &Pipeline) -> Vec<TriggerId> {
    pipeline.triggers.iter().filter(|def| def.kind.clock().is_some()).map(|def| def.id.clone()).collect()
}

impl Dialog for BackfillForm {
    fn context(&self) -> Context {
        Context::Form
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::FormNext, Action::FormCopy, Action::FormSubmit, Action::FormLeave]
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        match (self.form.act(action), action) {
            (Filled::Left, _) => vec![Intent::CloseDialog],
            (Filled::Well, _) if world.read_only => vec![Intent::Say(Tone::Note, "looking only (--read-only)".to_owned())],
            (Filled::Well, _) => self.start().map(|start| Intent::Ask(Ask::PlanBackfill(Box::new(start)))).into_iter().collect(),
            (Filled::Not, Action::FormCopy) => vec![Intent::Copy(self.command_line())],
            (Filled::Not, _) => Vec::new(),
        }
    }

    fn typed(&mut self, input: Typed, _world: &World) -> Vec<Intent> {
        self.form.typed(input);
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let around = Around {
            title: &format!("Backfill {}", self.pipeline),
            empty: "",
            label: "List the dates",
            note: "* needs a value · nothing is started yet",
            command: &self.command_line(),
        };
        self.form.draw(frame, area, &around, theme);
    }
}
