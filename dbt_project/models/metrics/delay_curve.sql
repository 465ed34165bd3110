-- One row per cohort and time since the conversion, once each of the cohort's conversions has had that time.
with timed as (
    select
        occurred_on,
        destination,
        event_name,
        currency,
        worth,
        {{ within_hours('occurred_at', 'accepted_at') }} as accepted_within,
        {{ within_hours('occurred_at', 'processed_at') }} as processed_within
    from {{ ref('int_reconciliation_steps') }}
    where (is_enqueued or decision = 'report') and not is_imported
),

grouped as (
    select
        occurred_on,
        destination,
        event_name,
        currency,
        accepted_within,
        processed_within,
        count(*) as conversions,
        sum(worth) as value
    from timed
    group by 1, 2, 3, 4, 5, 6
),

final as (
    select
        grouped.occurred_on,
        grouped.destination,
        grouped.event_name,
        grouped.currency,
        horizons.hours as after_hours,
        sum(grouped.conversions) as conversions,
        sum(case when grouped.accepted_within <= horizons.hours then grouped.conversions else 0 end)
            as accepted_conversions,
        sum(case when grouped.processed_within <= horizons.hours then grouped.conversions else 0 end)
            as processed_conversions,
        sum(grouped.value) as value,
        sum(case when grouped.accepted_within <= horizons.hours then grouped.value else 0 end) as accepted_value,
        sum(case when grouped.processed_within <= horizons.hours then grouped.value else 0 end) as processed_value
    from grouped
    cross join {{ ref('stg_build_context') }} as context
    inner join {{ horizons() }}
        on grouped.occurred_on <= {{ utc_date(add_hours('context.as_of', '-24 - horizons.hours')) }}
    group by 1, 2, 3, 4, 5
)

select
    *,
    {{ ratio('accepted_conversions', 'conversions') }} as accepted_share,
    {{ ratio('processed_conversions', 'conversions') }} as processed_share
from final
