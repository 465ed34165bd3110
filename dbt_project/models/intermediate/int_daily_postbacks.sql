{{ config(tags=['measure']) }}

-- What became of postbacks, on the days on which it should have: the sent by the day they were sent, the due by the day
-- they were enqueued, once they have had a day.
with context as (
    select
        {{ utc_date('as_of') }} - 1 as yesterday,
        {{ utc_date(add_hours('as_of', -24)) }} - 1 as day_before
    from {{ ref('stg_build_context') }}
),

sent as (
    select
        destination,
        event_name,
        {{ utc_date('first_sent_at') }} as day,
        count(*) as sent,
        sum(case when is_accepted or is_rejected_later then 1 else 0 end) as accepted
    from {{ ref('deliveries') }}
    where is_sent and first_sent_at is not null
    group by 1, 2, 3
),

due as (
    select
        destination,
        event_name,
        {{ utc_date('enqueued_at') }} as day,
        count(*) as due,
        sum(case when accepted_at <= {{ add_hours('enqueued_at', 24) }} then 1 else 0 end) as delivered
    from {{ ref('deliveries') }}
    where
        kind = 'conversion'
        and state not in ('cancelled', 'superseded')
        -- What a previous sender had told was never due.
        and (accepted_at is null or first_sent_at is not null)
    group by 1, 2, 3
),

unioned as (
    select
        sent.destination,
        sent.event_name,
        sent.day,
        sent.sent,
        sent.accepted,
        0 as due,
        0 as delivered
    from sent
    inner join context on sent.day <= context.yesterday
    union all
    select
        due.destination,
        due.event_name,
        due.day,
        0 as sent,
        0 as accepted,
        due.due,
        due.delivered
    from due
    inner join context on due.day <= context.day_before
)

select
    destination,
    event_name,
    day,
    sum(sent) as sent,
    sum(accepted) as accepted,
    sum(due) as due,
    sum(delivered) as delivered
from unioned
group by 1, 2, 3
