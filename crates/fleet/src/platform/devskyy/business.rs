use super::catalogue as c;
use crate::metrics::{Counter, Exporter, Gauge, HistogramId, SummaryId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrderStatus {
    Placed = 0,
    Paid = 1,
    Cancelled = 2,
    Refunded = 3,
}
const ORDER_STATUSES: [&str; 4] = ["placed", "paid", "cancelled", "refunded"];
const EVENT_TYPES: [&str; 3] = ["order.created", "order.paid", "user.registered"];
pub(super) const ORDER_CREATED: usize = 0;
pub(super) const ORDER_PAID: usize = 1;
pub(super) const USER_REGISTERED: usize = 2;
const DELIVERY_STATUSES: [&str; 3] = ["success", "error", "gave_up"];
/// Attempts at a webhook before it is given up.
pub(super) const ATTEMPTS_MAX: u32 = 5;

pub(super) struct BusinessInstruments {
    orders: [Counter; 4],
    order_value: SummaryId,
    revenue: Counter,
    pub(super) active_users: Gauge,
    registrations: Counter,
    deliveries: [[Counter; 3]; 3],
    delivery_duration: [HistogramId; 3],
    retries: [Counter; 3],
}

impl BusinessInstruments {
    pub(super) fn register(e: &mut Exporter) -> Self {
        Self {
            orders: ORDER_STATUSES.map(|it| e.counter(&c::ORDERS, &[it])),
            order_value: e.summary(&c::ORDER_VALUE, &[]),
            revenue: e.counter(&c::REVENUE, &[]),
            active_users: e.gauge(&c::ACTIVE_USERS, &[]),
            registrations: e.counter(&c::REGISTRATIONS, &[]),
            deliveries: EVENT_TYPES
                .map(|it| DELIVERY_STATUSES.map(|status| e.counter(&c::DELIVERIES, &[it, status]))),
            delivery_duration: EVENT_TYPES.map(|it| e.histogram(&c::DELIVERY_DURATION, &[it])),
            retries: EVENT_TYPES.map(|it| e.counter(&c::RETRIES, &[it])),
        }
    }

    pub(super) fn order(&self, e: &mut Exporter, status: OrderStatus, value_usd: f64, now_ms: i64) {
        e.inc(self.orders[status as usize]);
        match status {
            OrderStatus::Placed => e.summarize(self.order_value, value_usd, now_ms),
            OrderStatus::Paid => e.add(self.revenue, value_usd),
            OrderStatus::Cancelled | OrderStatus::Refunded => {}
        }
    }

    pub(super) fn registered(&self, e: &mut Exporter) {
        e.inc(self.registrations);
    }

    /// An attempt at a delivery ended; returns whether there will be another one.
    pub(super) fn delivered(
        &self,
        e: &mut Exporter,
        event: usize,
        attempt: u32,
        seconds: f64,
        worked: bool,
    ) -> bool {
        if attempt > 1 {
            e.inc(self.retries[event]);
        }
        e.observe(self.delivery_duration[event], seconds, None);
        e.inc(self.deliveries[event][usize::from(!worked)]);
        if worked || attempt < ATTEMPTS_MAX {
            return !worked;
        }
        e.inc(self.deliveries[event][2]);
        false
    }
}
