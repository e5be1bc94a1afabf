//! Trigger rules: what the ends of upstream tasks mean for one that waits for them. Airflow's twelve, with its meaning:
//! <https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/dags.html#trigger-rules>.

use crate::model::TriggerRule;

/// What became of an upstream task, as a rule sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is not over.
    Open,
    /// It succeeded, or a person skipped it so that the run goes on.
    Success,
    /// It failed, was lost or was canceled.
    Failed,
    /// It could not run.
    UpstreamFailed,
    /// It was skipped.
    Skipped,
}

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// The task may start.
    Start,
    /// It may start later.
    Wait,
    /// It will not start, and that is no failure.
    Skip,
    /// It will not start, because something upstream did not succeed.
    Fail,
}

/// Asks a rule about the ends of all upstream tasks. A task without upstream starts.
pub fn ask(rule: TriggerRule, fates: &[Fate]) -> Say {
    use TriggerRule::*;
    let count = |wanted: Fate| fates.iter().filter(|fate| **fate == wanted).count();
    let (all, success, failed) = (fates.len(), count(Fate::Success), count(Fate::Failed));
    let (upstream_failed, skipped) = (count(Fate::UpstreamFailed), count(Fate::Skipped));
    let bad = failed + upstream_failed;
    let done = count(Fate::Open) == 0;
    let first = |conditions: [(bool, Say); 3]| conditions.into_iter().find(|(holds, _)| *holds).map_or(Say::Wait, |(_, say)| say);
    if all == 0 || rule == Always {
        return Say::Start;
    }
    match rule {
        Always => Say::Start,
        AllSuccess => first([(bad > 0, Say::Fail), (skipped > 0, Say::Skip), (done, Say::Start)]),
        AllFailed => first([(success + skipped > 0, Say::Skip), (done, Say::Start), (false, Say::Wait)]),
        AllDone => first([(done, Say::Start), (false, Say::Wait), (false, Say::Wait)]),
        AllDoneMinOneSuccess => first([(done && success > 0, Say::Start), (done && skipped == all, Say::Skip), (done, Say::Fail)]),
        AllSkipped => first([(success + bad > 0, Say::Skip), (done, Say::Start), (false, Say::Wait)]),
        OneFailed => first([(bad > 0, Say::Start), (done, Say::Skip), (false, Say::Wait)]),
        OneSuccess => first([(success > 0, Say::Start), (done && skipped == all, Say::Skip), (done, Say::Fail)]),
        OneDone => first([(success + failed > 0, Say::Start), (done, Say::Skip), (false, Say::Wait)]),
        NoneFailed => first([(bad > 0, Say::Fail), (done, Say::Start), (false, Say::Wait)]),
        NoneFailedMinOneSuccess => first([(bad > 0, Say::Fail), (skipped == all, Say::Skip), (done, Say::Start)]),
        NoneSkipped => first([(skipped > 0, Say::Skip), (done, Say::Start), (false, Say::Wait)]),
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate::*, *};
    use crate::model::TriggerRule as Rule;

    /// Columns: what two upstream tasks became. Rows: rules. `>` starts, `.` waits, `-` skips, `^` upstream failed.
    const COLUMNS: [[Fate; 2]; 13] = [
        [Success, Success],
        [Success, Failed],
        [Success, UpstreamFailed],
        [Success, Skipped],
        [Success, Open],
        [Failed, Failed],
        [Failed, UpstreamFailed],
        [Failed, Skipped],
        [Failed, Open],
        [UpstreamFailed, Open],
        [Skipped, Skipped],
        [Skipped, Open],
        [Open, Open],
    ];
    const ROWS: [(Rule, &str); 12] = [
        //                                SS SF SU SK SO FF FU FK FO UO KK KO OO
        (Rule::AllSuccess, ">^^-.^^^^^--."),
        (Rule::AllFailed, "----->>-..--."),
        (Rule::AllDone, ">>>>.>>>..>.."),
        (Rule::AllDoneMinOneSuccess, ">>>>.^^^..-.."),
        (Rule::AllSkipped, "---------->.."),
        (Rule::OneFailed, "->>-.>>>>>-.."),
        (Rule::OneSuccess, ">>>>>^^^..-.."),
        (Rule::OneDone, ">>>>>>>>>.-.."),
        (Rule::NoneFailed, ">^^>.^^^^^>.."),
        (Rule::NoneFailedMinOneSuccess, ">^^>.^^^^^-.."),
        (Rule::NoneSkipped, ">>>-.>>-..--."),
        (Rule::Always, ">>>>>>>>>>>>>"),
    ];

    #[test]
    fn every_rule_says_of_every_pair_of_ends_what_airflow_says() {
        for (rule, said) in ROWS {
            let row: String = COLUMNS
                .iter()
                .map(|fates| match ask(rule, fates) {
                    Say::Start => '>',
                    Say::Wait => '.',
                    Say::Skip => '-',
                    Say::Fail => '^',
                })
                .collect();
            assert_eq!(row, said, "{rule}");
        }
        assert_eq!(ROWS.len(), Rule::ALL.len());
    }

    #[test]
    fn a_task_without_upstream_starts_whatever_its_rule() {
        assert!(Rule::ALL.iter().all(|rule| ask(*rule, &[]) == Say::Start));
    }
}
