use bellwether_sdk::{CounterHandle, GaugeHandle, HistogramHandle, SummaryHandle};

use crate::generated::devskyy as pack;
use crate::generated::devskyy::{Devskyy, OrdersStatus, WebhookDeliveriesStatus};

const ORDER_STATUSES: [OrdersStatus; 4] =
    [OrdersStatus::Placed, OrdersStatus::Paid, OrdersStatus::Cancelled, OrdersStatus::Refunded];
const EVENT_TYPES: [&str; 3] = ["order.created", "order.paid", "user.registered"];
pub(super) const ORDER_CREATED: usize = 0;
pub(super) const ORDER_PAID: usize = 1;
pub(super) const USER_REGISTERED: usize = 2;
const DELIVERY_STATUSES: [WebhookDeliveriesStatus; 3] =
    [WebhookDeliveriesStatus::Success, WebhookDeliveriesStatus::Error, WebhookDeliveriesStatus::GaveUp];
/// Attempts at a webhook before it is given up.
pub(super) const ATTEMPTS_MAX: u32 = 5;

pub(super) struct BusinessInstruments {
    /// By [`OrdersStatus`].
    orders: [CounterHandle; 4],
    order_value: SummaryHandle,
    revenue: CounterHandle,
    pub(super) active_users: GaugeHandle,
    registrations: CounterHandle,
    /// Per event: success, error, gave up.
    deliveries: [[CounterHandle; 3]; 3],
    delivery_duration: [HistogramHandle; 3],
    retries: [CounterHandle; 3],
}

impl BusinessInstruments {
    pub(super) fn of(devskyy: &Devskyy) -> Self {
        let events = EVENT_TYPES.map(|event_type| pack::WebhookDeliveryDurationSecondsLabels { event_type });
        Self {
            orders: ORDER_STATUSES.map(|status| devskyy.orders.with(pack::OrdersLabels { status })),
            order_value: devskyy.order_value_usd.with(()),
            revenue: devskyy.revenue_usd.with(()),
            active_users: devskyy.active_users.with(()),
            registrations: devskyy.user_registrations.with(()),
            deliveries: EVENT_TYPES.map(|event_type| {
                DELIVERY_STATUSES.map(|status| {
                    devskyy.webhook_deliveries.with(pack::WebhookDeliveriesLabels { event_type, status })
                })
            }),
            delivery_duration: events.map(|it| devskyy.webhook_delivery_duration_seconds.with(it)),
            retries: events.map(|it| devskyy.webhook_retries.with(it)),
        }
    }

    pub(super) fn order(&self, status: OrdersStatus, value_usd: f64) {
        self.orders[status as usize].inc();
        match status {
            OrdersStatus::Placed => self.order_value.observe(value_usd),
            OrdersStatus::Paid => self.revenue.add(value_usd),
            OrdersStatus::Cancelled | OrdersStatus::Refunded => {}
        }
    }

    pub(super) fn registered(&self) {
        self.registrations.inc();
    }

    /// An attempt at a delivery ended; returns whether there will be another one.
    pub(super) fn delivered(&self, event: usize, attempt: u32, seconds: f64, worked: bool) -> bool {
        if attempt > 1 {
            self.retries[event].inc();
        }
        self.delivery_duration[event].observe(seconds);
        self.deliveries[event][usize::from(!worked)].inc();
        if worked || attempt < ATTEMPTS_MAX {
            return !worked;
        }
        self.deliveries[event][2].inc();
        false
    }
}
