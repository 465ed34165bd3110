-- How many destinations claim the same conversion: each believes that it is its own. Conversions count once here; what
-- the platforms report, added up, counts them as often as they are claimed.
with claims as (
    select
        conversion_key,
        event_name,
        occurred_on,
        source_currency as currency,
        net_value,
        case when is_pixel_reported or (is_processed and not is_retracted) then destination end as destination
    from {{ ref('int_reconciliation_steps') }}
    where status in ('qualified', 'partly_reversed')
),

conversions as (
    select
        conversion_key,
        event_name,
        occurred_on,
        currency,
        net_value,
        count(destination) as claimed_by,
        coalesce({{ dbt.listagg('destination', "', '", 'order by destination') }}, '') as destinations
    from claims
    group by 1, 2, 3, 4, 5
)

select
    occurred_on,
    event_name,
    currency,
    claimed_by,
    destinations,
    count(*) as conversions,
    sum(net_value) as net_value,
    claimed_by * count(*) as claims
from conversions
group by 1, 2, 3, 4, 5
