{{ config(materialized='view') }}

{#- For analysts: how the credit for a conversion spreads over its touchpoints. Half of it is gone after a week. -#}
{%- set half_life_days = 7 -%}

with touchpoints as (
    select
        conversion_key,
        click_id,
        min(identifier) as identifier,
        min(clicked_at) as clicked_at
    from {{ ref('int_touchpoints') }}
    group by 1, 2
),

placed as (
    select
        touchpoints.*,
        conversions.event_name,
        conversions.net_value,
        conversions.currency,
        conversions.occurred_on,
        row_number() over (
            partition by touchpoints.conversion_key order by touchpoints.clicked_at, touchpoints.click_id
        ) as position,
        count(*) over (partition by touchpoints.conversion_key) as touchpoints,
        power(
            0.5,
            {{ seconds_between('touchpoints.clicked_at', 'conversions.attribution_at') }}
            / (86400.0 * {{ half_life_days }})
        ) as weight
    from touchpoints
    inner join {{ ref('conversions') }} as conversions on touchpoints.conversion_key = conversions.conversion_key
    where conversions.status in ('qualified', 'partly_reversed', 'fully_reversed')
),

final as (
    select
        conversion_key,
        event_name,
        click_id,
        identifier,
        currency,
        position,
        touchpoints,
        net_value,
        case when position = 1 then 1.0 else 0.0 end as first_touch,
        case when position = touchpoints then 1.0 else 0.0 end as last_touch,
        1.0 / touchpoints as linear,
        weight / sum(weight) over (partition by conversion_key) as time_decay,
        -- Two fifths each to the first and the last, the rest to those between.
        case
            when touchpoints = 1 then 1.0
            when touchpoints = 2 then 0.5
            when position in (1, touchpoints) then 0.4
            else 0.2 / (touchpoints - 2)
        end as position_based,
        occurred_on,
        clicked_at
    from placed
)

select * from final
