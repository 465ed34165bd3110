-- Leads that ever qualified, by the day of their conversion, and what became of them.
with closings as (
    select
        lead_id,
        min(status_at) as closed_at
    from {{ ref('stg_leads') }}
    where status = 'closed_won'
    group by 1
),

leads as (
    select
        conversions.occurred_on,
        brought.destination,
        conversions.event_name,
        conversions.currency,
        conversions.net_value,
        conversions.source_status,
        case
            when conversions.source_status = 'closed_won'
                then {{ seconds_between('conversions.qualified_at', 'closings.closed_at') }}
        end as seconds_to_close
    from {{ ref('conversions') }} as conversions
    inner join {{ ref('int_brought_by') }} as brought on conversions.conversion_key = brought.conversion_key
    left join closings on conversions.source_id = closings.lead_id
    where
        conversions.source_entity = 'leads'
        and conversions.status in ('qualified', 'partly_reversed', 'fully_reversed', 'disqualified')
)

select
    occurred_on,
    destination,
    event_name,
    currency,
    count(*) as qualified_leads,
    sum(case when source_status = 'closed_won' then 1 else 0 end) as won_leads,
    sum(case when source_status = 'closed_lost' then 1 else 0 end) as lost_leads,
    sum(case when source_status = 'disqualified' then 1 else 0 end) as disqualified_leads,
    sum(net_value) as qualified_value,
    sum(case when source_status = 'closed_won' then net_value else 0 end) as won_value,
    percentile_cont(0.5) within group (order by seconds_to_close) as p50_seconds_to_close,
    {{ ratio("sum(case when source_status = 'closed_won' then 1 else 0 end)", 'count(*)') }} as lead_to_close
from leads
group by 1, 2, 3, 4
