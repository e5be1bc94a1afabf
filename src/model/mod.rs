//! The nouns: plain data that every layer speaks, and the tables that name their states.

pub mod attempt;
pub mod backfill;
pub mod catalog;
pub mod command;
pub mod diagnostic;
pub mod durability;
pub mod forget;
pub mod graph;
pub mod grid;
pub mod ids;
pub mod journal;
pub mod named;
pub mod notify;
pub mod past;
pub mod pipeline;
pub mod record;
pub mod resources;
pub mod retention;
pub mod secret;
pub mod sensor;
pub mod snapshot;
pub mod source;
pub mod state;
pub mod trigger;
pub mod values;

pub use attempt::{AttemptFiles, End, Job, JobInput, JobOutput, Plan, Ticket, Usage, Verdict};
pub use backfill::{
    BackfillId, BackfillItem, BackfillRecord, BackfillRequest, BackfillRow, BackfillSnapshot, BackfillState, Bound, DEFAULT_MAX_ACTIVE,
    ItemState, MOST_DATES, OpenBackfill, Progress, Reprocess,
};
pub use catalog::{ArgKind, ArgSignature, Catalog, ComponentSignature, PortSignature};
pub use command::{ClearScope, Command, MarkedAs, Reply, Request, TriggerRequest};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use durability::Durability;
pub use forget::{NotForgotten, did_not_succeed};
pub use graph::Graph;
pub use grid::{GridCell, GridTask};
pub use ids::{AttemptKey, PipelineId, RunId, TaskId, TaskKey};
pub use journal::JournalEntry;
pub use named::Named;
pub use notify::{
    Channel, Deadline, Mail, MailTls, Notification, NotificationRow, NotificationState, Notify, Occasion, Pending, Pile, SecretSource,
    Told, Waiting,
};
pub use past::{AssetVersion, EndedRun, Measured};
pub use pipeline::{Action, InputDef, InputSource, OutputDef, ParamDef, ParamType, Params, Pipeline, Resources, RetryDelay, RetryOn, Task};
pub use resources::{ForeignProcess, GpuSnapshot, GpusSeen, PoolSnapshot, QueueEntry, ResourcesSnapshot, RunningSnapshot, Wait};
pub use retention::Retention;
pub use secret::{Secret, Secrets};
pub use sensor::{Condition, Pace, Sensor};
pub use snapshot::{
    AttemptSnapshot, Concern, GateLine, GitState, Headline, LastRun, PipelineRow, RunRow, RunSnapshot, TaskSnapshot, Why, WhyLine, WhyMark,
};
pub use source::{Report, did_you_mean};
pub use state::{AttemptState, Reason, RunState, RunType, TaskState, TriggerRule};
pub use trigger::{
    AssetMode, Catchup, Clock, Comparison, DataInterval, DstGap, DstOverlap, Firing, MetricRule, Origin, Outcome, Overlap, PipelineSwitch,
    RunEnd, TriggerDef, TriggerId, TriggerKind, TriggerRecord,
};
