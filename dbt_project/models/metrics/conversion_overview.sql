-- One row per event and currency: what the backend confirmed, and what became of it since.
with awaiting as (
    select
        event_name,
        currency,
        count(*) as reversals_awaiting_order
    from {{ ref('reversals') }}
    where status = 'awaiting_order'
    group by 1, 2
),

counted as (
    select
        event_name,
        currency,
        count(*) as source_records,
        sum(case when status in ('qualified', 'partly_reversed', 'fully_reversed') then 1 else 0 end) as conversions,
        {%- for status in ['qualified', 'partly_reversed', 'fully_reversed', 'cancelled', 'disqualified', 'zero_value',
                           'value_missing', 'not_first', 'test_order', 'not_qualified'] %}
        sum(case when status = '{{ status }}' then 1 else 0 end) as {{ status }},
        {%- endfor %}
        sum(case when is_over_refunded then 1 else 0 end) as over_refunded,
        -- A fixed value may be in another currency than the order.
        sum(case when coalesce(source_currency, currency) = currency then gross_amount else 0 end) as gross_value,
        sum(case when status in ('qualified', 'partly_reversed', 'fully_reversed') then net_value else 0 end)
            as net_value
    from {{ ref('conversions') }}
    group by 1, 2
)

select
    counted.*,
    coalesce(awaiting.reversals_awaiting_order, 0) as reversals_awaiting_order
from counted
left join awaiting
    on
        counted.event_name = awaiting.event_name
        and counted.currency = awaiting.currency
