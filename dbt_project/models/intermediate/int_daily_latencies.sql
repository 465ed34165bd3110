{{ config(tags=['measure']) }}

-- How long what was accepted on a day had taken since it was eligible.
select
    deliveries.destination,
    deliveries.event_name,
    {{ utc_date('deliveries.accepted_at') }} as day,
    count(*) as first_reports,
    -- At least a second: what is sent at once has no latency to speak of.
    greatest(
        percentile_cont(0.5) within group (
            order by {{ seconds_between('decisions.eligible_at', 'deliveries.accepted_at') }}
        ), 1
    ) as seconds_since_eligible
from {{ ref('deliveries') }} as deliveries
inner join {{ ref('int_decisions') }} as decisions
    on
        deliveries.conversion_key = decisions.conversion_key
        and deliveries.destination = decisions.destination
inner join {{ ref('stg_build_context') }} as context
    on {{ utc_date('deliveries.accepted_at') }} < {{ utc_date('context.as_of') }}
where
    deliveries.kind = 'conversion'
    and deliveries.accepted_at is not null
    and deliveries.first_sent_at is not null
group by 1, 2, 3
