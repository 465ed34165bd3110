{{ config(meta={'dagster': {'ref': {'name': 'int_touchpoints'}}}) }}

-- A click counts for a conversion only if it lies before it, within the longest lookback of its routes, and shares the
-- key that it is said to share. Looks at what this build computed.
with reach as (
    select
        event_name,
        max(lookback_days) as lookback_days
    from {{ ref('stg_routes') }}
    where match_on <> 'identity'
    group by 1
)

select
    touchpoints.conversion_key,
    touchpoints.click_id,
    touchpoints.clicked_at
from {{ ref('int_touchpoints') }} as touchpoints
left join {{ ref('conversions') }} as conversions on touchpoints.conversion_key = conversions.conversion_key
left join reach on conversions.event_name = reach.event_name
where
    {{ key_in_scope('touchpoints.conversion_key') }}
    and (
        reach.lookback_days is null
        or touchpoints.clicked_at > conversions.attribution_at
        or touchpoints.clicked_at < {{ add_hours('conversions.attribution_at', '-24 * reach.lookback_days') }}
        or touchpoints.key_rank not in (1, 2, 3, 4)
        or (touchpoints.key_rank = 1) <> coalesce(touchpoints.click_id = conversions.click_id, false)
    )
