use bellwether_sdk::{CounterHandle, GaugeHandle, HistogramHandle};

use super::gateway::{BUDGETS, DOMAINS, TOOLS};
use crate::generated::cugar as pack;
use crate::generated::cugar::{Cugar, Outcome};

/// How an approval ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Approved = 0,
    Rejected = 1,
    Timeout = 2,
}
const OUTCOMES: [Outcome; 3] = [Outcome::Approved, Outcome::Rejected, Outcome::Timeout];

/// The series of one process, without the golden signals, which come and go.
pub(super) struct Instruments {
    pub(super) executions: CounterHandle,
    /// Successful, failed.
    pub(super) outcomes: [CounterHandle; 2],
    pub(super) active: GaugeHandle,
    pub(super) duration: HistogramHandle,
    pub(super) tool_calls: [CounterHandle; 5],
    pub(super) tool_errors: [CounterHandle; 5],
    pub(super) budget_used: [CounterHandle; 3],
    pub(super) budget_limit: [GaugeHandle; 3],
    pub(super) budget_exceeded: [CounterHandle; 3],
    pub(super) approvals: [CounterHandle; 3],
    pub(super) approval_timeouts: CounterHandle,
    pub(super) approval_wait: HistogramHandle,
    pub(super) domain_usage: [CounterHandle; 4],
    pub(super) domain_errors: [CounterHandle; 4],
}

impl Instruments {
    /// All series that the simulation will count in, at zero if they are new or were removed.
    pub(super) fn of(cugar: &Cugar) -> Self {
        let tools = TOOLS.map(|(tool, _)| pack::ToolCallsLabels { tool });
        let domains = DOMAINS.map(|(domain, _)| pack::DomainUsageLabels { domain });
        let budgets = BUDGETS.each_ref().map(|it| pack::BudgetUsedLabels { budget: it.name, unit: it.unit });
        Self {
            executions: cugar.executions.with(()),
            outcomes: [cugar.executions_successful.with(()), cugar.executions_failed.with(())],
            active: cugar.active_executions.with(()),
            duration: cugar.execution_duration_seconds.with(()),
            tool_calls: tools.map(|it| cugar.tool_calls.with(it)),
            tool_errors: tools.map(|it| cugar.tool_errors.with(it)),
            budget_used: budgets.map(|it| cugar.budget_used.with(it)),
            budget_limit: budgets.map(|it| cugar.budget_limit.with(it)),
            budget_exceeded: BUDGETS
                .each_ref()
                .map(|it| cugar.budget_exceeded.with(pack::BudgetExceededLabels { budget: it.name })),
            approvals: OUTCOMES.map(|outcome| cugar.approvals.with(pack::ApprovalsLabels { outcome })),
            approval_timeouts: cugar.approval_timeouts.with(()),
            approval_wait: cugar.approval_wait_seconds.with(()),
            domain_usage: domains.map(|it| cugar.domain_usage.with(it)),
            domain_errors: domains.map(|it| cugar.domain_errors.with(it)),
        }
    }
}
